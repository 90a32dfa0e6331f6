/* The alignments of all items, of both systems, for what looks at single words. */
#ifndef JARGON_EVAL_ALIGNMENTS_H
#define JARGON_EVAL_ALIGNMENTS_H

#include "eval/alignment.h"
#include "eval/matched_pairs.h"

typedef struct Alignments {
  Alignment *hyp, *before; /* one per item; before: NULL when there is no other system */
  int count;
} Alignments;

/* On all cores. The caller frees, after an error too. */
Status alignments_make(Alignments *alignments, const Hypotheses *hypotheses, const Normalizer *normalizer,
                       const AlignCosts *costs);
void alignments_free(Alignments *alignments);

/* Of each item, the caller's to free; NULL when there is no other system. */
PairSums *alignments_pairs(const Alignments *alignments);

#endif
