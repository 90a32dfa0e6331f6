#include "src/model/modules.h"

Attention attention_build(Params *params, const ModelConfig *config, const char *prefix,
                          const char *norm_prefix, uint32_t site) {
  int C = config->hidden_size, H = config->num_attention_heads, D = C / H;
  bool bias = config->attention_bias;
  char name[128];
  Attention att = {.H = H,
                   .D = D,
                   .attention_dropout = config->attention_dropout,
                   .dropout = config->dropout,
                   .site = site};
  att.norm = norm_build(params, norm_prefix, C);
  att.q = linear_build(params, name_in(name, prefix, "q_proj"), C, C, bias, 2);
  att.k = linear_build(params, name_in(name, prefix, "k_proj"), C, C, bias, 2);
  att.v = linear_build(params, name_in(name, prefix, "v_proj"), C, C, bias, 2);
  att.o = linear_build(params, name_in(name, prefix, "o_proj"), C, C, bias, 2);
  att.position = linear_build(params, name_in(name, prefix, "relative_k_proj"), C, C, false, 2);
  int64_t shape[4] = {H, D};
  att.bias_u = params_add(params, prefix, "bias_u", shape, INIT_NORMAL, config->initializer_range, false);
  att.bias_v = params_add(params, prefix, "bias_v", shape, INIT_NORMAL, config->initializer_range, false);
  return att;
}

static int position_rows(const Context *ctx) { return 2 * ctx->rows.T_max - 1; }

void attention_forward(const Context *ctx, const Attention *att, AttentionSaved *saved, void *y,
                       const void *x, const void *positions) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)att->q.N;
  int P = position_rows(ctx);
  saved->positions = positions;
  saved->n = take_rows(ctx, R, C);
  saved->q = take_rows(ctx, R, C);
  saved->k = take_rows(ctx, R, C);
  saved->v = take_rows(ctx, R, C);
  saved->y = take_rows(ctx, R, C);
  saved->p = take_rows(ctx, (size_t)P, C);
  saved->lse = take_floats(ctx, R * (size_t)att->H);
  void *o = take_rows(ctx, R, C);

  norm_forward(ctx, &att->norm, &saved->norm, saved->n, x);
  linear_forward(ctx, &att->q, saved->q, saved->n, (int)R);
  linear_forward(ctx, &att->k, saved->k, saved->n, (int)R);
  linear_forward(ctx, &att->v, saved->v, saved->n, (int)R);
  linear_forward(ctx, &att->position, saved->p, positions, P);
  ctx->kernels->attention_forward(ctx->stream, saved->y, saved->lse, saved->q, saved->k, saved->v, saved->p,
                                  param_weight(ctx, att->bias_u), param_weight(ctx, att->bias_v), ctx->rows,
                                  att->H, att->D, dropout_rate(ctx, att->attention_dropout),
                                  key_at(ctx, att->site));
  linear_forward(ctx, &att->o, o, saved->y, (int)R);
  ctx->kernels->residual_forward(ctx->stream, y, x, o, ctx->rows, (int)C, 1, dropout_rate(ctx, att->dropout),
                                 key_at(ctx, att->site + 1));
}

void attention_backward(const Context *ctx, const Attention *att, const AttentionSaved *saved, void *dx) {
  size_t R = (size_t)ctx->rows.R, C = (size_t)att->q.N, mark = ctx->arena->used;
  int P = position_rows(ctx);
  void *dn = take_rows(ctx, R, C), *part = take_rows(ctx, R, C); /* dn = the sum of three parts */
  void *dq = take_rows(ctx, R, C), *dk = take_rows(ctx, R, C), *dv = take_rows(ctx, R, C);
  void *dp = take_rows(ctx, (size_t)P, C);

  /* y = x + drop(o) */
  ctx->kernels->residual_backward(ctx->stream, dn, dx, ctx->rows, (int)C, 1, dropout_rate(ctx, att->dropout),
                                  key_at(ctx, att->site + 1));
  /* o = Wo heads */
  linear_backward(ctx, &att->o, part, dn, saved->y, (int)R);
  /* heads = attention(q, k, v, p) */
  ctx->kernels->attention_backward(ctx->stream, dq, dk, dv, dp, param_gradient(ctx, att->bias_u),
                                   param_gradient(ctx, att->bias_v), part, saved->y, saved->lse, saved->q,
                                   saved->k, saved->v, saved->p, param_weight(ctx, att->bias_u),
                                   param_weight(ctx, att->bias_v), ctx->rows, att->H, att->D,
                                   dropout_rate(ctx, att->attention_dropout), key_at(ctx, att->site));
  /* p = Wp positions, q = Wq n, k = Wk n, v = Wv n */
  linear_backward(ctx, &att->position, NULL, dp, saved->positions, P);
  linear_backward(ctx, &att->v, dn, dv, saved->n, (int)R);
  linear_backward(ctx, &att->k, part, dk, saved->n, (int)R);
  ctx->kernels->add(ctx->stream, dn, dn, part, R * C);
  linear_backward(ctx, &att->q, part, dq, saved->n, (int)R);
  ctx->kernels->add(ctx->stream, dn, dn, part, R * C);
  /* n = layer norm(x) */
  norm_backward(ctx, &att->norm, &saved->norm, dn, dn);
  ctx->kernels->add(ctx->stream, dx, dx, dn, R * C);
  arena_release(ctx->arena, mark);
}
