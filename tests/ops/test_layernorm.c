#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_layernorm.h"

static const float eps = 1e-5f;

static void call_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                       const void *context) {
  (void)key;
  const Tensor *const *weights = context;
  t->backend->layernorm_forward(t->stream, out[0], NULL, NULL, in[0], weights[0]->data, weights[1]->data, rows->R,
                                (int)weights[0]->n, eps);
}

static void forward_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)R * C;
  Tensor *x = ops_input(t, "x", n), *gamma = ops_input(t, "gamma", C), *beta = ops_input(t, "beta", C);
  Tensor *y = ops_output(t, "y", n), *mean = ops_output(t, "mean", R), *rstd = ops_output(t, "rstd", R);
  t->backend->layernorm_forward(t->stream, y->data, mean->data, rstd->data, x->data, gamma->data, beta->data, R, C, eps);
  ref_layernorm_forward(y->want, mean->want, rstd->want, x->want, gamma->want, beta->want, R, C, (double)eps);

  Tensor *in_place = ops_updated(t, "y in place of x", n); /* and without mean and rstd */
  double *input = ops_host(t, n * sizeof *input), *unused = ops_host(t, 2 * (size_t)R * sizeof *unused);
  memcpy(input, in_place->want, n * sizeof *input);
  t->backend->layernorm_forward(t->stream, in_place->data, NULL, NULL, in_place->data, gamma->data, beta->data, R, C, eps);
  ref_layernorm_forward(in_place->want, unused, unused + R, input, gamma->want, beta->want, R, C, (double)eps);

  const Rows rows[2] = {t->rows, t->rows};
  const Tensor *weights[] = {gamma, beta};
  ops_alone(t, rows, call_alone, &(Sliced){x, C, 0}, 1, &(Sliced){y, C, 0}, 1, weights);
}

static void backward_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)R * C;
  Tensor *x = ops_input(t, "x", n), *gamma = ops_input(t, "gamma", C), *beta = ops_input(t, "beta", C);
  double *y = ops_host(t, n * sizeof *y), *mean = ops_host(t, (size_t)R * sizeof *mean);
  double *rstd = ops_host(t, (size_t)R * sizeof *rstd);
  ref_layernorm_forward(y, mean, rstd, x->want, gamma->want, beta->want, R, C, (double)eps);
  Tensor *mean_in = ops_given(t, "mean", mean, R), *rstd_in = ops_given(t, "rstd", rstd, R);
  for (int in_place = 0; in_place < 2; in_place++) {
    Tensor *dy = in_place ? ops_updated(t, "dx in place of dy", n) : ops_input(t, "dy", n);
    Tensor *dx = in_place ? dy : ops_output(t, "dx", n);
    Tensor *dgamma = ops_updated(t, "dgamma", C), *dbeta = ops_updated(t, "dbeta", C);
    double *gradient = ops_host(t, n * sizeof *gradient);
    t->backend->layernorm_backward(t->stream, dx->data, dgamma->data, dbeta->data, dy->data, x->data, mean_in->data,
                                   rstd_in->data, gamma->data, R, C);
    ref_layernorm_backward(gradient, dgamma->want, dbeta->want, dy->want, x->want, gamma->want, R, C, (double)eps);
    for (size_t i = 0; C == 1 && i < n; i++) dx->terms += fabs(rstd[i] * dy->want[i]); /* no channel varies: dx is 0 */
    memcpy(dx->want, gradient, n * sizeof *gradient);
  }
}

static void test_forward(void **state) {
  (void)state;
  ops_run("layernorm forward", forward_case);
}

static void test_backward(void **state) {
  (void)state;
  ops_run("layernorm backward", backward_case);
}

enum { R0 = 3, C0 = 7 };

typedef struct Problem {
  double x[R0 * C0], gamma[C0], beta[C0], dy[R0 * C0];
} Problem;

static double loss(void *context) {
  Problem *p = context;
  double y[R0 * C0], mean[R0], rstd[R0], sum = 0;
  ref_layernorm_forward(y, mean, rstd, p->x, p->gamma, p->beta, R0, C0, (double)eps);
  for (int i = 0; i < R0 * C0; i++) sum += p->dy[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {.random = 1};
  Problem p;
  for (double *value = p.x; value < p.x + sizeof p / sizeof *value; value++) *value = ops_random(&t);
  double dx[R0 * C0], dgamma[C0] = {0}, dbeta[C0] = {0};
  ref_layernorm_backward(dx, dgamma, dbeta, p.dy, p.x, p.gamma, R0, C0, (double)eps);
  ops_differences("dx", dx, p.x, R0 * C0, loss, &p);
  ops_differences("dgamma", dgamma, p.gamma, C0, loss, &p);
  ops_differences("dbeta", dbeta, p.beta, C0, loss, &p);
}

static void bench(Ops *t) {
  static const int widths[] = {128, 144, 512};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    int R = 3000, C = widths[i];
    double bytes = 4.0 * R * C;
    char shape[64];
    snprintf(shape, sizeof shape, "R=%d C=%d", R, C);
    Tensor *x = ops_input(t, "x", (size_t)R * C), *y = ops_input(t, "y", (size_t)R * C);
    Tensor *dx = ops_input(t, "dx", (size_t)R * C), *row = ops_input(t, "rstd", R), *weight = ops_input(t, "gamma", C);
    for (OpsTimer timer = ops_timer(t, "layernorm_forward", shape, 2 * bytes, 0); ops_again(&timer);)
      t->backend->layernorm_forward(t->stream, y->data, row->data, row->data, x->data, weight->data, weight->data, R, C, eps);
    for (OpsTimer timer = ops_timer(t, "layernorm_backward", shape, 3 * bytes, 0); ops_again(&timer);)
      t->backend->layernorm_backward(t->stream, dx->data, weight->data, weight->data, y->data, x->data, row->data,
                                     row->data, weight->data, R, C);
  }
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_forward),
                                     cmocka_unit_test(test_backward)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
