#include "src/model/model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/conformer.h"

/* The largest batch the arenas are made for. */
typedef struct Bounds {
  int64_t samples, longest;
  int utterances, labels;
  bool training;
} Bounds;

Status backend_select(const Backend **out, const char *device, const char *precision) {
  char why[256];
  if (strcmp(precision, "f32") != 0 && strcmp(precision, "bf16") != 0)
    return fail(ERR_USAGE, "precision %s is none of f32, bf16", precision);
  *out = backend_open(device, strcmp(precision, "bf16") == 0 ? DTYPE_BF16 : DTYPE_F32, why, sizeof why);
  return *out ? OK : fail(ERR_USAGE, "device %s, precision %s: %s", device, precision, why);
}

struct Model {
  ModelConfig config;
  const Backend *kernels;
  Stream *stream;
  Frontend *frontend;
  Conformer conformer;
  ConformerSaved saved;
  Params params, buffers;
  /* parameters' arena, each contiguous, in backend memory */
  float *weights, *gradients, *buffer_values;
  void *weights_cast; /* the weights themselves where products read float */
  int64_t batches_tracked;
  /* positions T - 1 .. -(T - 1) for T = position_frames */
  int position_frames;
  void *positions;
  int32_t *position_offsets; /* 0, 1, 2, ... */
  uint32_t *position_ids;    /* the position itself */
  /* arenas */
  Bounds bounds;
  Arena step;
  Arena batches[STREAM_MARKS]; /* host memory, in turn: one is laid out while the other is being uploaded */
  int turn;
  char *batch_device; /* mirrors the batch by one upload */
  /* results, host memory; the last batch's logits, in the step arena */
  float *log_probability;
  int32_t *best;
  void *logits;
  int logit_rows;
};

/* ---- the object ---- */

/* Assigns the pointer at `pointer`. */
static Status memory_take(const Backend *k, void *pointer, size_t bytes, const char *what) {
  void *memory = k->memory_new(bytes);
  if (!memory) return fail(ERR_MEMORY, "not enough memory for %s (%.1f MB)", what, (double)bytes / 1e6);
  memcpy(pointer, &memory, sizeof memory);
  return OK;
}

static void weights_init(Model *model, uint64_t seed) {
  float *values = xcalloc(model->params.floats, sizeof(float));
  params_init(&model->params, values, seed);
  model_weights_set(model, values);
  values = xrealloc(values, model->buffers.floats, sizeof(float));
  params_init(&model->buffers, values, seed);
  model_buffers_set(model, values);
  free(values);
}

Status model_new(Model **out, const ModelConfig *config, const Backend *backend, uint64_t seed) {
  Status status = model_config_check(config);
  if (status != OK) return status;
  Model *model = xcalloc(1, sizeof *model);
  model->config = *config;
  model->kernels = backend;
  model->stream = backend->stream_new();
  model->frontend = backend->frontend_new(&config->frontend);
  model->conformer = conformer_build(&model->params, &model->buffers, config);
  model->saved.blocks = xcalloc((unsigned long)config->num_hidden_layers, sizeof(BlockSaved));
  TRY(memory_take(backend, &model->weights, model->params.floats * sizeof(float), "the weights"));
  TRY(memory_take(backend, &model->buffer_values, model->buffers.floats * sizeof(float), "the buffers"));
  model->weights_cast = model->weights;
  if (backend->dtype != DTYPE_F32) {
    model->weights_cast = NULL;
    TRY(memory_take(backend, &model->weights_cast, model->params.floats * dtype_size(backend->dtype),
                    "the weights' copy"));
  }
  weights_init(model, seed);
  *out = model;
  model = NULL;
done:
  model_free(model);
  return status;
}

void model_free(Model *model) {
  if (!model) return;
  const Backend *k = model->kernels;
  k->stream_sync(model->stream); /* a training batch may be under way */
  if (model->weights_cast != model->weights) k->memory_free(model->weights_cast);
  k->memory_free(model->weights);
  k->memory_free(model->gradients);
  k->memory_free(model->buffer_values);
  k->memory_free(model->positions);
  k->memory_free(model->position_offsets);
  k->memory_free(model->position_ids);
  k->memory_free(model->step.base);
  k->memory_free(model->batch_device);
  for (int i = 0; i < STREAM_MARKS; i++) k->host_free(model->batches[i].base);
  k->frontend_free(model->frontend);
  k->stream_free(model->stream);
  free(model->log_probability);
  free(model->best);
  free(model->saved.blocks);
  conformer_free(&model->conformer);
  params_free(&model->params);
  params_free(&model->buffers);
  free(model);
}

