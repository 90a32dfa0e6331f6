/* Rates by group: all utterances, the values of a metadata key, or the combinations of several
 * ("domain*gender").
 *
 * A value that is absent, null, "" or a word for it (unknown, unk, n/a, none, null, nan, "-", "?", in any
 * case) is unknown: a row of its own, the last. A speaker so called is not a real speaker: utterances without
 * one count in every rate; in the interval they are one block together (whether one person or many spoke them
 * is not known, so nothing is won by them); they are in no count and no mean of speakers. */
#ifndef JARGON_EVAL_SLICES_H
#define JARGON_EVAL_SLICES_H

#include "eval/bootstrap.h"
#include "eval/hypotheses.h"

typedef struct Cell {
  char **values;            /* one per key of the slice, the caller's not to free; NULL: unknown */
  int utterances, speakers; /* real speakers */
  int unknown_speaker;      /* utterances without a real speaker */
  int empty_references;     /* utterances, and the words recognised in them, which count as insertions */
  int64_t empty_insertions;
  int without_duration; /* utterances that `seconds` lacks */
  double seconds;
  Rates rates, before;
  double
      speaker_wer; /* mean of the real speakers' WER, those without words left out; NAN when there is none */
  const char *no_interval; /* why there is none; NULL: `interval` is of the WER */
  Interval interval;
} Cell;

typedef struct Slice {
  char **keys; /* none: one cell with everything */
  int key_count;
  Cell *cells; /* in the order of their values */
  int count;
} Slice;

typedef struct Slices {
  Slice *items; /* everything, then as asked for */
  int count;
} Slices;

/* groups: metadata keys or combinations of them with '*'; with `pairs` every two of the single keys as well.
 * speaker: the key that names who speaks. A key that no line has is ERR_USAGE. The caller frees, after an
 * error too. */
Status slices_make(Slices *slices, const Hypotheses *hypotheses, const char *const *groups, int group_count,
                   bool pairs, const char *speaker, const Bootstrap *bootstrap);
void slices_free(Slices *slices);

#endif
