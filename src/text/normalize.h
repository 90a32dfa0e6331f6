/* Text normalisation: one library for training text and for scoring. Named and versioned, because a rate
 * without the name of its normalisation means nothing. */
#ifndef JARGON_TEXT_NORMALIZE_H
#define JARGON_TEXT_NORMALIZE_H

#include "src/base/status.h"

typedef struct Normalizer Normalizer;

/* "none" (white space alone), "basic" (NFKC, case folded, punctuation to spaces but for apostrophes inside
 * words), "english" (fillers, contractions, titles, numbers, money, spelling, compounds: eval/normalization),
 * or the path of a file of rules in the same form, known by its '/' or '.'. An unknown name is an error that
 * lists the known ones. A Normalizer does not change: any number of threads may apply it. */
Status normalizer_new(Normalizer **out, const char *name);
void normalizer_free(Normalizer *normalizer);

/* "basic-1": the name with its version; of a file, its own version with the hash of its content. */
const char *normalizer_version(const Normalizer *normalizer);

/* *out is the caller's to free: words separated by single spaces. Invalid UTF-8 is ERR_DATA. */
Status normalizer_apply(const Normalizer *normalizer, const char *text, char **out);

/* The pieces of a text that a word was made from, first to last: "twenty" "three" of 23. */
typedef struct WordSource {
  int first, last;
} WordSource;

/* The same for a text in `count` pieces, between which spaces stand. *sources, one for each word of *out, is
 * the caller's to free; NULL: not asked for. */
Status normalizer_trace(const Normalizer *normalizer, const char *const *pieces, int count, char **out,
                        WordSource **sources);

#endif
