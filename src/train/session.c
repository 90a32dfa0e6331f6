#include "src/train/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/base/file.h"
#include "src/base/version.h"
#include "src/model/config.h"
#include "src/model/model_dir.h"
#include "src/model/preset.h"

enum { TOKENIZER_BYTES = 64 << 20 };

/* The model */

/* Blank is the last id: a special token that the vocabulary ends with, or one more. */
static int vocabulary(const Tokenizer *tokenizer) {
  int n = tokenizer_size(tokenizer);
  return n > 1 && tokenizer_is_special(tokenizer, n - 1) ? n : n + 1;
}

static Status apply_settings(ModelConfig *config, const StringList *settings) {
  Status status = OK;
  char *key = NULL;
  for (int i = 0; i < settings->count; i++) {
    free(key);
    key = xstrdup(settings->items[i]);
    char *equals = strchr(key, '=');
    *equals = 0;
    status = model_config_set(config, key, equals + 1);
    if (status != OK) TRY(fail_in(status, "model.%s", key));
  }
  status = model_config_check(config);
  if (status != OK && settings->count) TRY(fail_in(ERR_USAGE, "with the model.* settings given"));
done:
  free(key);
  return status;
}

static bool same_tokens(const Tokenizer *a, const Tokenizer *b) {
  int n = tokenizer_size(a);
  if (n != tokenizer_size(b)) return false;
  for (int id = 0; id < n; id++)
    if (strcmp(tokenizer_token(a, id), tokenizer_token(b, id)) != 0) return false;
  return true;
}

/* Puts back the head's initial weights: those of another vocabulary mean nothing, even where their shape
 * agrees. */
static void restore_head(Model *model, const float *initial) {
  float *weights = xcalloc(model_weight_count(model), sizeof *weights);
  model_weights_get(model, weights);
  for (int i = 0; i < model_param_count(model); i++) {
    const Param *param = model_param(model, i);
    if (strncmp(param->name, "ctc_head.", 9) == 0)
      memcpy(weights + param->offset, initial + param->offset, param->count * sizeof *weights);
  }
  model_weights_set(model, weights);
  free(weights);
}

/* The weights of settings->from; the head only when the vocabulary is the same. */
static Status take_weights(Session *session, bool same_vocabulary) {
  Status status = OK;
  const char *from = session->settings->from;
  char *left = NULL;
  float *initial = xcalloc(model_weight_count(session->model), sizeof *initial);
  model_weights_get(session->model, initial);
  TRY(model_load_weights(session->model, from, &left));
  for (char *name = left, *next; *name; name = next + 1) {
    next = strchr(name, '\n');
    *next = 0;
    if (same_vocabulary || strncmp(name, "ctc_head.", 9) != 0)
      TRY(fail(ERR_USAGE, "%s: tensor %s does not fit the model; which model.* setting changes its shape?",
               from, name));
  }
  if (!same_vocabulary) {
    restore_head(session->model, initial);
    fprintf(stderr, "train: the vocabulary is not that of %s: the CTC head starts anew\n", from);
  }
done:
  free(left);
  free(initial);
  return status;
}

static Status open_model(Session *session) {
  Status status = OK;
  const TrainSettings *s = session->settings;
  ModelConfig config;
  char *from_tokenizer = NULL;
  Tokenizer *old = NULL;
  bool same = true;
  TRY(backend_select(&session->backend, s->device, s->precision));
  if (s->from) {
    TRY(model_dir_config(&config, s->from));
    from_tokenizer = path_join(s->from, "tokenizer.json");
    TRY(tokenizer_load(&old, from_tokenizer));
  } else
    TRY(preset_read(&config, s->preset));
  session->tokenizer_path = xstrdup(s->tokenizer ? s->tokenizer : from_tokenizer);
  TRY(tokenizer_load(&session->tokenizer, session->tokenizer_path));
  TRY(normalizer_new(&session->normalizer, s->normalizer));
  if (old) same = same_tokens(old, session->tokenizer);
  if (!old || !same) config.vocab_size = vocabulary(session->tokenizer);
  TRY(apply_settings(&config, &s->model));
  if (tokenizer_size(session->tokenizer) > config.vocab_size)
    TRY(fail(ERR_USAGE, "%s has %d tokens, more than the model's vocab_size %d", session->tokenizer_path,
             tokenizer_size(session->tokenizer), config.vocab_size));
  TRY(model_new(&session->model, &config, session->backend, (uint64_t)s->seed));
  if (s->from) TRY(take_weights(session, same));
done:
  tokenizer_free(old);
  free(from_tokenizer);
  return status;
}

