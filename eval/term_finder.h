/* Finds the terms of a list in a text. */
#ifndef JARGON_EVAL_TERM_FINDER_H
#define JARGON_EVAL_TERM_FINDER_H

#include "eval/terms.h"

typedef struct TermFinder {
  const Terms *terms;
  WordIds words; /* of the terms */
  uint32_t *ids; /* each term's words, TERMS_WORDS_MOST apart */
  int *first;    /* by word: the first term that begins with it, the longest; -1: none */
  int *next;     /* by term: the next one that begins with the same word */
} TermFinder;

typedef struct Occurrence {
  int term, first, last; /* places in the text's words */
} Occurrence;

void term_finder_init(TermFinder *finder, const Terms *terms);
void term_finder_free(TermFinder *finder);

/* Terms of every domain and of that one (NULL: unknown). Returns how many; `found` has room for `count`. */
int terms_find(const TermFinder *finder, const char *const *words, int count, const char *domain,
               Occurrence *found);

#endif
