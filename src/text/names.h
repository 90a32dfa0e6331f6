/* What recordings and utterances are called after their audio's path, in every file that this program writes
 * or matches: a name of one word without parentheses, which can be a field of NIST's ctm and stm and the id
 * of a trn. */
#ifndef JARGON_TEXT_NAMES_H
#define JARGON_TEXT_NAMES_H

/* White space and parentheses become "_", and so does ";;" at the beginning, which would begin a comment; in
 * place. */
void name_clean(char *name);

/* The file's name without folder and extension, clean; the caller frees. */
char *recording_name(const char *path);

/* The recording's name and, where the utterance does not begin with it, behind "-" its offset in
 * milliseconds: "talk-1500"; the caller frees. */
char *utterance_name(const char *path, double offset);

#endif
