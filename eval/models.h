/* The Poisson mixed model (mixed.h) of single metadata keys, one by one and, when there are several, all
 * together. A model leaves out utterances without a real speaker or words, and those whose value is unknown
 * or has fewer than least_speakers speakers. The value with the most words is the one that the others are
 * compared with. */
#ifndef JARGON_EVAL_MODELS_H
#define JARGON_EVAL_MODELS_H

#include "eval/cells.h"
#include "eval/mixed.h"

typedef struct ModelTerm {
  const char *key, *value, *baseline;
  double rate_ratio, p, q; /* q over the terms of all models */
  Interval interval;
} ModelTerm;

typedef struct ModelOf {
  const char **keys;
  int key_count;
  int speakers, left_out; /* left_out: utterances */
  int64_t words;
  char *failed; /* why there is no fit; NULL: there is */
  ModelTerm *terms;
  int term_count;
  double intercept, speaker_sd, log_likelihood, dispersion;
} ModelOf;

typedef struct Models {
  ModelOf *items;
  int count;
} Models;

/* The caller frees; `slices` must live as long. */
void models_make(Models *models, const Slices *slices, const Hypotheses *hypotheses,
                 const Thresholds *thresholds);
void models_free(Models *models);

#endif