const ModelConfig *model_config(const Model *model) { return &model->config; }
const Backend *model_backend(const Model *model) { return model->kernels; }
Stream *model_stream(const Model *model) { return model->stream; }

int model_param_count(const Model *model) { return model->params.count; }
const Param *model_param(const Model *model, int index) { return &model->params.items[index]; }
size_t model_weight_count(const Model *model) { return model->params.floats; }
float *model_weights(Model *model) { return model->weights; }
void *model_weights_cast(Model *model) { return model->weights_cast; }
int model_buffer_count(const Model *model) { return model->buffers.count; }
const Param *model_buffer(const Model *model, int index) { return &model->buffers.items[index]; }
size_t model_buffer_floats(const Model *model) { return model->buffers.floats; }
float *model_buffers(Model *model) { return model->buffer_values; }
int64_t *model_batches_tracked(Model *model) { return &model->batches_tracked; }

float *model_gradients(Model *model) {
  size_t bytes = model->params.floats * sizeof(float);
  if (!model->gradients && memory_take(model->kernels, &model->gradients, bytes, "the gradients") == OK)
    model->kernels->memory_zero(model->stream, model->gradients, bytes);
  return model->gradients;
}

static void floats_get(Model *model, float *out, const float *from, size_t count) {
  model->kernels->memory_download(model->stream, out, from, count * sizeof(float));
  model->kernels->stream_sync(model->stream);
}

static void floats_set(Model *model, float *to, const float *in, size_t count) {
  model->kernels->memory_upload(model->stream, to, in, count * sizeof(float));
  model->kernels->stream_sync(model->stream);
}

void model_weights_get(Model *model, float *out) {
  floats_get(model, out, model->weights, model->params.floats);
}

void model_weights_set(Model *model, const float *in) {
  floats_set(model, model->weights, in, model->params.floats);
  if (model->weights_cast != model->weights)
    model->kernels->memory_cast(model->stream, model->weights_cast, model->weights, model->params.floats);
}

void model_buffers_get(Model *model, float *out) {
  floats_get(model, out, model->buffer_values, model->buffers.floats);
}

void model_buffers_set(Model *model, const float *in) {
  floats_set(model, model->buffer_values, in, model->buffers.floats);
}

/* ---- shapes ---- */

int model_frames(const ModelConfig *config, int64_t samples) {
  int64_t T = frontend_frames(&config->frontend, samples);
  for (int factor = config->subsampling_factor; factor > 1; factor /= 2) T = (T + 1) / 2;
  return (int)T;
}

double model_frame_seconds(const ModelConfig *config) {
  return (double)config->frontend.hop_length * config->subsampling_factor / config->frontend.sample_rate;
}

/* The most rows that any batch within the bounds has at each level: halving adds at most half a row an
 * utterance. */
static void bounds_rows(const Model *model, const Bounds *bounds, Rows *levels) {
  const FrontendConfig *frontend = &model->config.frontend;
  levels[0] = (Rows){.U = bounds->utterances,
                     .R = frontend_frames(frontend, bounds->samples),
                     .T_max = frontend_frames(frontend, bounds->longest)};
  for (int i = 1; i <= model->conformer.subsampling.stages; i++)
    levels[i] = (Rows){.U = bounds->utterances,
                       .R = (levels[i - 1].R + bounds->utterances) / 2,
                       .T_max = (levels[i - 1].T_max + 1) / 2};
}

static Rows encoder_rows(const Model *model, const Input *input) {
  return input->levels[model->conformer.subsampling.stages];
}

