/* Alignment of two sequences of ids at least cost: words (rates.h makes their ids) or Unicode code points.
 *
 *   D(i, j) = min(D(i-1, j-1) + sub [ref_i != hyp_j],  D(i, j-1) + gap,  D(i-1, j) + gap),  D(0, 0) = 0
 *
 * (Wagner and Fischer 1974), gap being the price of an insertion and of a deletion. Of the alignments of
 * least cost it is the one that sclite (NIST SCTK) takes: walking back from the end, a match or substitution
 * is preferred to an insertion, and an insertion to a deletion. So under ALIGN_SCLITE counts and paths are
 * sclite's own.
 *
 * Cells are computed along anti-diagonals, many at once, as differences of neighbours that fit a byte (Suzuki
 * and Kasahara 2018, doi:10.1186/s12859-018-2014-8), and only within a band of diagonals that provably holds
 * every optimal path (Ukkonen 1985). Of large tables only a state every so many anti-diagonals is kept, and
 * what lies between two of them recomputed around the path: memory is O((ref + hyp)^1.5) at worst. */
#ifndef JARGON_EVAL_ALIGN_H
#define JARGON_EVAL_ALIGN_H

#include <stdint.h>

#include "src/base/status.h"

typedef struct AlignCosts {
  const char *name;
  int8_t sub, gap; /* 0 < gap, 0 < sub <= 2 gap, gap <= 20 */
} AlignCosts;

extern const AlignCosts ALIGN_PLAIN; /* 1, 1, 1: fewest errors, the usual word error rate */
extern const AlignCosts
    ALIGN_SCLITE; /* 4, 3, 3: fewer, better placed substitutions; now and then more errors */

/* The cost set of that name; NULL when there is none. */
const AlignCosts *align_costs(const char *name);

typedef enum AlignOp { ALIGN_MATCH, ALIGN_SUB, ALIGN_INS, ALIGN_DEL } AlignOp;

typedef struct AlignCounts {
  int64_t match, sub, ins, del;
} AlignCounts;

static inline int64_t align_errors(AlignCounts counts) { return counts.sub + counts.ins + counts.del; }
static inline int64_t align_reference(AlignCounts counts) { return counts.match + counts.sub + counts.del; }
void align_add(AlignCounts *sum, AlignCounts counts);

enum { ALIGN_LONGEST = 1 << 19 }; /* items of one sequence; a longer one is ERR_DATA */

/* Assigns *counts. path: NULL, or room for n + m operations; *length of them are assigned, from the first on.
 */
Status align(const AlignCosts *costs, const uint32_t *ref, int n, const uint32_t *hyp, int m,
             AlignCounts *counts, uint8_t *path, int *length);

#endif
