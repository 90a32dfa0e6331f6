/* Attention with relative positions: kernels/attention.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/bf16.h"
#include "tests/ops/ops.h"
#include "tests/ops/ref_attention.h"

typedef struct Layer {
  Tensor *q, *k, *v, *p, *bias_u, *bias_v;
  int H, D, C, T_max;
  float dropout;
} Layer;

/* Four heads or three where that divides the channels, else as few as leave 128 channels a head, which is
 * what the CUDA backend takes. */
static int heads_of(int C) {
  int H = C % 4 == 0 ? 4 : C % 3 == 0 ? 3 : 1;
  while (C % H != 0 || C / H > 128) H++;
  return H;
}

/* spread: of the queries; a large one makes scores that overflow a float's exponential. */
static Layer layer_new(Ops *t, const Shape *shape, double spread, float dropout) {
  int C = shape->C, H = heads_of(C);
  size_t n = (size_t)(t->rows.R * C),
         positions = t->rows.T_max > 0 ? (size_t)((2 * t->rows.T_max - 1) * C) : 0;
  double *queries = ops_host(t, n * sizeof *queries);
  for (size_t i = 0; i < n; i++) queries[i] = spread * ops_random(t);
  return (Layer){.q = ops_activation(t, "q", queries, n),
                 .k = ops_input(t, "k", n),
                 .v = ops_input(t, "v", n),
                 .p = ops_input(t, "p", positions),
                 .bias_u = ops_input(t, "bias_u", (size_t)C),
                 .bias_v = ops_input(t, "bias_v", (size_t)C),
                 .H = H,
                 .D = C / H,
                 .C = C,
                 .T_max = t->rows.T_max,
                 .dropout = dropout};
}

static RefAttention reference(const Ops *t, const Layer *l) {
  RandomKey key = t->key;
  key.utterances = t->utterances;
  return (RefAttention){l->q->want,
                        l->k->want,
                        l->v->want,
                        l->p->want,
                        l->bias_u->want,
                        l->bias_v->want,
                        t->offsets,
                        t->rows.U,
                        l->T_max,
                        l->H,
                        l->D,
                        (double)l->dropout,
                        key};
}

/* The positions of rows with fewer frames stand in the middle of those of rows with T_max. */
static const float *positions(const Layer *l, Rows rows) {
  return l->p->data + (ptrdiff_t)(l->T_max - rows.T_max) * l->C;
}

static void forward(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                    const void *context) {
  const Layer *l = context;
  t->backend->attention_forward(t->stream, out[0], out[1], in[0], in[1], in[2], positions(l, rows[0]),
                                l->bias_u->data, l->bias_v->data, rows[0], l->H, l->D, l->dropout, key);
}

static void check_forward(Ops *t, const Shape *shape, double spread, float dropout) {
  Layer l = layer_new(t, shape, spread, dropout);
  Tensor *y = ops_output(t, "y", l.q->n), *lse = ops_output(t, "lse", (size_t)(t->rows.R * l.H));
  forward(t, (Rows[]){t->rows, t->rows}, t->key, (float *[]){l.q->data, l.k->data, l.v->data},
          (float *[]){y->data, lse->data}, &l);
  memset(y->want, 0, y->n * sizeof *y->want);
  memset(lse->want, 0, lse->n * sizeof *lse->want);
  RefAttention a = reference(t, &l);
  ref_attention_forward(y->want, lse->want, &a);
  ops_alone(t, (Rows[]){t->rows, t->rows}, forward, (Sliced[]){{l.q, l.C, 0}, {l.k, l.C, 0}, {l.v, l.C, 0}},
            3, (Sliced[]){{y, l.C, 0}, {lse, l.H, 0}}, 2, &l);
}

static void forward_case(Ops *t, const Shape *shape) {
  check_forward(t, shape, 1, 0);
  check_forward(t, shape, 20, 0);
  check_forward(t, shape, 1, 0.3f);
}

/* Without lse, as in inference, y is the same. */
static void inference_case(Ops *t, const Shape *shape) {
  Layer l = layer_new(t, shape, 1, 0);
  Tensor *y = ops_output(t, "y", l.q->n);
  forward(t, (Rows[]){t->rows, t->rows}, t->key, (float *[]){l.q->data, l.k->data, l.v->data},
          (float *[]){y->data, NULL}, &l);
  memset(y->want, 0, y->n * sizeof *y->want);
  RefAttention a = reference(t, &l);
  ref_attention_forward(y->want, ops_host(t, (size_t)(t->rows.R * l.H) * sizeof(double)), &a);
}

