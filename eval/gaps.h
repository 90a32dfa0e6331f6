/* Gaps between groups: difference and ratio of the WER of two cells of a slice, with intervals by resampling
 * speakers (bootstrap.h); and the same for matched utterances.
 *
 * Which pairs: every two cells of a slice with one key when at most GAPS_CELLS_ALL of its known values have
 * speakers enough; otherwise each cell against the rest of its slice.
 *
 * Matched comparison (after Koenecke et al. 2020, doi:10.1073/pnas.1915768117, who match with propensity
 * scores and take utterances as independent): each utterance of the smaller group gets the nearest unused one
 * of the other in (log seconds, log words), both in units of their standard deviation over the two groups,
 * among those that agree in every key of `exact`, and none further than GAPS_CALIPER away. Intervals resample
 * the speakers of both groups with their matched utterances. */
#ifndef JARGON_EVAL_GAPS_H
#define JARGON_EVAL_GAPS_H

#include "eval/cells.h"

enum { GAPS_CELLS_ALL = 8 };
#define GAPS_CALIPER 0.25

/* Where the two groups of a gap stand. */
typedef struct GapFigures {
  int speakers[2];
  int64_t words[2];
  double wer[2], difference, ratio; /* ratio: NAN when b has no errors */
  const char *no_interval;          /* NULL: the intervals are there, that of a NAN ratio excepted */
  Interval difference_interval, ratio_interval;
  bool ratio_has_interval;
  double p; /* of no difference; NAN without an interval */
} GapFigures;

typedef struct Gap {
  const Slice *slice;
  const Cell *a, *b; /* b NULL: the rest of the slice */
  GapFigures figures;
  double q;
  int pairs; /* 0: nothing to match on or nothing matched */
  GapFigures matched;
  double seconds[2], words[2]; /* means over the pairs */
} Gap;

typedef struct Gaps {
  Gap *items;
  int count;
  const char *const *exact; /* the keys that matched utterances agree in */
  int exact_count;
} Gaps;

/* The caller frees. `exact` must live as long. */
void gaps_make(Gaps *gaps, const Slices *slices, const Hypotheses *hypotheses, const char *const *exact,
               int exact_count, const Bootstrap *bootstrap, const Thresholds *thresholds);
void gaps_free(Gaps *gaps);

/* Whether matching is exact on that key of gaps->exact: not on those that the gap is about. */
bool gap_exact(const Gap *gap, const char *key);

#endif
