/* Dropout, the residual branch, sums and multiples: kernels/dropout.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_dropout.h"

typedef enum Kind { DROPOUT, RESIDUAL, RESIDUAL_BACKWARD } Kind;

typedef struct Layer {
  Kind kind;
  int C;
  float scale, p;
} Layer;

static void call(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                 const void *context) {
  const Layer *l = context;
  if (l->kind == DROPOUT) t->backend->dropout(t->stream, out[0], in[0], *rows, l->C, l->p, key);
  if (l->kind == RESIDUAL)
    t->backend->residual_forward(t->stream, out[0], in[1], in[0], *rows, l->C, l->scale, l->p, key);
  if (l->kind == RESIDUAL_BACKWARD)
    t->backend->residual_backward(t->stream, out[0], in[0], *rows, l->C, l->scale, l->p, key);
}

static void reference(const Ops *t, double *y, const double *x, const double *h, Layer l) {
  size_t width = (size_t)l.C, n = (size_t)t->rows.R * width;
  for (size_t i = 0; i < n; i++) y[i] = 0; /* spare rows */
  for (int u = 0; u < t->rows.U; u++) {
    size_t at = (size_t)t->offsets[u] * width;
    ref_residual(y + at, l.kind == RESIDUAL ? x + at : NULL, h + at, t->offsets[u + 1] - t->offsets[u], l.C,
                 l.kind == DROPOUT ? 1 : (double)l.scale, l.p, t->key, t->utterances[u]);
  }
}

static void check(Ops *t, Layer l) {
  size_t n = (size_t)t->rows.R * (size_t)l.C;
  Tensor *h = ops_input(t, "h", n), *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
  Tensor *over = ops_updated(t, "y in place of h", n), *over_x = ops_updated(t, "y in place of x", n);
  double *in = ops_host(t, n * sizeof *in), *in_x = ops_host(t, n * sizeof *in_x);
  memcpy(in, over->want, n * sizeof *in);
  memcpy(in_x, over_x->want, n * sizeof *in_x);
  const Rows both[2] = {t->rows, t->rows};
  call(t, both, t->key, (float *[]){h->data, x->data}, (float *[]){y->data}, &l);
  call(t, both, t->key, (float *[]){over->data, x->data}, (float *[]){over->data}, &l);
  reference(t, y->want, x->want, h->want, l);
  reference(t, over->want, x->want, in, l);
  if (l.kind == RESIDUAL) {
    call(t, both, t->key, (float *[]){h->data, over_x->data}, (float *[]){over_x->data}, &l);
    reference(t, over_x->want, in_x, h->want, l);
  }
  ops_alone(t, both, call, (Sliced[]){{h, l.C, 0}, {x, l.C, 0}}, 2, &(Sliced){y, l.C, 0}, 1, &l);
}

static void dropout_case(Ops *t, const Shape *shape) {
  for (int kind = DROPOUT; kind <= RESIDUAL_BACKWARD; kind++) {
    check(t, (Layer){(Kind)kind, shape->C, 0.5F, 0});
    check(t, (Layer){(Kind)kind, shape->C, 0.5F, 0.1F});
    check(t, (Layer){(Kind)kind, shape->C, 1, 0.5F});
  }
}

/* p = 0 draws nothing: the key may have no utterances. */
static void keyless_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *h = ops_input(t, "h", n), *y = ops_output(t, "y", n);
  t->backend->dropout(t->stream, y->data, h->data, t->rows, shape->C, 0, (RandomKey){0});
  size_t used = (size_t)t->offsets[t->rows.U] * (size_t)shape->C;
  for (size_t i = 0; i < n; i++) y->want[i] = i < used ? h->want[i] : 0;
}

static void sums_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *a = ops_input(t, "a", n), *b = ops_input(t, "b", n), *sum = ops_output(t, "a + b", n);
  Tensor *over = ops_updated(t, "y in place of a", n), *over_b = ops_updated(t, "y in place of b", n);
  Tensor *scaled = ops_output(t, "3 a", n), *scaled_over = ops_updated(t, "scaled in place", n);
  t->backend->add(t->stream, sum->data, a->data, b->data, n);
  t->backend->add(t->stream, over->data, over->data, b->data, n);
  t->backend->add(t->stream, over_b->data, a->data, over_b->data, n);
  t->backend->scale(t->stream, scaled->data, a->data, 3, n);
  t->backend->scale(t->stream, scaled_over->data, scaled_over->data, -0.25F, n);
  for (size_t i = 0; i < n; i++) {
    sum->want[i] = a->want[i] + b->want[i];
    over->want[i] += b->want[i];
    over_b->want[i] += a->want[i];
    scaled->want[i] = 3 * a->want[i];
    scaled_over->want[i] *= -0.25;
  }
}

