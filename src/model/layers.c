#include "src/model/layers.h"

#include <math.h>
#include <stdio.h>

static const float LAYERNORM_EPS = 1e-5f;

const char *name_in(char *out, const char *prefix, const char *name) {
  snprintf(out, 128, "%s.%s", prefix, name);
  return out;
}

float *param_weight(const Context *ctx, int index) {
  return index == PARAM_NONE ? NULL : ctx->weights + ctx->params->items[index].offset;
}

static const void *param_cast(const Context *ctx, int index) {
  return ctx->weights_cast + ctx->params->items[index].offset * dtype_size(ctx->kernels->dtype);
}

float *param_gradient(const Context *ctx, int index) {
  return index == PARAM_NONE ? NULL : ctx->gradients + ctx->params->items[index].offset;
}

float *param_buffer(const Context *ctx, int index) {
  return ctx->buffer_values + ctx->buffers->items[index].offset;
}

void *take_rows(const Context *ctx, size_t R, size_t C) {
  return arena_take(ctx->arena, R * C * dtype_size(ctx->kernels->dtype));
}

float *take_floats(const Context *ctx, size_t count) { return arena_take(ctx->arena, count * sizeof(float)); }

RandomKey key_at(const Context *ctx, uint32_t site) {
  RandomKey key = ctx->key;
  key.site = site;
  return key;
}

float dropout_rate(const Context *ctx, float p) { return ctx->training ? p : 0; }

void dropout_in_place(const Context *ctx, void *y, int C, float p, uint32_t site) {
  if (dropout_rate(ctx, p) > 0) ctx->kernels->dropout(ctx->stream, y, y, ctx->rows, C, p, key_at(ctx, site));
}

/* Uniform within 1 / sqrt(fan in), as PyTorch's layers begin: right for every width, where transformers'
 * fixed normal(0, 0.02) lets the signal of narrow models and of the subsampling die away. */
Linear linear_build(Params *params, const char *prefix, int N, int K, bool bias, int ndim) {
  int64_t shape[4] = {N, K, ndim > 2, ndim > 3};
  Linear linear = {.bias = PARAM_NONE, .N = N, .K = K};
  linear.weight = params_add(params, prefix, "weight", shape, INIT_UNIFORM, 1 / sqrtf((float)K), true);
  if (bias) linear.bias = params_add(params, prefix, "bias", (int64_t[4]){N}, INIT_ZERO, 0, false);
  return linear;
}

void linear_forward(const Context *ctx, const Linear *linear, void *y, const void *x, int M) {
  ctx->kernels->gemm_forward(ctx->stream, y, x, param_cast(ctx, linear->weight),
                             param_weight(ctx, linear->bias), M, linear->N, linear->K);
}

void linear_backward(const Context *ctx, const Linear *linear, void *dx, const void *dy, const void *x,
                     int M) {
  ctx->kernels->gemm_backward_weight(ctx->stream, param_gradient(ctx, linear->weight),
                                     param_gradient(ctx, linear->bias), dy, x, M, linear->N, linear->K);
  if (dx)
    ctx->kernels->gemm_backward_input(ctx->stream, dx, dy, param_cast(ctx, linear->weight), M, linear->N,
                                      linear->K);
}

Norm norm_build(Params *params, const char *prefix, int C) {
  int64_t shape[4] = {C};
  return (Norm){.weight = params_add(params, prefix, "weight", shape, INIT_ONE, 0, false),
                .bias = params_add(params, prefix, "bias", shape, INIT_ZERO, 0, false),
                .C = C};
}

void norm_forward(const Context *ctx, const Norm *norm, NormSaved *saved, void *y, const void *x) {
  int R = ctx->rows.R;
  *saved = (NormSaved){.x = x, .mean = take_floats(ctx, (size_t)R), .rstd = take_floats(ctx, (size_t)R)};
  ctx->kernels->layernorm_forward(ctx->stream, y, saved->mean, saved->rstd, x,
                                  param_weight(ctx, norm->weight), param_weight(ctx, norm->bias), R, norm->C,
                                  LAYERNORM_EPS);
}

void norm_backward(const Context *ctx, const Norm *norm, const NormSaved *saved, void *dx, const void *dy) {
  ctx->kernels->layernorm_backward(ctx->stream, dx, param_gradient(ctx, norm->weight),
                                   param_gradient(ctx, norm->bias), dy, saved->x, saved->mean, saved->rstd,
                                   param_weight(ctx, norm->weight), ctx->rows.R, norm->C);
}