/* The slice of the position table for the encoder's T_max. */
static void positions_set(const Model *model, Input *input) {
  int T = encoder_rows(model, input).T_max, P = 2 * T - 1;
  size_t first = (size_t)(model->position_frames - T);
  size_t row = (size_t)model->config.hidden_size * dtype_size(model->kernels->dtype);
  input->positions = (const char *)model->positions + first * row;
  input->position_ids = model->position_ids + first;
  input->position_rows = (Rows){.U = P, .R = P, .T_max = 1, .offsets = model->position_offsets};
}

static Context context_of(const Model *model, const Backend *kernels, Arena *arena, const Input *input,
                          bool training) {
  return (Context){.kernels = kernels,
                   .stream = model->stream,
                   .arena = arena,
                   .params = &model->params,
                   .buffers = &model->buffers,
                   .weights = model->weights,
                   .weights_cast = model->weights_cast,
                   .gradients = model->gradients,
                   .buffer_values = model->buffer_values,
                   .training = training,
                   .rows = encoder_rows(model, input)};
}

/* ---- the passes: for real, and shape-only to size the step arena ---- */

static float *train_pass(const Context *ctx, Model *model, const Input *input, CtcLabels labels,
                         float loss_scale) {
  int V = model->config.vocab_size;
  float *nll = take_floats(ctx, (size_t)ctx->rows.U);
  void *logits = conformer_forward(ctx, &model->conformer, &model->saved, input);
  ctx->kernels->ctc_loss(ctx->stream, nll, logits, logits, ctx->rows, labels, V, V - 1, loss_scale,
                         model->config.ctc_zero_infinity);
  conformer_backward(ctx, &model->conformer, &model->saved, input, logits); /* now the logits' gradient */
  return nll;
}

/* Of a batch without a single frame: labels cannot fit. */
static float *empty_pass(const Context *ctx, const Model *model, CtcLabels labels) {
  int V = model->config.vocab_size;
  float *nll = take_floats(ctx, (size_t)ctx->rows.U);
  ctx->kernels->ctc_loss(ctx->stream, nll, NULL, nll, ctx->rows, labels, V, V - 1, 1,
                         model->config.ctc_zero_infinity);
  return nll;
}

typedef struct Inferred {
  float *nll;    /* (U) */
  void *logits;  /* (R, V) */
  int32_t *best; /* (R) */
  float *log_probability;
} Inferred;

static Inferred infer_pass(const Context *ctx, Model *model, const Input *input, const CtcLabels *labels) {
  int V = model->config.vocab_size, R = ctx->rows.R;
  Inferred out = {.nll = take_floats(ctx, (size_t)ctx->rows.U),
                  .best = arena_take(ctx->arena, (size_t)R * sizeof(int32_t)),
                  .log_probability = take_floats(ctx, (size_t)R)};
  out.logits = conformer_forward(ctx, &model->conformer, &model->saved, input);
  ctx->kernels->greedy_decode(ctx->stream, out.best, out.log_probability, out.logits, R, V);
  if (labels)
    ctx->kernels->ctc_loss(ctx->stream, out.nll, NULL, out.logits, ctx->rows, *labels, V, V - 1, 1,
                           model->config.ctc_zero_infinity);
  return out;
}

static size_t step_measure(Model *model, const Bounds *bounds, bool training) {
  Input input = {.augment = {.freq_masks = 1}};
  Arena arena = {0};
  bounds_rows(model, bounds, input.levels);
  positions_set(model, &input);
  Context ctx = context_of(model, backend_dry(model->kernels->dtype), &arena, &input, training);
  CtcLabels labels = {.total = bounds->labels, .S_max = bounds->labels};
  if (training)
    train_pass(&ctx, model, &input, labels, 1);
  else
    infer_pass(&ctx, model, &input, &labels);
  return arena.peak;
}

/* ---- reserving ---- */