static void backward_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                           const void *context) {
  const Layer *l = context;
  size_t positions_n = (size_t)((2 * rows[0].T_max - 1) * l->C), n = positions_n + 2 * (size_t)l->C;
  float *rest = t->backend->memory_new(n * sizeof(float)),
        *biases = rest + positions_n; /* dp, then the biases' */
  bf16_register(rest, "dp", positions_n);
  t->backend->memory_zero(t->stream, rest, n * sizeof(float));
  t->backend->attention_backward(t->stream, out[0], out[1], out[2], rest, biases, biases + l->C, in[0], in[1],
                                 in[2], in[3], in[4], in[5], positions(l, rows[0]), l->bias_u->data,
                                 l->bias_v->data, rows[0], l->H, l->D, l->dropout, key);
  t->backend->stream_sync(t->stream);
  bf16_forget(rest);
  t->backend->memory_free(rest);
}

static void check_backward(Ops *t, const Shape *shape, float dropout) {
  Layer l = layer_new(t, shape, 1, dropout);
  size_t n = l.q->n, channels = (size_t)l.C;
  RefAttention a = reference(t, &l);
  double *y_exact = ops_host(t, n * sizeof *y_exact);
  double *lse_exact = ops_host(t, (size_t)(t->rows.R * l.H) * sizeof *lse_exact);
  ref_attention_forward(y_exact, lse_exact, &a);
  Tensor *dy = ops_input(t, "dy", n), *y = ops_activation(t, "y", y_exact, n);
  Tensor *lse = ops_given(t, "lse", lse_exact, (size_t)(t->rows.R * l.H));
  Tensor *dq = ops_output(t, "dq", n), *dk = ops_output(t, "dk", n), *dv = ops_output(t, "dv", n);
  Tensor *dp = ops_output(t, "dp", l.p->n);
  Tensor *dbias_u = ops_updated(t, "dbias_u", channels), *dbias_v = ops_updated(t, "dbias_v", channels);
  t->backend->attention_backward(t->stream, dq->data, dk->data, dv->data, dp->data, dbias_u->data,
                                 dbias_v->data, dy->data, y->data, lse->data, l.q->data, l.k->data, l.v->data,
                                 l.p->data, l.bias_u->data, l.bias_v->data, t->rows, l.H, l.D, dropout,
                                 t->key);
  Tensor *assigned[] = {dq, dk, dv, dp};
  for (int i = 0; i < 4; i++) memset(assigned[i]->want, 0, assigned[i]->n * sizeof(double));
  ref_attention_backward(
      (RefAttentionGradients){dq->want, dk->want, dv->want, dp->want, dbias_u->want, dbias_v->want}, dy->want,
      y->want, &a);
  ops_alone(t, (Rows[]){t->rows, t->rows}, backward_alone,
            (Sliced[]){{dy, l.C, 0}, {y, l.C, 0}, {lse, l.H, 0}, {l.q, l.C, 0}, {l.k, l.C, 0}, {l.v, l.C, 0}},
            6, (Sliced[]){{dq, l.C, 0}, {dk, l.C, 0}, {dv, l.C, 0}}, 3, &l);
}

static void backward_case(Ops *t, const Shape *shape) {
  check_backward(t, shape, 0);
  check_backward(t, shape, 0.3f);
}

static void test_forward(void **state) { (void)state, ops_run("attention_forward", forward_case); }
static void test_inference(void **state) {
  (void)state, ops_run("attention_forward without lse", inference_case);
}
static void test_backward(void **state) { (void)state, ops_run("attention_backward", backward_case); }

/* The reference's gradients: of sum g y. */
enum { U = 3, H = 2, D = 3, C = H * D, R = 7, T_MAX = 4, P = 2 * T_MAX - 1 };
static const int offsets[U + 1] = {0, 1, 5, 7};
static const uint32_t identities[U] = {5, 6, 7};
typedef struct Numbers {
  double q[R * C], k[R * C], v[R * C], p[P * C], bias_u[C], bias_v[C], g[R * C];
} Numbers;

