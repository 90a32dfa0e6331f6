/* What a training run works with: model, optimiser, data, and where it stands. Used by trainer.c alone. */
#ifndef JARGON_TRAIN_SESSION_H
#define JARGON_TRAIN_SESSION_H

#include "src/corpus/batches.h"
#include "src/text/normalize.h"
#include "src/text/tokenizer.h"
#include "src/train/checkpoint.h"
#include "src/train/schedule.h"
#include "src/train/speech.h"
#include "src/train/trainer.h"

typedef struct Session {
  const TrainSettings *settings;
  const Backend *backend;
  Model *model;
  char *tokenizer_path;
  Tokenizer *tokenizer;
  Normalizer *normalizer;
  /* data: the main utterances first, then those to replay from */
  Speech speech, dev;
  int main_count;
  BatchSettings order_settings;
  SpeechBatch batches[2];
  /* optimiser, in backend memory */
  AdamwSegment *segments;
  float *moment1, *moment2, *norm;
  float *kept; /* batch norm's running statistics after the last step that was not skipped */
  Tally *tally;
  Schedule schedule;
  /* where training stands */
  TrainState state;
  TrainArrays host; /* copies for checkpoints */
  char *identity;
} Session;

/* A zeroed session; session_close() frees also what a failed one has. */
Status session_open(Session *session, const TrainSettings *settings, const char *identity);
void session_close(Session *session);

/* The order of an epoch; the caller frees. */
BatchOrder session_order(const Session *session, int epoch);

/* Weights, moments and buffers between the device and session->host. session_upload() brings session->state to the
 * device as well: call it before the first step. */
void session_download(Session *session);
void session_upload(Session *session);

/* Waits for the steps under way and brings what they counted into session->state. */
void session_count(Session *session);

/* The sums over steps start anew, in session->state and on the device. */
void session_interval_begin(Session *session);

#endif
