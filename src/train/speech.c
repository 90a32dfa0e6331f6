#include "src/train/speech.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 16000 };

/* Frames that labels need: one each, and a blank between two equal ones. */
static int frames_needed(const int32_t *labels, int count) {
  int frames = count;
  for (int i = 1; i < count; i++) frames += labels[i] == labels[i - 1];
  return frames;
}

static bool accept(Speech *speech, const ModelConfig *config, int64_t samples, const int32_t *labels,
                   int count) {
  int frames = model_frames(config, samples);
  bool too_long = frames > config->max_position_embeddings;
  bool unfit = !too_long && (frames == 0 || frames < frames_needed(labels, count));
  speech->too_long += too_long;
  speech->unfit += unfit;
  return !too_long && !unfit;
}

static void append(Speech *speech, int corpus, int place, uint32_t identity, int64_t samples,
                   const int32_t *labels, int label_count) {
  int i = speech->count++;
  int64_t first = speech->label_offsets[i];
  speech->corpus[i] = corpus;
  speech->place[i] = place;
  speech->identity[i] = identity;
  speech->samples[i] = samples;
  speech->hours += (double)samples / RATE / 3600;
  speech->label_offsets[i + 1] = first + label_count;
  speech->labels = xrealloc(speech->labels, (size_t)first + (size_t)label_count, sizeof *speech->labels);
  if (label_count) memcpy(speech->labels + first, labels, (size_t)label_count * sizeof *labels);
}

static void grow(Speech *speech, int more) {
  size_t count = (size_t)speech->count + (size_t)more;
  bool first = !speech->label_offsets;
  speech->corpus = xrealloc(speech->corpus, count, sizeof *speech->corpus);
  speech->place = xrealloc(speech->place, count, sizeof *speech->place);
  speech->identity = xrealloc(speech->identity, count, sizeof *speech->identity);
  speech->samples = xrealloc(speech->samples, count, sizeof *speech->samples);
  speech->label_offsets = xrealloc(speech->label_offsets, count + 1, sizeof *speech->label_offsets);
  if (first) speech->label_offsets[0] = 0;
}

/* Appends all utterances of one open corpus, the first of which has that identity. */
static Status add_corpus(Speech *speech, int c, uint32_t identity, const Normalizer *normalizer,
                         const Tokenizer *tokenizer, const ModelConfig *config, bool training) {
  Status status = OK;
  const Corpus *corpus = speech->corpora[c];
  int total = corpus_count(corpus);
  char *text = NULL;
  int32_t *labels = NULL;
  grow(speech, total);
  for (int u = 0; u < total; u++) {
    int count = 0, unknown = 0;
    int64_t samples = corpus_samples(corpus, u);
    status = normalizer_apply(normalizer, corpus_text(corpus, u), &text);
    if (status == OK) status = tokenizer_encode(tokenizer, text, &labels, &count, &unknown);
    if (status != OK) TRY(fail_in(status, "%s, utterance %d", corpus_path(corpus), u));
    speech->unknown += unknown;
    if (!training || accept(speech, config, samples, labels, count))
      append(speech, c, u, identity + (uint32_t)u, samples, labels, count);
    free(text);
    free(labels);
    text = NULL;
    labels = NULL;
  }
done:
  free(text);
  free(labels);
  return status;
}

Status speech_add(Speech *speech, const StringList *paths, const Normalizer *normalizer,
                  const Tokenizer *tokenizer, const ModelConfig *config, bool training) {
  Status status = OK;
  uint32_t identity = 0;
  for (int c = 0; c < speech->corpus_count; c++) identity += (uint32_t)corpus_count(speech->corpora[c]);
  for (int p = 0; p < paths->count; p++) {
    int c = speech->corpus_count;
    speech->corpora = xrealloc(speech->corpora, (size_t)c + 1, sizeof *speech->corpora);
    TRY(corpus_open(&speech->corpora[c], paths->items[p]));
    speech->corpus_count++;
    TRY(add_corpus(speech, c, identity, normalizer, tokenizer, config, training));
    identity += (uint32_t)corpus_count(speech->corpora[c]);
  }
done:
  return status;
}

