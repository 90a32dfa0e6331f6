/* Groups of utterances: all of them, those with a value of a metadata key, or with a combination of several
 * ("domain*gender"). What is counted in each is here; what is inferred from it in cells.h.
 *
 * A value that is absent, null, "" or a word for it (unknown, unk, n/a, none, null, nan, "-", "?", in any
 * case) is unknown: a row of its own, the last. A speaker so called is not a real speaker: utterances without
 * one count in every rate; in the interval they are one block together (whether one person or many spoke them
 * is not known, so nothing is won by them); they are in no count and no mean of speakers. */
#ifndef JARGON_EVAL_SLICES_H
#define JARGON_EVAL_SLICES_H

#include "eval/bootstrap.h"
#include "eval/hypotheses.h"
#include "eval/matched_pairs.h"
#include "eval/power.h"

/* The system to compare with, in one cell. */
typedef struct Before {
  Rates rates;
  double speaker_wer;
  bool has_interval, has_difference;
  Interval interval;   /* of its WER */
  Interval difference; /* of the WER of hyp minus its own */
  double improvement;  /* share of replicates in which hyp has the lower WER */
  double p, q;         /* of no difference; NAN where that has no interval */
  MatchedPairs pairs;
} Before;

typedef struct Cell {
  char **values;            /* one per key of the slice, the caller's not to free; NULL: unknown */
  const int *items;         /* its utterances, in the slice's list */
  int utterances, speakers; /* real speakers */
  int unknown_speaker;      /* utterances without a real speaker */
  int empty_references;     /* utterances, and the words recognised in them, which count as insertions */
  int64_t empty_insertions;
  int without_duration; /* utterances that `seconds` lacks */
  double seconds;
  Rates rates;
  double
      speaker_wer; /* mean of the real speakers' WER, those without words left out; NAN when there is none */
  /* From here on set by cells_measure(). */
  const char *no_interval; /* why there is none; NULL: `interval` is of the WER */
  Interval interval;
  int rank;    /* 1: lowest WER of the slice's groups with an interval; 0: none */
  Power power; /* of a group */
  Before before;
} Cell;

typedef struct Slice {
  char **keys; /* none: one cell with everything */
  int key_count;
  Cell *cells; /* in the order of their values */
  int count;
  int *items; /* the utterances, by cell */
} Slice;

typedef struct Slices {
  Slice *items; /* everything, then as asked for */
  int count;
  int *speaker; /* of each utterance: 0 .. speakers - 1, or `speakers` when it has no real one */
  int speakers;
} Slices;

/* groups: metadata keys or combinations of them with '*'; with `pairs` every two of the single keys as well.
 * speaker: the key that names who speaks. A key that no line has is ERR_USAGE. The caller frees, after an
 * error too. */
Status slices_make(Slices *slices, const Hypotheses *hypotheses, const char *const *groups, int group_count,
                   bool pairs, const char *speaker);
void slices_free(Slices *slices);

/* False: a value is unknown. Such a cell has its rate and interval, but no rank, no gap and no plan: who is
 * in it is not known. */
bool cell_is_group(const Slice *slice, const Cell *cell);

/* What one speaker, or all the unknown ones together, has in a group of utterances. */
typedef struct SpeakerSum {
  int speaker;
  int64_t words, errors, before_errors;
} SpeakerSum;

/* *sums, the caller's to free: in the order in which the speakers come first. Returns how many. */
int slices_speakers(const Slices *slices, const Hypotheses *hypotheses, const int *items, int count,
                    SpeakerSum **sums);

/* One metadata key of all utterances. */
typedef struct Column {
  char *key;
  char **values; /* the known ones, in order */
  int count;
  int *ids; /* of each utterance, its value's place; `count` when it is unknown */
} Column;

void column_make(Column *column, const char *key, const Hypotheses *hypotheses);
void column_free(Column *column);

/* The value of a metadata field as text, the caller's to free; NULL: unknown. */
char *metadata_text(const json_t *value);

#endif
