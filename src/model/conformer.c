#include "src/model/conformer.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/random.h"

Conformer conformer_build(Params *params, Params *buffers, const ModelConfig *config) {
  int C = config->hidden_size, L = config->num_hidden_layers;
  Conformer conformer = {.blocks = xcalloc((unsigned long)L, sizeof(Block)), .layers = L, .C = C};
  conformer.input_scale = config->scale_input ? sqrtf((float)C) : 1;
  conformer.dropout = config->dropout;
  conformer.dropout_positions = config->dropout_positions;
  conformer.layerdrop = config->layerdrop;
  conformer.subsampling = subsampling_build(params, config);
  for (int l = 0; l < L; l++) conformer.blocks[l] = block_build(params, buffers, config, l);
  conformer.head = linear_build(params, "ctc_head", config->vocab_size, C, true, 3);
  return conformer;
}

void conformer_free(Conformer *conformer) { free(conformer->blocks); }

void position_table(float *table, int T, int C) {
  for (int i = 0; i < C; i += 2) {
    float frequency = 1.0f / powf(10000.0f, (float)i / (float)C);
    for (int row = 0; row < 2 * T - 1; row++) {
      float angle = (float)(T - 1 - row) * frequency;
      table[(size_t)row * (size_t)C + (size_t)i] = sinf(angle);
      table[(size_t)row * (size_t)C + (size_t)i + 1] = cosf(angle);
    }
  }
}

static const float *features_of(const Context *ctx, const Conformer *conformer, const Input *input) {
  const Backend *k = ctx->kernels;
  const Rows *rows = &input->levels[0];
  int mels = conformer->subsampling.mels;
  float *features = take_floats(ctx, (size_t)rows->R * (size_t)mels);
  k->frontend_forward(ctx->stream, input->frontend, features, input->samples, input->sample_offsets, *rows);
  if (ctx->training && (input->augment.freq_masks || input->augment.time_masks))
    k->spec_augment(ctx->stream, features, *rows, mels, input->augment, key_at(ctx, SITE_AUGMENT));
  return features;
}

/* Dropout of positions: a function of the position, so that the batch does not matter. */
static const void *positions_of(const Context *ctx, const Conformer *conformer, const Input *input) {
  float p = dropout_rate(ctx, conformer->dropout_positions);
  if (p == 0) return input->positions;
  void *dropped = take_rows(ctx, (size_t)input->position_rows.R, (size_t)conformer->C);
  RandomKey key = key_at(ctx, SITE_POSITIONS);
  key.utterances = input->position_ids;
  ctx->kernels->dropout(ctx->stream, dropped, input->positions, input->position_rows, conformer->C, p, key);
  return dropped;
}

/* Layer drop (Fan et al. 2019, arXiv 1909.11556): whether this step leaves the layer out. A measuring pass
 * leaves none out. */
static bool layer_skipped(const Context *ctx, const Conformer *conformer, int layer) {
  float p = dropout_rate(ctx, conformer->layerdrop);
  if (p == 0 || !ctx->arena->base) return false;
  uint64_t row = random_row(ctx->key.seed, ctx->key.step, SITE_LAYERDROP, 0, (uint32_t)layer);
  return random_bits(row, 0) < random_threshold(p);
}

void *conformer_forward(const Context *ctx, const Conformer *conformer, ConformerSaved *saved,
                        const Input *input) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)conformer->C;
  void *x = take_rows(ctx, R, C);
  size_t mark = ctx->arena->used;
  subsampling_forward(ctx, &conformer->subsampling, &saved->subsampling, x,
                      features_of(ctx, conformer, input), input->levels);
  if (!ctx->training) arena_release(ctx->arena, mark);
  if (conformer->input_scale != 1) ctx->kernels->scale(ctx->stream, x, x, conformer->input_scale, R * C);
  dropout_in_place(ctx, x, conformer->C, conformer->dropout, SITE_INPUT);

  const void *positions = positions_of(ctx, conformer, input);
  for (int l = 0; l < conformer->layers; l++) {
    saved->blocks[l].skipped = layer_skipped(ctx, conformer, l);
    if (!saved->blocks[l].skipped)
      x = block_forward(ctx, &conformer->blocks[l], &saved->blocks[l], x, positions);
  }
  saved->x = x;
  void *logits = take_rows(ctx, R, (size_t)conformer->head.N);
  linear_forward(ctx, &conformer->head, logits, x, (int)R);
  return logits;
}

void conformer_backward(const Context *ctx, const Conformer *conformer, const ConformerSaved *saved,
                        const Input *input, const void *dlogits) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)conformer->C, mark = ctx->arena->used;
  void *dx = take_rows(ctx, R, C);
  linear_backward(ctx, &conformer->head, dx, dlogits, saved->x, (int)R);
  for (int l = conformer->layers - 1; l >= 0; l--)
    if (!saved->blocks[l].skipped) block_backward(ctx, &conformer->blocks[l], &saved->blocks[l], dx);
  /* x = drop(scale subsampling(features)) */
  dropout_in_place(ctx, dx, conformer->C, conformer->dropout, SITE_INPUT);
  if (conformer->input_scale != 1) ctx->kernels->scale(ctx->stream, dx, dx, conformer->input_scale, R * C);
  subsampling_backward(ctx, &conformer->subsampling, &saved->subsampling, dx, input->levels);
  arena_release(ctx->arena, mark);
}
