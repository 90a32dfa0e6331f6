/* How often each word comes in a text: general text to tell jargon from, or a vocabulary. */
#ifndef JARGON_EVAL_LEXICON_H
#define JARGON_EVAL_LEXICON_H

#include "eval/word_ids.h"
#include "src/text/normalize.h"

typedef struct Lexicon {
  WordIds words;
  int64_t *counts; /* by id */
  int64_t total;
  char *texts; /* what the words point into */
} Lexicon;

/* A file of any form that records.h knows; a list of words is text with one word a line. The caller frees,
 * after an error too. */
Status lexicon_read(Lexicon *lexicon, const char *path, const Normalizer *normalizer);

/* The same from one normalised text, which the lexicon then owns. */
void lexicon_take(Lexicon *lexicon, char *text);

int64_t lexicon_count(const Lexicon *lexicon, const char *word);
void lexicon_free(Lexicon *lexicon);

#endif