static RefAttention small(const Numbers *n) {
  return (RefAttention){n->q,
                        n->k,
                        n->v,
                        n->p,
                        n->bias_u,
                        n->bias_v,
                        offsets,
                        U,
                        T_MAX,
                        H,
                        D,
                        0.2,
                        {.seed = 1, .utterances = identities}};
}

static double loss(void *context) {
  Numbers *n = context;
  RefAttention a = small(n);
  double y[R * C], lse[R * H], sum = 0;
  ref_attention_forward(y, lse, &a);
  for (int i = 0; i < R * C; i++) sum += n->g[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {0};
  Numbers n, gradients;
  double *numbers = (double *)&n;
  for (size_t i = 0; i < sizeof n / sizeof(double); i++) numbers[i] = ops_random(&t);
  memset(&gradients, 0, sizeof gradients);
  Numbers *d = &gradients;
  RefAttention a = small(&n);
  double y[R * C], lse[R * H];
  ref_attention_forward(y, lse, &a);
  ref_attention_backward((RefAttentionGradients){d->q, d->k, d->v, d->p, d->bias_u, d->bias_v}, n.g, y, &a);
  ops_differences("attention dq", d->q, n.q, R * C, loss, &n);
  ops_differences("attention dk", d->k, n.k, R * C, loss, &n);
  ops_differences("attention dv", d->v, n.v, R * C, loss, &n);
  ops_differences("attention dp", d->p, n.p, P * C, loss, &n);
  ops_differences("attention dbias_u", d->bias_u, n.bias_u, C, loss, &n);
  ops_differences("attention dbias_v", d->bias_v, n.bias_v, C, loss, &n);
}

/* A minute and a half of speech in utterances of `frames` frames of 40 ms. */
static void bench_frames(Ops *t, int frames, int heads, int channels, float dropout) {
  int lengths[64], utterances = 1500 / frames, c = heads * channels;
  for (int u = 0; u < utterances; u++) lengths[u] = frames;
  uint32_t names[64] = {0};
  Rows rows = ops_rows(t, utterances, lengths, 0);
  RandomKey key = {.seed = 1, .utterances = ops_bytes(t, "utterances", names, sizeof names)};
  size_t n = (size_t)(rows.R * c);
  float *x[8], *bias[4];
  for (int i = 0; i < 8; i++) x[i] = ops_input(t, "rows", n)->data;
  for (int i = 0; i < 4; i++) bias[i] = ops_input(t, "bias", (size_t)c)->data;
  float *lse = ops_input(t, "lse", (size_t)(rows.R * heads))->data;
  float *p = ops_input(t, "p", (size_t)((2 * frames - 1) * c))->data;
  float *dp = ops_input(t, "dp", (size_t)((2 * frames - 1) * c))->data;
  char shape[96];
  snprintf(shape, sizeof shape, "%d x %d frames, H=%d D=%d, dropout %g", utterances, frames, heads, channels,
           (double)dropout);
  double flops = 2.0 * utterances * frames * frames * c, bytes = 4.0 * (double)n; /* of one product */
  for (OpsTimer timer = ops_timer(t, "attention_forward", shape, 4 * bytes, 3 * flops); ops_again(&timer);)
    t->backend->attention_forward(t->stream, x[0], lse, x[1], x[2], x[3], p, bias[0], bias[1], rows, heads,
                                  channels, dropout, key);
  for (OpsTimer timer = ops_timer(t, "attention_backward", shape, 8 * bytes, 8 * flops); ops_again(&timer);)
    t->backend->attention_backward(t->stream, x[4], x[5], x[6], dp, bias[2], bias[3], x[7], x[0], lse, x[1],
                                   x[2], x[3], p, bias[0], bias[1], rows, heads, channels, dropout, key);
}

static void bench(Ops *t) {
  bench_frames(t, 50, 4, 36, 0);
  bench_frames(t, 150, 4, 36, 0);
  bench_frames(t, 150, 4, 36, 0.1f);
  bench_frames(t, 375, 4, 36, 0);
  bench_frames(t, 150, 4, 64, 0);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),
      cmocka_unit_test(test_forward),
      cmocka_unit_test(test_inference),
      cmocka_unit_test(test_backward),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
