/* Pairs of alike utterances of two groups (gaps.h says how). */
#ifndef JARGON_EVAL_ALIKE_H
#define JARGON_EVAL_ALIKE_H

#include "eval/hypotheses.h"

typedef struct Group {
  const int *items; /* utterances */
  int count;
} Group;

/* pairs[2 k], pairs[2 k + 1]: an utterance of a and its partner in b; room for 2 min(a.count, b.count).
 * Returns how many pairs. Utterances without words or duration have no partner. */
int utterances_match(const Hypotheses *hypotheses, Group a, Group b, const char *const *exact,
                     int exact_count, double caliper, int *pairs);

#endif
