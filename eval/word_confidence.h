/* How sure a recogniser was of each word that normalisation made of its own. */
#ifndef JARGON_EVAL_WORD_CONFIDENCE_H
#define JARGON_EVAL_WORD_CONFIDENCE_H

#include "eval/hypotheses.h"

/* hyp: the words of item->text, normalised. confidence[j]: the least of the item's words that hyp[j] was made
 * from ("twenty" 0.9 and "three" 0.4 are 23 with 0.4; "won't" 0.8 is will and not with 0.8 each). NAN where
 * one of them has none, and where item->words have not that word. */
Status word_confidences(const Hypothesis *item, char *const *hyp, int count, const Normalizer *normalizer,
                        double *confidence);

#endif