/* The data */

static void describe_speech(const char *what, const Speech *speech) {
  fprintf(stderr, "train: %s: %d utterances, %.2f h", what, speech->count, speech->hours);
  if (speech->unfit) fprintf(stderr, "; %d left out: more labels than frames", speech->unfit);
  if (speech->too_long)
    fprintf(stderr, "; %d left out: longer than max_position_embeddings allows", speech->too_long);
  if (speech->unknown) fprintf(stderr, "; %d unknown characters", speech->unknown);
  fputc('\n', stderr);
}

/* How often an utterance can come up in one batch: replay walks through its pool again and again. */
static int repeats(const Session *session) {
  double main = 0, pool = 0;
  for (int i = 0; i < session->main_count; i++) main += (double)session->speech.samples[i];
  for (int i = session->main_count; i < session->speech.count; i++)
    pool += (double)session->speech.samples[i];
  return pool > 0 ? 1 + (int)(session->order_settings.replay * main / pool) : 1;
}

static Status open_data(Session *session) {
  Status status = OK;
  const TrainSettings *s = session->settings;
  const ModelConfig *config = model_config(session->model);
  TRY(speech_add(&session->speech, &s->corpus, session->normalizer, session->tokenizer, config, true));
  session->main_count = session->speech.count;
  if (!session->main_count) TRY(fail(ERR_DATA, "%s: no utterance to train on", s->corpus.items[0]));
  TRY(speech_add(&session->speech, &s->replay, session->normalizer, session->tokenizer, config, true));
  TRY(speech_add(&session->dev, &s->dev, session->normalizer, session->tokenizer, config, false));
  describe_speech(s->replay.count ? "corpus and replay" : "corpus", &session->speech);
  if (s->dev.count) describe_speech("dev", &session->dev);
  session->order_settings =
      (BatchSettings){s->batch_seconds, s->buckets, (uint64_t)s->seed, s->replay.count ? s->replay_share : 0};
  SpeechBounds bounds = speech_bounds(&session->speech, s->batch_seconds, repeats(session));
  SpeechBounds dev = speech_bounds(&session->dev, s->batch_seconds, 1);
  TRY(model_reserve(session->model, bounds.samples, bounds.utterances, bounds.longest, bounds.labels, true));
  TRY(model_reserve(session->model, dev.samples, dev.utterances, dev.longest, dev.labels, false));
  for (int i = 0; i < 2; i++) batch_new(&session->batches[i], &session->speech, &bounds);
done:
  return status;
}

BatchOrder session_order(const Session *session, int epoch) {
  return batch_order(session->speech.samples, session->main_count, session->speech.count,
                     &session->order_settings, epoch);
}

static int epoch_steps(const Session *session, int epoch) {
  BatchOrder order = session_order(session, epoch);
  int accumulate = session->settings->accumulate, steps = (order.batches + accumulate - 1) / accumulate;
  batch_order_free(&order);
  return steps;
}

/* The optimiser */

static Status backend_floats(Session *session, float **out, size_t count) {
  *out = session->backend->memory_new(count * sizeof **out);
  if (!*out) return fail(ERR_MEMORY, "not enough memory for the optimiser");
  session->backend->memory_zero(model_stream(session->model), *out, count * sizeof **out);
  return OK;
}

