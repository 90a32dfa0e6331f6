/* The words of one item, normalised and aligned: for reports, tables of terms and confidence. */
#ifndef JARGON_EVAL_ALIGNMENT_H
#define JARGON_EVAL_ALIGNMENT_H

#include "eval/hypotheses.h"

typedef struct AlignedWord {
  AlignOp op;
  const char *ref, *hyp; /* normalised; "" for an insertion's ref and a deletion's hyp. An optional word
                            without its partner is a match with hyp "", or ref "", as sclite -D counts it */
  double confidence; /* of hyp: the least of item->words that normalisation made it from; NAN: not known */
  bool optional, hyp_optional; /* ref and hyp need not be said */
} AlignedWord;

typedef struct Alignment {
  AlignedWord *words;
  int count;
  AlignCounts counts;
  char *owned[2]; /* what the words point into */
} Alignment;

/* `before`: the other system's text instead. The counts are those of hypotheses_score(). The caller frees,
 * after an error too. Safe from several threads. */
Status alignment_make(Alignment *alignment, const Hypothesis *item, bool before, const Normalizer *normalizer,
                      const AlignCosts *costs);
void alignment_free(Alignment *alignment);

#endif
