/* Matched pairs sentence-segment word error test (MAPSSWE) of two systems on the same references: Gillick and
 * Cox 1989 (doi:10.1109/ICASSP.1989.266481), Pallett et al. 1990 (doi:10.1109/ICASSP.1990.115546), as
 * sclite's sc_stats makes it.
 *
 * An utterance is cut where both systems have at least two reference words in a row right and insert nothing
 * between them; its ends are cuts too. The pieces between in which either system errs are the segments, taken
 * as independent. With d_i = errors of hyp - errors of before in segment i:
 *
 *   z = mean(d) / (sd(d) / sqrt(n)),   p = 2 P(Z > |z|) */
#ifndef JARGON_EVAL_MATCHED_PAIRS_H
#define JARGON_EVAL_MATCHED_PAIRS_H

#include <stdint.h>

#include "eval/align.h"

/* Of any number of utterances: add them up. */
typedef struct PairSums {
  int64_t segments, sum, squares; /* of d */
} PairSums;

typedef struct MatchedPairs {
  int64_t segments;
  double mean, sd, z, p; /* NAN with fewer than two segments; z and p too when all d are the same */
} MatchedPairs;

enum { MATCHED_PAIRS_GOOD = 2 }; /* words in a row that both have right */

/* The two systems' paths (AlignOp) against one reference. */
PairSums pair_sums(const uint8_t *hyp, int hyp_length, const uint8_t *before, int before_length);

void pair_sums_add(PairSums *sum, PairSums more);

MatchedPairs matched_pairs(PairSums sums);

#endif
