#include "src/model/modules.h"

#include <math.h>
#include <stdio.h>

/* Names: layers.0 is the plain convolution, layers.1 its ReLU, then depthwise, pointwise and ReLU take three
 * indices each: layers.2, 3, 4, 5, ... */
static const char *layer_name(char *out, size_t size, int index) {
  snprintf(out, size, "encoder.subsampling.layers.%d", index);
  return out;
}

Subsampling subsampling_build(Params *params, const ModelConfig *config) {
  int C = config->subsampling_conv_channels, K = config->subsampling_conv_kernel_size;
  Subsampling sub = {.mels = config->frontend.n_mels, .channels = C, .K = K};
  char name[64];
  for (int factor = config->subsampling_factor; factor > 1; factor /= 2) {
    int i = sub.stages++, layer = i == 0 ? 0 : 3 * i - 1;
    int64_t shape[4] = {C, 1, K, K};
    layer_name(name, sizeof name, layer);
    sub.weight[i] = params_add(params, name, "weight", shape, INIT_UNIFORM, 1 / (float)K, true);
    sub.bias[i] = params_add(params, name, "bias", (int64_t[4]){C}, INIT_ZERO, 0, false);
    if (i > 0)
      sub.pointwise[i] = linear_build(params, layer_name(name, sizeof name, layer + 1), C, C, true, 4);
  }
  int F = sub.mels / config->subsampling_factor;
  sub.linear = linear_build(params, "encoder.subsampling.linear", config->hidden_size, C * F, true, 2);
  return sub;
}

/* The convolution of stage i, from 2 F bins to F (mels are a multiple of the factor). */
static Conv2dShape stage_shape(const Subsampling *sub, int i) {
  return (Conv2dShape){
      .F_in = sub->mels >> i, .F_out = sub->mels >> (i + 1), .C = sub->channels, .K = sub->K, .stride = 2};
}

static size_t stage_rows(const Subsampling *sub, const Rows *levels, int i) {
  return (size_t)levels[i + 1].R * (size_t)(sub->mels >> (i + 1));
}

void subsampling_forward(const Context *ctx, const Subsampling *sub, SubsamplingSaved *saved, void *y,
                         const float *features, const Rows *levels) {
  const Backend *k = ctx->kernels;
  size_t C = (size_t)sub->channels;
  saved->features = features;
  for (int i = 0; i < sub->stages; i++) {
    size_t M = stage_rows(sub, levels, i);
    const float *weight = param_weight(ctx, sub->weight[i]), *bias = param_weight(ctx, sub->bias[i]);
    saved->y[i] = take_rows(ctx, M, C);
    if (i == 0) {
      k->conv2d_forward(ctx->stream, saved->y[0], features, weight, bias, levels[0], levels[1],
                        stage_shape(sub, 0));
    } else {
      saved->d[i] = take_rows(ctx, M, C);
      k->depthwise_conv2d_forward(ctx->stream, saved->d[i], saved->y[i - 1], weight, bias, levels[i],
                                  levels[i + 1], stage_shape(sub, i));
      linear_forward(ctx, &sub->pointwise[i], saved->y[i], saved->d[i], (int)M);
    }
    k->relu_forward(ctx->stream, saved->y[i], saved->y[i], M * C);
  }
  int last = sub->stages - 1, R = levels[sub->stages].R, F = sub->mels >> sub->stages;
  saved->flat = take_rows(ctx, (size_t)R, (size_t)F * C);
  k->transpose_inner(ctx->stream, saved->flat, saved->y[last], R, F, sub->channels);
  linear_forward(ctx, &sub->linear, y, saved->flat, R);
}

void subsampling_backward(const Context *ctx, const Subsampling *sub, const SubsamplingSaved *saved,
                          const void *dy, const Rows *levels) {
  const Backend *k = ctx->kernels;
  size_t C = (size_t)sub->channels, mark = ctx->arena->used;
  int last = sub->stages - 1, R = levels[sub->stages].R, F = sub->mels >> sub->stages;
  void *dstage = take_rows(ctx, stage_rows(sub, levels, last), C); /* gradient of y[i] */
  void *dflat = take_rows(ctx, (size_t)R, (size_t)F * C);
  /* y = W flat, flat = transposed y[last] */
  linear_backward(ctx, &sub->linear, dflat, dy, saved->flat, R);
  k->transpose_inner(ctx->stream, dstage, dflat, R, sub->channels, F);
  for (int i = last; i >= 0; i--) {
    size_t M = stage_rows(sub, levels, i);
    float *dweight = param_gradient(ctx, sub->weight[i]), *dbias = param_gradient(ctx, sub->bias[i]);
    /* y[i] = relu(...) */
    k->relu_backward(ctx->stream, dstage, dstage, saved->y[i], M * C);
    if (i == 0) { /* conv2d(features) */
      k->conv2d_backward(ctx->stream, dweight, dbias, dstage, saved->features, levels[0], levels[1],
                         stage_shape(sub, 0));
    } else { /* pointwise(d[i]), d[i] = depthwise(y[i - 1]) */
      void *dd = take_rows(ctx, M, C), *dbefore = take_rows(ctx, stage_rows(sub, levels, i - 1), C);
      linear_backward(ctx, &sub->pointwise[i], dd, dstage, saved->d[i], (int)M);
      k->depthwise_conv2d_backward(ctx->stream, dbefore, dweight, dbias, dd, saved->y[i - 1],
                                   param_weight(ctx, sub->weight[i]), levels[i], levels[i + 1],
                                   stage_shape(sub, i));
      dstage = dbefore;
    }
  }
  arena_release(ctx->arena, mark);
}
