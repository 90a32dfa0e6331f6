/* The score of a model on dev corpora: loss per label, and the word error rate of greedy decoding, both
 * texts normalised. */
#ifndef JARGON_TRAIN_EVALUATE_H
#define JARGON_TRAIN_EVALUATE_H

#include <signal.h>

#include "eval/align.h"
#include "src/train/speech.h"

typedef struct Score {
  AlignCounts words;
  double nll;     /* over the utterances whose labels fit */
  int64_t labels; /* of those */
} Score;

static inline double score_loss(const Score *score) {
  return score->labels ? score->nll / (double)score->labels : 0;
}
/* In percent; 0 when there are no words. */
double score_wer(const Score *score);

/* Assigns scores (one a corpus of `dev`). Batches hold at most `seconds` of audio, which the model has
 * reserved; the result does not depend on it. Returns ERR_STOPPED as soon as *stop is set. */
Status evaluate(Model *model, const Speech *dev, const Normalizer *normalizer, const Tokenizer *tokenizer,
                double seconds, const volatile sig_atomic_t *stop, Score *scores);

#endif