static Status positions_reserve(Model *model, int T) {
  Status status = OK;
  const Backend *k = model->kernels;
  int C = model->config.hidden_size;
  if (T <= model->position_frames) return OK;
  size_t P = 2 * (size_t)T - 1, count = P * (size_t)C;
  float *table = xcalloc(count, sizeof(float)), *uploaded = NULL;
  int32_t *offsets = xcalloc(P + 1, sizeof *offsets), *ids = xcalloc(P, sizeof *ids);
  for (size_t i = 0; i <= P; i++) offsets[i] = (int32_t)i;
  for (size_t i = 0; i < P; i++) ids[i] = T - 1 - (int32_t)i;
  position_table(table, T, C);
  k->memory_free(model->positions);
  k->memory_free(model->position_offsets);
  k->memory_free(model->position_ids);
  model->positions = model->position_offsets = NULL;
  model->position_ids = NULL;
  model->position_frames = 0;
  TRY(memory_take(k, &uploaded, count * sizeof(float), "the positions"));
  TRY(memory_take(k, &model->positions, count * dtype_size(k->dtype), "the positions"));
  TRY(memory_take(k, &model->position_offsets, (P + 1) * sizeof *offsets, "the positions"));
  TRY(memory_take(k, &model->position_ids, P * sizeof *ids, "the positions"));
  k->memory_upload(model->stream, uploaded, table, count * sizeof(float));
  k->memory_cast(model->stream, model->positions, uploaded, count);
  k->memory_upload(model->stream, model->position_offsets, offsets, (P + 1) * sizeof *offsets);
  k->memory_upload(model->stream, model->position_ids, ids, P * sizeof *ids);
  k->stream_sync(model->stream);
  model->position_frames = T;
done:
  k->memory_free(uploaded);
  free(table);
  free(offsets);
  free(ids);
  return status;
}

/* Bytes of one batch as batch_upload() lays it out. */
static size_t batch_bytes(const Bounds *bounds) {
  size_t U = (size_t)bounds->utterances, arrays = 5 + STAGES_MAX + 1;
  return (size_t)bounds->samples * sizeof(int16_t) + (size_t)bounds->labels * sizeof(int32_t) +
         (U + 1) * sizeof(int64_t) * arrays + 256 * arrays;
}

/* The arenas for a new bound; on failure there are none. */
static Status arenas_take(Model *model, const Bounds *bounds) {
  Status status = OK;
  const Backend *k = model->kernels;
  size_t infer = step_measure(model, bounds, false),
         train = bounds->training ? step_measure(model, bounds, true) : 0;
  size_t step = infer > train ? infer : train, batch = batch_bytes(bounds);
  k->stream_sync(model->stream); /* what is under way works in the old ones */
  k->memory_free(model->step.base);
  k->memory_free(model->batch_device);
  model->step = (Arena){0};
  model->batch_device = NULL;
  for (int i = 0; i < STREAM_MARKS; i++) {
    k->host_free(model->batches[i].base);
    model->batches[i] = (Arena){0};
  }
  model->logits = NULL;
  TRY(memory_take(k, &model->step.base, step, "the activations of a batch: make the batches smaller"));
  TRY(memory_take(k, &model->batch_device, batch, "a batch"));
  model->step.size = step;
  for (int i = 0; i < STREAM_MARKS; i++) {
    model->batches[i].base = k->host_new(batch);
    if (!model->batches[i].base)
      TRY(fail(ERR_MEMORY, "not enough memory for a batch (%.1f MB)", (double)batch / 1e6));
    model->batches[i].size = batch;
  }
done:
  return status;
}

Status model_reserve(Model *model, int64_t samples, int utterances, int64_t longest, int labels,
                     bool training) {
  Status status = OK;
  Bounds bounds = model->bounds;
  bool grown = false;
  int hop = model->config.frontend.hop_length;
  if (longest < hop) longest = hop; /* at least one frame */
#define GROW(member)                                                                                         \
  if (member > bounds.member) bounds.member = member, grown = true
  GROW(samples);
  GROW(utterances);
  GROW(longest);
  GROW(labels);
  GROW(training);
#undef GROW
  if (!grown) return OK;
  model->bounds = (Bounds){0}; /* until everything is there */
  if (bounds.training && !model_gradients(model)) return ERR_MEMORY;
  TRY(positions_reserve(model, model_frames(&model->config, bounds.longest)));
  TRY(arenas_take(model, &bounds));
  Rows levels[STAGES_MAX + 1];
  bounds_rows(model, &bounds, levels);
  unsigned long R = (unsigned long)levels[model->conformer.subsampling.stages].R;
  model->best = xrealloc(model->best, R, sizeof *model->best);
  model->log_probability = xrealloc(model->log_probability, R, sizeof *model->log_probability);
  model->bounds = bounds;
done:
  return status;
}

