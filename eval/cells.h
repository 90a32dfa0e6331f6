/* What is inferred about each cell of slices: interval, rank, power, and the comparison with the other
 * system. */
#ifndef JARGON_EVAL_CELLS_H
#define JARGON_EVAL_CELLS_H

#include "eval/slices.h"

typedef struct Thresholds {
  int least_speakers; /* of fewer real speakers: no interval, no rank, no gap */
  double false_discovery_rate, power, gap;
} Thresholds;

extern const Thresholds THRESHOLDS; /* the usual ones: 10, 0.05, 0.8, 0.05 */

/* pairs: of each utterance; NULL: no matched pairs are tested. */
void cells_measure(Slices *slices, const Hypotheses *hypotheses, const PairSums *pairs,
                   const Bootstrap *bootstrap, const Thresholds *thresholds);

/* Why a group has no interval; NULL: it may have one. The text lives as long as the program. */
const char *too_few(int speakers, const Thresholds *thresholds);

#endif