static Status open_optimiser(Session *session) {
  Status status = OK;
  const TrainSettings *s = session->settings;
  int params = model_param_count(session->model), total = s->steps;
  size_t weights = model_weight_count(session->model), buffers = model_buffer_floats(session->model);
  char *report = NULL;
  const Param **list = xcalloc((size_t)params, sizeof(const Param *));
  for (int i = 0; i < params; i++) list[i] = model_param(session->model, i);
  session->segments = xcalloc((size_t)params, sizeof *session->segments);
  TRY(groups_make(session->segments, list, params, &s->rules, &report));
  fputs(report, stderr);
  TRY(backend_floats(session, &session->moment1, weights));
  TRY(backend_floats(session, &session->moment2, weights));
  TRY(backend_floats(session, &session->norm, 1));
  TRY(backend_floats(session, &session->kept, buffers));
  session->tally = session->backend->memory_new(sizeof *session->tally);
  if (!session->tally) TRY(fail(ERR_MEMORY, "not enough memory for the optimiser"));
  session->host = (TrainArrays){.weight_count = weights, .buffer_count = buffers};
  session->host.weights = xcalloc(weights, sizeof(float));
  session->host.moment1 = xcalloc(weights, sizeof(float));
  session->host.moment2 = xcalloc(weights, sizeof(float));
  session->host.buffers = xcalloc(buffers, sizeof(float));
  for (int epoch = 0; epoch < s->epochs; epoch++) total += epoch_steps(session, epoch);
  session->schedule = (Schedule){s->learning_rate, s->learning_rate * s->floor, s->warmup, total};
  if (s->warmup > total)
    TRY(fail(ERR_USAGE, "warmup is %d steps, but the whole run has %d", s->warmup, total));
done:
  free(report);
  free(list);
  return status;
}

void session_count(Session *session) {
  const Backend *k = session->backend;
  Stream *stream = model_stream(session->model);
  TrainState *state = &session->state;
  Tally tally;
  k->memory_download(stream, &tally, session->tally, sizeof tally);
  k->stream_sync(stream);
  state->skipped = tally.skipped;
  state->skipped_in_row = tally.skipped_in_row;
  state->batches_tracked = *model_batches_tracked(session->model) = tally.batches;
  state->interval_steps = tally.sum_updates;
  state->interval_labels = tally.sum_labels;
  state->interval_nll = tally.sum_nll;
  state->interval_norm = tally.sum_norm;
}

/* The device counts on from session->state. */
static void tally_upload(Session *session) {
  const Backend *k = session->backend;
  const TrainState *state = &session->state;
  Tally tally = {.updates = state->step - state->skipped,
                 .batches = state->batches_tracked,
                 .skipped = state->skipped,
                 .skipped_in_row = state->skipped_in_row,
                 .sum_updates = state->interval_steps,
                 .sum_labels = state->interval_labels,
                 .sum_nll = state->interval_nll,
                 .sum_norm = state->interval_norm};
  k->memory_upload(model_stream(session->model), session->tally, &tally, sizeof tally);
  k->stream_sync(model_stream(session->model));
}

void session_interval_begin(Session *session) {
  TrainState *state = &session->state;
  state->interval_nll = state->interval_norm = state->interval_audio = state->interval_seconds = 0;
  state->interval_labels = state->interval_steps = 0;
  tally_upload(session);
}

void session_download(Session *session) {
  const Backend *k = session->backend;
  Stream *stream = model_stream(session->model);
  size_t bytes = session->host.weight_count * sizeof(float);
  model_weights_get(session->model, session->host.weights);
  model_buffers_get(session->model, session->host.buffers);
  k->memory_download(stream, session->host.moment1, session->moment1, bytes);
  k->memory_download(stream, session->host.moment2, session->moment2, bytes);
  k->stream_sync(stream);
}

