/* Word and character error rates of normalised text (src/text/normalize.h), by alignment (align.h).
 *
 *   WER = (substitutions + deletions + insertions) / words of the reference,  CER the same over Unicode code
 * points, the single spaces between words included.
 *
 * An empty reference has no rate of its own; what the recogniser wrote there counts as insertions, so in a
 * sum over utterances (add the counts, then divide) nothing is dropped. */
#ifndef JARGON_EVAL_RATES_H
#define JARGON_EVAL_RATES_H

#include "eval/align.h"

typedef struct Rates {
  AlignCounts words, characters;
} Rates;

/* ref and hyp: UTF-8, words separated by single spaces as normalizer_apply() leaves them. Assigns *rates.
 * Safe from several threads. */
Status rates_score(const AlignCosts *costs, const char *ref, const char *hyp, Rates *rates);

/* Words alone: for a trainer's dev rate. */
Status rates_words(const AlignCosts *costs, const char *ref, const char *hyp, AlignCounts *counts);

/* Characters alone. */
Status rates_characters(const AlignCosts *costs, const char *ref, const char *hyp, AlignCounts *counts);

void rates_add(Rates *sum, const Rates *rates);

/* Errors over items of the reference: 0.25 for 25 %; NAN when the reference is empty. */
double rates_error(AlignCounts counts);

#endif
