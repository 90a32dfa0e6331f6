/* The utterances of one or several corpora with their labels: texts are normalised and encoded once, audio is
 * read batch by batch.
 *
 * An utterance's identity, for random numbers, is its number over all corpora in the order given: it does not
 * depend on which utterances are left out. */
#ifndef JARGON_TRAIN_SPEECH_H
#define JARGON_TRAIN_SPEECH_H

#include <pthread.h>
#include <stdbool.h>

#include "src/base/options.h"
#include "src/corpus/corpus.h"
#include "src/model/model.h"
#include "src/text/normalize.h"
#include "src/text/tokenizer.h"

typedef struct Speech {
  Corpus **corpora;
  int corpus_count;
  /* utterances, those left out not counted */
  int count;
  int *corpus, *place; /* which corpus, and which utterance of it */
  uint32_t *identity;
  int64_t *samples;
  int32_t *labels;        /* of utterance i: labels[label_offsets[i]] .. */
  int64_t *label_offsets; /* count + 1 */
  /* for the user */
  int too_long; /* left out: more frames than the model has positions */
  int unfit;    /* left out: fewer frames than labels (and blanks between repeats) */
  int unknown;  /* characters outside the vocabulary */
  double hours;
} Speech;

/* Opens corpora behind those already there (a zeroed Speech has none). For training, utterances that the CTC
 * loss cannot align or the model cannot take are left out and counted; for scoring all are kept. */
Status speech_add(Speech *speech, const StringList *paths, const Normalizer *normalizer,
                  const Tokenizer *tokenizer, const ModelConfig *config, bool training);
void speech_free(Speech *speech);

static inline int speech_labels(const Speech *speech, int i) {
  return (int)(speech->label_offsets[i + 1] - speech->label_offsets[i]);
}

/* The largest batches that `seconds` of audio allow when an utterance may come up to `times` in one. */
typedef struct SpeechBounds {
  int64_t samples, longest;
  int utterances, labels;
} SpeechBounds;
SpeechBounds speech_bounds(const Speech *speech, double seconds, int times);

/* One batch in host memory, and the thread that reads it. */
typedef struct SpeechBatch {
  ModelBatch model; /* points into the arrays below */
  int64_t sample_count, label_count;
  int16_t *samples;
  int64_t *sample_offsets;
  int32_t *labels, *label_offsets;
  uint32_t *utterances;
  /* reading */
  const Speech *speech;
  SpeechBounds bounds;
  const int32_t *items;
  pthread_t thread;
  bool reading;
  Status status;
  char *error;
} SpeechBatch;

/* Room for any batch within the bounds. */
void batch_new(SpeechBatch *batch, const Speech *speech, const SpeechBounds *bounds);
void batch_free(SpeechBatch *batch); /* waits for its thread */

/* Begins to read those utterances in a thread of its own; `items` stays valid until batch_wait() has
 * returned. */
void batch_read(SpeechBatch *batch, const int32_t *items, int count);
Status batch_wait(SpeechBatch *batch);

#endif
