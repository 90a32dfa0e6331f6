#include "src/model/modules.h"

#include <stdio.h>

enum { FEEDFORWARD1_SITE = 0, ATTENTION_SITE = 2, CONVOLUTION_SITE = 4, FEEDFORWARD2_SITE = 5 };

Block block_build(Params *params, Params *buffers, const ModelConfig *config, int layer) {
  char prefix[64], name[128], norm[128];
  uint32_t site = SITE_BLOCKS + (uint32_t)layer * SITES_PER_BLOCK;
  Block block = {.C = config->hidden_size};
  snprintf(prefix, sizeof prefix, "encoder.layers.%d", layer);
  block.feedforward1 =
      feedforward_build(params, config, name_in(name, prefix, "feed_forward1"),
                        name_in(norm, prefix, "norm_feed_forward1"), site + FEEDFORWARD1_SITE);
  block.attention = attention_build(params, config, name_in(name, prefix, "self_attn"),
                                    name_in(norm, prefix, "norm_self_att"), site + ATTENTION_SITE);
  block.convolution = convolution_build(params, buffers, config, name_in(name, prefix, "conv"),
                                        name_in(norm, prefix, "norm_conv"), site + CONVOLUTION_SITE);
  block.feedforward2 =
      feedforward_build(params, config, name_in(name, prefix, "feed_forward2"),
                        name_in(norm, prefix, "norm_feed_forward2"), site + FEEDFORWARD2_SITE);
  block.norm_out = norm_build(params, name_in(norm, prefix, "norm_out"), config->hidden_size);
  return block;
}

/* Training keeps every module's input; inference works in place. */
static void *output_of(const Context *ctx, const Block *block, void *x) {
  return ctx->training ? take_rows(ctx, (size_t)ctx->rows.R, (size_t)block->C) : x;
}

static void scratch_release(const Context *ctx, size_t mark) {
  if (!ctx->training) arena_release(ctx->arena, mark);
}

void *block_forward(const Context *ctx, const Block *block, BlockSaved *saved, void *x,
                    const void *positions) {
  size_t mark = ctx->arena->used;
  void *y = output_of(ctx, block, x);
  feedforward_forward(ctx, &block->feedforward1, &saved->feedforward1, y, x);
  scratch_release(ctx, mark);
  x = y, y = output_of(ctx, block, x);
  attention_forward(ctx, &block->attention, &saved->attention, y, x, positions);
  scratch_release(ctx, mark);
  x = y, y = output_of(ctx, block, x);
  convolution_forward(ctx, &block->convolution, &saved->convolution, y, x);
  scratch_release(ctx, mark);
  x = y, y = output_of(ctx, block, x);
  feedforward_forward(ctx, &block->feedforward2, &saved->feedforward2, y, x);
  scratch_release(ctx, mark);
  x = y, y = output_of(ctx, block, x);
  norm_forward(ctx, &block->norm_out, &saved->norm_out, y, x);
  scratch_release(ctx, mark);
  return y;
}

void block_backward(const Context *ctx, const Block *block, const BlockSaved *saved, void *dx) {
  norm_backward(ctx, &block->norm_out, &saved->norm_out, dx, dx);
  feedforward_backward(ctx, &block->feedforward2, &saved->feedforward2, dx);
  convolution_backward(ctx, &block->convolution, &saved->convolution, dx);
  attention_backward(ctx, &block->attention, &saved->attention, dx);
  feedforward_backward(ctx, &block->feedforward1, &saved->feedforward1, dx);
}