/* Of 600,000 channels the share that is dropped is p to four standard deviations, and two masks that differ
 * in one coordinate of the key agree no more often than chance. */
enum { T_STAT = 600, C_STAT = 1000 };

static float *mask_of(Ops *t, Tensor *ones, float p, RandomKey key, Rows rows) {
  Tensor *y = ops_output(t, "mask", ones->n);
  t->backend->dropout(t->stream, y->data, ones->data, rows, C_STAT, p, key);
  float *mask = ops_download(t, y->data, y->n);
  for (size_t i = 0; i < y->n; i++) y->want[i] = mask[i] != 0 ? 1 / (1 - (double)p) : 0;
  return mask;
}

static void statistics_case(Ops *t, const Shape *shape) {
  if (shape != &ops_shapes[0]) { /* once is enough */
    ops_output(t, "nothing", 0);
    return;
  }
  const float rates[] = {0.01F, 0.1F, 0.5F, 0.9F};
  size_t n = (size_t)T_STAT * C_STAT;
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = 1;
  Tensor *ones = ops_activation(t, "ones", values, n);
  Rows rows = ops_rows(t, 1, (int[]){T_STAT}, 0);
  uint32_t names[2] = {17, 18}, *utterances = ops_bytes(t, "utterances", names, sizeof names);
  for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
    RandomKey key = {.seed = 5, .step = 3, .site = 2, .utterances = utterances},
              others[4] = {key, key, key, key};
    others[0].seed++, others[1].step++, others[2].site++, others[3].utterances++;
    double p = (double)rates[r], dropped = 0, chance = p * p + (1 - p) * (1 - p);
    float *mask = mask_of(t, ones, rates[r], key, rows);
    for (size_t i = 0; i < n; i++) dropped += mask[i] == 0;
    if (fabs(dropped / (double)n - p) > 4 * sqrt(p * (1 - p) / (double)n))
      fail_msg("dropout %g drops a share of %g", p, dropped / (double)n);
    for (int i = 0; i < 4; i++) {
      float *other = mask_of(t, ones, rates[r], others[i], rows);
      double same = 0;
      for (size_t j = 0; j < n; j++) same += (mask[j] == 0) == (other[j] == 0);
      if (fabs(same / (double)n - chance) > 4.5 * sqrt(chance * (1 - chance) / (double)n))
        fail_msg("dropout %g: masks of two keys (%d) agree in a share of %g, by chance %g", p, i,
                 same / (double)n, chance);
    }
  }
}

static void test_dropout(void **state) { (void)state, ops_run("dropout and residual", dropout_case); }
static void test_keyless(void **state) { (void)state, ops_run("dropout 0", keyless_case); }
static void test_sums(void **state) { (void)state, ops_run("add and scale", sums_case); }
static void test_statistics(void **state) { (void)state, ops_run("dropout rates", statistics_case); }

static void bench(Ops *t) {
  int C = 144;
  Rows rows = ops_bench_rows(t, 300);
  size_t n = (size_t)rows.R * (size_t)C;
  const Rows both[2] = {rows, rows};
  float *x = ops_input(t, "x", n)->data, *h = ops_input(t, "h", n)->data, *y = ops_input(t, "y", n)->data;
  const char *names[] = {"dropout", "residual_forward", "residual_backward"};
  for (int kind = DROPOUT; kind <= RESIDUAL_BACKWARD; kind++) {
    double bytes = (kind == RESIDUAL ? 12.0 : 8.0) * (double)n;
    for (OpsTimer timer = ops_timer(t, names[kind], "R=3000 C=144", bytes, 0); ops_again(&timer);)
      call(t, both, t->key, (float *[]){h, x}, &y, &(Layer){(Kind)kind, C, 0.5F, 0.1F});
  }
  for (OpsTimer timer = ops_timer(t, "add", "R=3000 C=144", 12.0 * (double)n, 0); ops_again(&timer);)
    t->backend->add(t->stream, y, x, h, n);
  for (OpsTimer timer = ops_timer(t, "scale", "R=3000 C=144", 8.0 * (double)n, 0); ops_again(&timer);)
    t->backend->scale(t->stream, y, x, 0.5F, n);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropout), cmocka_unit_test(test_keyless),
                                     cmocka_unit_test(test_sums), cmocka_unit_test(test_statistics)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