/* ---- one batch ---- */

static Status batch_check(const Model *model, const ModelBatch *batch, int64_t *longest) {
  const ModelConfig *config = &model->config;
  assert(batch->U >= 1 && batch->sample_offsets[0] == 0);
  *longest = 0;
  for (int u = 0; u < batch->U; u++) {
    int64_t samples = batch->sample_offsets[u + 1] - batch->sample_offsets[u];
    assert(samples >= 0);
    if (samples > *longest) *longest = samples;
  }
  if (*longest / config->frontend.hop_length >
      (int64_t)config->max_position_embeddings * config->subsampling_factor)
    return fail(ERR_DATA,
                "an utterance of %.1f s is longer than the model's max_position_embeddings allows (%.1f s): "
                "cut it",
                (double)*longest / config->frontend.sample_rate,
                config->max_position_embeddings * model_frame_seconds(config));
  if (!batch->labels) return OK;
  assert(batch->label_offsets[0] == 0);
  for (int32_t i = 0; i < batch->label_offsets[batch->U]; i++)
    if (batch->labels[i] < 0 || batch->labels[i] >= config->vocab_size - 1)
      return fail(ERR_DATA, "label %d is not one of the model's 0 .. %d: is this the model's tokeniser?",
                  batch->labels[i], config->vocab_size - 2);
  return OK;
}

/* Returns the place of `bytes` in the batch's host memory, filled from `from` unless NULL, and assigns the
 * pointer at `device_pointer`: the same place in the backend's. */
static void *batch_place(Model *model, const void *from, size_t bytes, void *device_pointer) {
  Arena *arena = &model->batches[model->turn];
  char *host = arena_take(arena, bytes), *device = model->batch_device + (host - arena->base);
  if (from && bytes) memcpy(host, from, bytes);
  memcpy(device_pointer, &device, sizeof device);
  return host;
}

/* The row offsets of all levels, computed on the host; returns those of the encoder. */
static const int32_t *batch_rows(Model *model, const ModelBatch *batch, Input *input) {
  int U = batch->U, stages = model->conformer.subsampling.stages;
  int32_t *offsets = NULL;
  for (int i = 0; i <= stages; i++) {
    Rows *rows = &input->levels[i];
    const int32_t *before = offsets;
    *rows = (Rows){.U = U};
    offsets = batch_place(model, NULL, (size_t)(U + 1) * sizeof *offsets, &rows->offsets);
    offsets[0] = 0;
    for (int u = 0; u < U; u++) {
      int32_t T = i ? (before[u + 1] - before[u] + 1) / 2
                    : frontend_frames(&model->config.frontend,
                                      batch->sample_offsets[u + 1] - batch->sample_offsets[u]);
      offsets[u + 1] = offsets[u] + T;
      if (T > rows->T_max) rows->T_max = T;
    }
    rows->R = offsets[U];
  }
  return offsets;
}

/* Lays the batch out in host memory and uploads it at once, waiting only for the upload before the last. */
static const int32_t *batch_upload(Model *model, const ModelBatch *batch, Input *input, CtcLabels *labels,
                                   const uint32_t **utterances) {
  size_t U = (size_t)batch->U;
  const Backend *k = model->kernels;
  model->turn = (model->turn + 1) % STREAM_MARKS;
  k->stream_wait(model->stream, model->turn);
  Arena *arena = &model->batches[model->turn];
  arena_release(arena, 0);
  batch_place(model, batch->samples, (size_t)batch->sample_offsets[U] * sizeof(int16_t), &input->samples);
  batch_place(model, batch->sample_offsets, (U + 1) * sizeof(int64_t), &input->sample_offsets);
  const int32_t *offsets = batch_rows(model, batch, input);
  uint32_t *ids = batch_place(model, batch->utterances, U * sizeof *ids, utterances);
  for (uint32_t u = 0; !batch->utterances && u < U; u++) ids[u] = u;
  *labels = (CtcLabels){0};
  if (batch->labels) {
    labels->total = batch->label_offsets[U];
    batch_place(model, batch->labels, (size_t)labels->total * sizeof(int32_t), &labels->labels);
    batch_place(model, batch->label_offsets, (U + 1) * sizeof(int32_t), &labels->offsets);
    for (size_t u = 0; u < U; u++) {
      int S = batch->label_offsets[u + 1] - batch->label_offsets[u];
      if (S > labels->S_max) labels->S_max = S;
    }
  }
  k->memory_upload(model->stream, model->batch_device, arena->base, arena->used);
  k->stream_mark(model->stream, model->turn);
  input->frontend = model->frontend;
  positions_set(model, input);
  return offsets;
}

