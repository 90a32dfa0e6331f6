#include "src/model/modules.h"

#include <math.h>

static const float BATCHNORM_EPS = 1e-5f, BATCHNORM_MOMENTUM = 0.1f;

Convolution convolution_build(Params *params, Params *buffers, const ModelConfig *config, const char *prefix,
                              const char *norm_prefix, uint32_t site) {
  int C = config->hidden_size, K = config->conv_kernel_size;
  bool bias = config->convolution_bias;
  char name[128];
  int64_t channels[4] = {C}, kernel[4] = {C, 1, K};
  Convolution conv = {.depthwise_bias = PARAM_NONE, .C = C, .K = K, .dropout = config->dropout, .site = site};
  conv.norm = norm_build(params, norm_prefix, C);
  conv.pointwise1 = linear_build(params, name_in(name, prefix, "pointwise_conv1"), 2 * C, C, bias, 3);
  name_in(name, prefix, "depthwise_conv");
  conv.depthwise_weight = params_add(params, name, "weight", kernel, INIT_UNIFORM, 1 / sqrtf((float)K), true);
  if (bias) conv.depthwise_bias = params_add(params, name, "bias", channels, INIT_ZERO, 0, false);
  name_in(name, prefix, "norm");
  conv.batchnorm_weight = params_add(params, name, "weight", channels, INIT_ONE, 0, false);
  conv.batchnorm_bias = params_add(params, name, "bias", channels, INIT_ZERO, 0, false);
  conv.running_mean = params_add(buffers, name, "running_mean", channels, INIT_ZERO, 0, false);
  conv.running_var = params_add(buffers, name, "running_var", channels, INIT_ONE, 0, false);
  conv.pointwise2 = linear_build(params, name_in(name, prefix, "pointwise_conv2"), C, C, bias, 3);
  return conv;
}

static void batchnorm(const Context *ctx, const Convolution *conv, ConvolutionSaved *saved) {
  const float *gamma = param_weight(ctx, conv->batchnorm_weight),
              *beta = param_weight(ctx, conv->batchnorm_bias);
  float *mean = param_buffer(ctx, conv->running_mean), *var = param_buffer(ctx, conv->running_var);
  if (ctx->training)
    ctx->kernels->batchnorm_forward(ctx->stream, saved->b, saved->mean, saved->rstd, mean, var, saved->d,
                                    gamma, beta, ctx->rows, conv->C, BATCHNORM_EPS, BATCHNORM_MOMENTUM);
  else
    ctx->kernels->batchnorm_infer(ctx->stream, saved->b, saved->d, gamma, beta, mean, var, ctx->rows, conv->C,
                                  BATCHNORM_EPS);
}

void convolution_forward(const Context *ctx, const Convolution *conv, ConvolutionSaved *saved, void *y,
                         const void *x) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)conv->C;
  saved->n = take_rows(ctx, R, C);
  saved->u = take_rows(ctx, R, 2 * C);
  saved->g = take_rows(ctx, R, C);
  saved->d = take_rows(ctx, R, C);
  saved->b = take_rows(ctx, R, C);
  saved->s = take_rows(ctx, R, C);
  saved->mean = take_floats(ctx, C);
  saved->rstd = take_floats(ctx, C);
  void *o = take_rows(ctx, R, C);

  norm_forward(ctx, &conv->norm, &saved->norm, saved->n, x);
  linear_forward(ctx, &conv->pointwise1, saved->u, saved->n, (int)R);
  ctx->kernels->glu_forward(ctx->stream, saved->g, saved->u, (int)R, conv->C);
  ctx->kernels->depthwise_forward(ctx->stream, saved->d, saved->g, param_weight(ctx, conv->depthwise_weight),
                                  param_weight(ctx, conv->depthwise_bias), ctx->rows, conv->C, conv->K);
  batchnorm(ctx, conv, saved);
  ctx->kernels->silu_forward(ctx->stream, saved->s, saved->b, R * C);
  linear_forward(ctx, &conv->pointwise2, o, saved->s, (int)R);
  ctx->kernels->residual_forward(ctx->stream, y, x, o, ctx->rows, conv->C, 1,
                                 dropout_rate(ctx, conv->dropout), key_at(ctx, conv->site));
}

void convolution_backward(const Context *ctx, const Convolution *conv, const ConvolutionSaved *saved,
                          void *dx) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)conv->C, mark = ctx->arena->used;
  void *dn = take_rows(ctx, R, C), *dg = take_rows(ctx, R, C), *du = take_rows(ctx, R, 2 * C);
  void *dd = take_rows(ctx, R, C); /* one after the other the gradient of s, b and d */

  /* y = x + drop(o) */
  ctx->kernels->residual_backward(ctx->stream, dn, dx, ctx->rows, conv->C, 1,
                                  dropout_rate(ctx, conv->dropout), key_at(ctx, conv->site));
  /* o = W2 s */
  linear_backward(ctx, &conv->pointwise2, dd, dn, saved->s, (int)R);
  /* s = silu(b) */
  ctx->kernels->silu_backward(ctx->stream, dd, dd, saved->b, R * C);
  /* b = batch norm(d) */
  ctx->kernels->batchnorm_backward(
      ctx->stream, dd, param_gradient(ctx, conv->batchnorm_weight), param_gradient(ctx, conv->batchnorm_bias),
      dd, saved->d, saved->mean, saved->rstd, param_weight(ctx, conv->batchnorm_weight), ctx->rows, conv->C);
  /* d = depthwise(g) */
  ctx->kernels->depthwise_backward(ctx->stream, dg, param_gradient(ctx, conv->depthwise_weight),
                                   param_gradient(ctx, conv->depthwise_bias), dd, saved->g,
                                   param_weight(ctx, conv->depthwise_weight), ctx->rows, conv->C, conv->K);
  /* g = glu(u) */
  ctx->kernels->glu_backward(ctx->stream, du, dg, saved->u, (int)R, conv->C);
  /* u = W1 n */
  linear_backward(ctx, &conv->pointwise1, dn, du, saved->n, (int)R);
  /* n = layer norm(x) */
  norm_backward(ctx, &conv->norm, &saved->norm, dn, dn);
  ctx->kernels->add(ctx->stream, dx, dx, dn, R * C);
  arena_release(ctx->arena, mark);
}