void speech_free(Speech *speech) {
  for (int c = 0; c < speech->corpus_count; c++) corpus_close(speech->corpora[c]);
  free(speech->corpora);
  free(speech->corpus);
  free(speech->place);
  free(speech->identity);
  free(speech->samples);
  free(speech->labels);
  free(speech->label_offsets);
  *speech = (Speech){0};
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

SpeechBounds speech_bounds(const Speech *speech, double seconds, int times) {
  int n = speech->count;
  int64_t *sorted = xcalloc((size_t)n, sizeof *sorted), limit = (int64_t)(seconds * RATE), sum = 0;
  SpeechBounds bounds = {.samples = limit};
  for (int i = 0; i < n; i++) sorted[i] = speech->samples[i];
  qsort(sorted, (size_t)n, sizeof *sorted, ascending);
  bounds.longest = n ? sorted[n - 1] : 0;
  if (bounds.longest > limit) bounds.samples = bounds.longest; /* a batch of its own */
  while (bounds.utterances < n * times && sum + sorted[bounds.utterances / times] <= bounds.samples)
    sum += sorted[bounds.utterances++ / times];
  for (int i = 0; i < n; i++) sorted[i] = speech_labels(speech, i);
  qsort(sorted, (size_t)n, sizeof *sorted, ascending);
  for (int i = 0; i < bounds.utterances; i++) bounds.labels += (int)sorted[n - 1 - i / times];
  free(sorted);
  return bounds;
}

void batch_new(SpeechBatch *batch, const Speech *speech, const SpeechBounds *bounds) {
  size_t U = (size_t)bounds->utterances;
  *batch = (SpeechBatch){.speech = speech, .bounds = *bounds};
  batch->samples = xcalloc((size_t)bounds->samples, sizeof *batch->samples);
  batch->sample_offsets = xcalloc(U + 1, sizeof *batch->sample_offsets);
  batch->labels = xcalloc((size_t)bounds->labels, sizeof *batch->labels);
  batch->label_offsets = xcalloc(U + 1, sizeof *batch->label_offsets);
  batch->utterances = xcalloc(U, sizeof *batch->utterances);
}

void batch_free(SpeechBatch *batch) {
  batch_wait(batch);
  free(batch->samples);
  free(batch->sample_offsets);
  free(batch->labels);
  free(batch->label_offsets);
  free(batch->utterances);
  free(batch->error);
  *batch = (SpeechBatch){0};
}

static void *read_items(void *argument) {
  SpeechBatch *batch = argument;
  const Speech *speech = batch->speech;
  batch->sample_offsets[0] = 0;
  batch->label_offsets[0] = 0;
  for (int u = 0; u < batch->model.U && batch->status == OK; u++) {
    int i = batch->items[u], count = speech_labels(speech, i);
    int64_t sample = batch->sample_offsets[u];
    int32_t label = batch->label_offsets[u];
    assert(sample + speech->samples[i] <= batch->bounds.samples && label + count <= batch->bounds.labels);
    batch->status =
        corpus_read(speech->corpora[speech->corpus[i]], speech->place[i], batch->samples + sample);
    if (count)
      memcpy(batch->labels + label, speech->labels + speech->label_offsets[i],
             (size_t)count * sizeof *batch->labels);
    batch->utterances[u] = speech->identity[i];
    batch->sample_offsets[u + 1] = sample + speech->samples[i];
    batch->label_offsets[u + 1] = label + count;
  }
  if (batch->status != OK) batch->error = xstrdup(fail_text()); /* the text is this thread's */
  return NULL;
}

void batch_read(SpeechBatch *batch, const int32_t *items, int count) {
  assert(!batch->reading && count <= batch->bounds.utterances);
  free(batch->error);
  batch->error = NULL;
  batch->status = OK;
  batch->items = items;
  batch->model = (ModelBatch){count,         batch->samples,       batch->sample_offsets,
                              batch->labels, batch->label_offsets, batch->utterances};
  batch->reading = pthread_create(&batch->thread, NULL, read_items, batch) == 0;
  if (!batch->reading) read_items(batch); /* no thread to be had: read now */
}

Status batch_wait(SpeechBatch *batch) {
  if (batch->reading) pthread_join(batch->thread, NULL);
  batch->reading = false;
  if (batch->status != OK) return fail(batch->status, "%s", batch->error);
  batch->sample_count = batch->model.U ? batch->sample_offsets[batch->model.U] : 0;
  batch->label_count = batch->model.U ? batch->label_offsets[batch->model.U] : 0;
  return OK;
}