Status model_train_batch(Model *model, const ModelBatch *batch, const ModelTraining *training, float *nll) {
  Status status = OK;
  const Backend *k = model->kernels;
  Input input = {.augment = training->augment};
  CtcLabels labels;
  RandomKey key = {.seed = training->seed, .step = training->step};
  int64_t longest;
  assert(batch->labels);
  TRY(batch_check(model, batch, &longest));
  TRY(model_reserve(model, batch->sample_offsets[batch->U], batch->U, longest, batch->label_offsets[batch->U],
                    true));
  batch_upload(model, batch, &input, &labels, &key.utterances);
  Context ctx = context_of(model, model->kernels, &model->step, &input, true);
  ctx.key = key;
  model->logits = NULL;
  arena_release(&model->step, 0);
  float *device_nll = ctx.rows.R ? train_pass(&ctx, model, &input, labels, training->loss_scale)
                                 : empty_pass(&ctx, model, labels);
  if (training->tally) k->tally_batch(model->stream, training->tally, device_nll, batch->U);
  if (ctx.rows.R) model->batches_tracked++;
  if (!nll) goto done;
  k->memory_download(model->stream, nll, device_nll, (size_t)batch->U * sizeof *nll);
  k->stream_sync(model->stream);
done:
  return status;
}

Status model_infer(Model *model, const ModelBatch *batch, ModelOutput *output, float *nll) {
  Status status = OK;
  const Backend *k = model->kernels;
  Input input = {0};
  CtcLabels labels;
  const uint32_t *utterances;
  int64_t longest;
  bool with_nll = nll && batch->labels;
  TRY(batch_check(model, batch, &longest));
  TRY(model_reserve(model, batch->sample_offsets[batch->U], batch->U, longest,
                    batch->labels ? batch->label_offsets[batch->U] : 0, false));
  const int32_t *offsets = batch_upload(model, batch, &input, &labels, &utterances);
  *output = (ModelOutput){offsets, model->best, model->log_probability};
  Context ctx = context_of(model, k, &model->step, &input, false);
  model->logit_rows = ctx.rows.R;
  arena_release(&model->step, 0);
  Inferred inferred = {0};
  if (ctx.rows.R)
    inferred = infer_pass(&ctx, model, &input, with_nll ? &labels : NULL);
  else if (with_nll)
    inferred.nll = empty_pass(&ctx, model, labels);
  model->logits = inferred.logits;
  k->memory_download(model->stream, model->best, inferred.best, (size_t)ctx.rows.R * sizeof *model->best);
  k->memory_download(model->stream, model->log_probability, inferred.log_probability,
                     (size_t)ctx.rows.R * sizeof *model->log_probability);
  if (with_nll) k->memory_download(model->stream, nll, inferred.nll, (size_t)batch->U * sizeof *nll);
  k->stream_sync(model->stream);
done:
  return status;
}

void model_logits(Model *model, float *out) {
  size_t count = (size_t)model->logit_rows * (size_t)model->config.vocab_size;
  if (model->logit_rows == 0) return;
  assert(model->logits);
  const Backend *k = model->kernels;
  k->memory_download(model->stream, out, model->logits, count * dtype_size(k->dtype));
  k->stream_sync(model->stream);
  if (k->dtype == DTYPE_F32) return;
  for (size_t i = count; i-- > 0;) { /* bf16 is the upper half of a float; from the end, in place */
    uint16_t half;
    memcpy(&half, (const char *)out + 2 * i, sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&out[i], &bits, sizeof bits);
  }
}
