#include "src/model/modules.h"

static const float HALF = 0.5f; /* the macaron's halves (Lu et al. 2019, arXiv 1906.02762) */

FeedForward feedforward_build(Params *params, const ModelConfig *config, const char *prefix,
                              const char *norm_prefix, uint32_t site) {
  int C = config->hidden_size, F = config->intermediate_size;
  char name[128];
  FeedForward ff = {
      .activation_dropout = config->activation_dropout, .dropout = config->dropout, .site = site};
  ff.norm = norm_build(params, norm_prefix, C);
  ff.linear1 = linear_build(params, name_in(name, prefix, "linear1"), F, C, config->attention_bias, 2);
  ff.linear2 = linear_build(params, name_in(name, prefix, "linear2"), C, F, config->attention_bias, 2);
  return ff;
}

void feedforward_forward(const Context *ctx, const FeedForward *ff, FeedForwardSaved *saved, void *y,
                         const void *x) {
  size_t R = (size_t)ctx->rows.R;
  int C = ff->linear1.K, F = ff->linear1.N;
  saved->n = take_rows(ctx, R, (size_t)C);
  saved->h = take_rows(ctx, R, (size_t)F);
  saved->a = take_rows(ctx, R, (size_t)F);
  void *o = take_rows(ctx, R, (size_t)C);

  norm_forward(ctx, &ff->norm, &saved->norm, saved->n, x);
  linear_forward(ctx, &ff->linear1, saved->h, saved->n, (int)R);
  ctx->kernels->silu_forward(ctx->stream, saved->a, saved->h, R * (size_t)F);
  dropout_in_place(ctx, saved->a, F, ff->activation_dropout, ff->site);
  linear_forward(ctx, &ff->linear2, o, saved->a, (int)R);
  ctx->kernels->residual_forward(ctx->stream, y, x, o, ctx->rows, C, HALF, dropout_rate(ctx, ff->dropout),
                                 key_at(ctx, ff->site + 1));
}

void feedforward_backward(const Context *ctx, const FeedForward *ff, const FeedForwardSaved *saved,
                          void *dx) {
  size_t R = (size_t)ctx->rows.R, mark = ctx->arena->used;
  int C = ff->linear1.K, F = ff->linear1.N;
  void *dn = take_rows(ctx, R, (size_t)C); /* also the gradient of o, which is done with when dn is made */
  void *dh = take_rows(ctx, R, (size_t)F);

  /* y = x + 1/2 drop(o) */
  ctx->kernels->residual_backward(ctx->stream, dn, dx, ctx->rows, C, HALF, dropout_rate(ctx, ff->dropout),
                                  key_at(ctx, ff->site + 1));
  /* o = W2 a */
  linear_backward(ctx, &ff->linear2, dh, dn, saved->a, (int)R);
  /* a = drop(silu(h)) */
  dropout_in_place(ctx, dh, F, ff->activation_dropout, ff->site);
  ctx->kernels->silu_backward(ctx->stream, dh, dh, saved->h, R * (size_t)F);
  /* h = W1 n */
  linear_backward(ctx, &ff->linear1, dn, dh, saved->n, (int)R);
  /* n = layer norm(x) */
  norm_backward(ctx, &ff->norm, &saved->norm, dn, dn);
  ctx->kernels->add(ctx->stream, dx, dx, dn, R * (size_t)C);
  arena_release(ctx->arena, mark);
}