void session_upload(Session *session) {
  const Backend *k = session->backend;
  Stream *stream = model_stream(session->model);
  size_t bytes = session->host.weight_count * sizeof(float);
  model_weights_set(session->model, session->host.weights);
  model_buffers_set(session->model, session->host.buffers);
  k->memory_upload(stream, session->moment1, session->host.moment1, bytes);
  k->memory_upload(stream, session->moment2, session->host.moment2, bytes);
  k->memory_upload(stream, session->kept, session->host.buffers, session->host.buffer_count * sizeof(float));
  *model_batches_tracked(session->model) = session->state.batches_tracked;
  tally_upload(session);
}

/* The identity */

/* The backend's line without the number of threads, which does not change bits. */
static char *environment(const Backend *backend) {
  char *text = xstrdup(backend_describe(backend)), *comma = strrchr(text, ',');
  int digits = 0;
  if (comma && sscanf(comma, ", %*d thread%n", &digits) == 0 && digits) *comma = 0;
  return text;
}

static void print_corpora(FILE *stream, const char *what, const Speech *speech, int first, int count) {
  for (int c = first; c < first + count; c++)
    fprintf(stream, "content of %s: %016llx\n", what, (unsigned long long)corpus_hash(speech->corpora[c]));
}

/* Everything that decides the bits: settings, model, initial weights, data, vocabulary, program and machine.
 */
static Status make_identity(Session *session, const char *settings) {
  Status status = OK;
  const TrainSettings *s = session->settings;
  char *vocabulary_text = NULL, *machine = environment(session->backend);
  size_t size = 0, length = 0;
  TRY(file_read(session->tokenizer_path, TOKENIZER_BYTES, &vocabulary_text, &length));
  FILE *stream = open_memstream(&session->identity, &size);
  fputs(settings, stream);
  model_config_print(model_config(session->model), stream);
  session_download(session);
  fprintf(stream, "initial weights: %016llx\n",
          (unsigned long long)XXH3_64bits(session->host.weights, session->host.weight_count * sizeof(float)));
  fprintf(stream, "content of tokenizer: %016llx\n",
          (unsigned long long)XXH3_64bits(vocabulary_text, length));
  fprintf(stream, "normalizer: %s\n", normalizer_version(session->normalizer));
  print_corpora(stream, "corpus", &session->speech, 0, s->corpus.count);
  print_corpora(stream, "replay", &session->speech, s->corpus.count, s->replay.count);
  print_corpora(stream, "dev", &session->dev, 0, s->dev.count);
  fprintf(stream, "environment: %s, jargon %s, compiler %s\n", machine, JARGON_VERSION, __VERSION__);
  fclose(stream);
done:
  free(vocabulary_text);
  free(machine);
  return status;
}

Status session_open(Session *session, const TrainSettings *settings, const char *identity) {
  Status status = OK;
  session->settings = settings;
  session->state.best_wer = session->state.best_loss = INFINITY;
  TRY(open_model(session));
  TRY(open_data(session));
  TRY(open_optimiser(session));
  TRY(make_identity(session, identity));
  session->state.batches_tracked = *model_batches_tracked(session->model);
done:
  return status;
}

void session_close(Session *session) {
  const Backend *k = session->backend;
  for (int i = 0; i < 2; i++) batch_free(&session->batches[i]);
  model_free(session->model); /* waits for the steps under way, which use what follows */
  if (k) {
    k->memory_free(session->moment1);
    k->memory_free(session->moment2);
    k->memory_free(session->norm);
    k->memory_free(session->kept);
    k->memory_free(session->tally);
  }
  free(session->host.weights);
  free(session->host.moment1);
  free(session->host.moment2);
  free(session->host.buffers);
  free(session->segments);
  free(session->identity);
  speech_free(&session->speech);
  speech_free(&session->dev);
  normalizer_free(session->normalizer);
  tokenizer_free(session->tokenizer);
  free(session->tokenizer_path);
  *session = (Session){0};
}
