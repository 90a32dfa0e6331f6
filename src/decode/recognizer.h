/* Audio to transcripts: recordings of any length are cut into windows at quiet places, windows become batches by total
 * seconds, and transcripts come out in the order in which the recordings went in. A recording gives the same transcript
 * alone and in any batch (model.h). */
#ifndef JARGON_DECODE_RECOGNIZER_H
#define JARGON_DECODE_RECOGNIZER_H

#include "src/decode/transcript.h"
#include "src/model/model.h"

typedef struct RecognizerSettings {
  double batch_seconds; /* most audio in a batch */
  double max_seconds;   /* longest window: what the model was trained on, more or less */
  /* Gets each transcript, which stays the recognizer's. */
  Status (*done)(void *context, void *recording, const Transcript *transcript);
  void *context;
} RecognizerSettings;

typedef struct Recognizer Recognizer;

/* Model and tokenizer are borrowed. More seconds than the model has positions for is ERR_USAGE, a tokenizer that does
 * not fit the model ERR_DATA. */
Status recognizer_new(Recognizer **out, Model *model, const Tokenizer *tokenizer, const RecognizerSettings *settings);
void recognizer_free(Recognizer *recognizer);

/* Takes a recording (16 kHz; copied) and runs every batch that is full. `recording` is what done() gets. */
Status recognizer_add(Recognizer *recognizer, const int16_t *samples, int64_t count, void *recording);

/* Runs what is left. */
Status recognizer_finish(Recognizer *recognizer);

/* Where to cut a recording of more than `limit` samples: the middle of the quietest 0.2 s that end in the last five
 * seconds (or last half) of its first `limit`. */
int64_t quiet_cut(const int16_t *samples, int64_t limit);

#endif
