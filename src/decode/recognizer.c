#include "src/decode/recognizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 16000, BATCH_WINDOWS = 256 };

typedef struct Window {
  void *recording;
  double start; /* seconds into the recording */
  bool last;    /* of the recording */
} Window;

struct Recognizer {
  RecognizerSettings settings;
  Model *model;
  const Tokenizer *tokenizer;
  int64_t batch_samples, max_samples;
  /* the batch being filled */
  int16_t *samples;
  int64_t offsets[BATCH_WINDOWS + 1];
  Window windows[BATCH_WINDOWS];
  int count;
  Transcript transcript; /* of the recording whose windows are being read */
};

Status recognizer_new(Recognizer **out, Model *model, const Tokenizer *tokenizer, const RecognizerSettings *settings) {
  Status status = OK;
  const ModelConfig *config = model_config(model);
  Recognizer *recognizer = xcalloc(1, sizeof *recognizer);
  recognizer->settings = *settings;
  recognizer->model = model;
  recognizer->tokenizer = tokenizer;
  recognizer->max_samples = (int64_t)(settings->max_seconds * RATE);
  recognizer->batch_samples = (int64_t)(settings->batch_seconds * RATE);
  if (recognizer->batch_samples < recognizer->max_samples) recognizer->batch_samples = recognizer->max_samples;
  if (tokenizer_size(tokenizer) + 1 != config->vocab_size)
    TRY(fail(ERR_DATA, "the tokenizer has %d tokens and the blank, the model vocab_size %d", tokenizer_size(tokenizer),
             config->vocab_size));
  if (model_frames(config, recognizer->max_samples) > config->max_position_embeddings)
    TRY(fail(ERR_USAGE, "the model has positions for windows of about %.0f s, not for %g s",
             config->max_position_embeddings * model_frame_seconds(config), settings->max_seconds));
  TRY(model_reserve(model, recognizer->batch_samples, BATCH_WINDOWS, recognizer->max_samples, 0, false));
  recognizer->samples = xcalloc((size_t)recognizer->batch_samples, sizeof *recognizer->samples);
  *out = recognizer;
  recognizer = NULL;
done:
  recognizer_free(recognizer);
  return status;
}

void recognizer_free(Recognizer *recognizer) {
  if (!recognizer) return;
  transcript_free(&recognizer->transcript);
  free(recognizer->samples);
  free(recognizer);
}

static Status run(Recognizer *recognizer) {
  Status status = OK;
  const ModelConfig *config = model_config(recognizer->model);
  double frame_seconds = model_frame_seconds(config);
  ModelBatch batch = {.U = recognizer->count,
                      .samples = recognizer->samples,
                      .sample_offsets = recognizer->offsets};
  ModelOutput output;
  if (!recognizer->count) return OK;
  TRY(model_infer(recognizer->model, &batch, &output, NULL));
  for (int u = 0; u < recognizer->count; u++) {
    const Window *window = &recognizer->windows[u];
    int first = output.frame_offsets[u], frames = output.frame_offsets[u + 1] - first;
    Transcript part = transcript_greedy(output.best + first, output.log_probability + first, frames,
                                        config->vocab_size - 1, frame_seconds, recognizer->tokenizer);
    transcript_append(&recognizer->transcript, &part, window->start);
    if (!window->last) continue;
    TRY(recognizer->settings.done(recognizer->settings.context, window->recording, &recognizer->transcript));
    transcript_free(&recognizer->transcript);
  }
  recognizer->count = 0;
done:
  return status;
}

int64_t quiet_cut(const int16_t *samples, int64_t limit) {
  const int64_t hop = RATE / 100, box = 20 * hop;
  int64_t begin = limit - 5 * RATE > limit / 2 ? limit - 5 * RATE : limit / 2, best = limit;
  if (limit - begin < box) return limit;
  int64_t energy = 0, least = INT64_MAX;
  for (int64_t i = begin; i < begin + box; i++) energy += (int64_t)samples[i] * samples[i];
  for (int64_t at = begin; at + box <= limit; at += hop) {
    if (energy <= least) least = energy, best = at + box / 2;
    for (int64_t i = at; i < at + hop && i + box < limit; i++)
      energy += (int64_t)samples[i + box] * samples[i + box] - (int64_t)samples[i] * samples[i];
  }
  return best;
}

Status recognizer_add(Recognizer *recognizer, const int16_t *samples, int64_t count, void *recording) {
  Status status = OK;
  int64_t begin = 0, end;
  do { /* once too for a recording of no sample */
    bool last = count - begin <= recognizer->max_samples;
    end = last ? count : begin + quiet_cut(samples + begin, recognizer->max_samples);
    int64_t used = recognizer->offsets[recognizer->count];
    if (recognizer->count == BATCH_WINDOWS || used + end - begin > recognizer->batch_samples) {
      TRY(run(recognizer));
      used = 0;
    }
    memcpy(recognizer->samples + used, samples + begin, (size_t)(end - begin) * sizeof *samples);
    recognizer->windows[recognizer->count++] = (Window){recording, (double)begin / RATE, last};
    recognizer->offsets[recognizer->count] = used + end - begin;
    begin = end;
  } while (begin < count);
done:
  return status;
}

Status recognizer_finish(Recognizer *recognizer) { return run(recognizer); }
