/* Activations: kernels/activation.h. */
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_activation.h"

/* Wide enough that the logistic function saturates on both sides. */
static Tensor *wide(Ops *t, const char *name, size_t n) {
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = ops_random(t) * (i % 5 == 0 ? 60 : 1);
  return ops_activation(t, name, values, n);
}

static double *copy(Ops *t, const Tensor *x) {
  double *values = ops_host(t, x->n * sizeof *values);
  memcpy(values, x->want, x->n * sizeof *values);
  return values;
}

static void relu_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n), *over = ops_updated(t, "y in place of x", n);
  Tensor *dy = ops_input(t, "dy", n), *dx = ops_output(t, "dx", n),
         *dover = ops_updated(t, "dx in place of dy", n);
  double *out = ops_host(t, n * sizeof *out), *in = copy(t, over), *din = copy(t, dover);
  ref_relu_forward(out, x->want, n);
  Tensor *seen = ops_activation(t, "y that backward sees", out, n);
  t->backend->relu_forward(t->stream, y->data, x->data, n);
  t->backend->relu_forward(t->stream, over->data, over->data, n);
  t->backend->relu_backward(t->stream, dx->data, dy->data, seen->data, n);
  t->backend->relu_backward(t->stream, dover->data, dover->data, seen->data, n);
  ref_relu_forward(y->want, x->want, n);
  ref_relu_forward(over->want, in, n);
  ref_relu_backward(dx->want, dy->want, x->want, n);
  ref_relu_backward(dover->want, din, x->want, n);
}

static void silu_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *x = wide(t, "x", n), *y = ops_output(t, "y", n), *over = ops_updated(t, "y in place of x", n);
  Tensor *dy = ops_input(t, "dy", n), *dx = ops_output(t, "dx", n),
         *dover = ops_updated(t, "dx in place of dy", n);
  double *in = copy(t, over), *din = copy(t, dover);
  t->backend->silu_forward(t->stream, y->data, x->data, n);
  t->backend->silu_forward(t->stream, over->data, over->data, n);
  t->backend->silu_backward(t->stream, dx->data, dy->data, x->data, n);
  t->backend->silu_backward(t->stream, dover->data, dover->data, x->data, n);
  ref_silu_forward(y->want, x->want, n);
  ref_silu_forward(over->want, in, n);
  ref_silu_backward(dx->want, dy->want, x->want, n);
  ref_silu_backward(dover->want, din, x->want, n);
}

static void glu_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)R * (size_t)C;
  Tensor *x = wide(t, "x", 2 * n), *y = ops_output(t, "y", n);
  Tensor *dy = ops_input(t, "dy", n), *dx = ops_output(t, "dx", 2 * n);
  t->backend->glu_forward(t->stream, y->data, x->data, R, C);
  t->backend->glu_backward(t->stream, dx->data, dy->data, x->data, R, C);
  ref_glu_forward(y->want, x->want, R, C);
  ref_glu_backward(dx->want, dy->want, x->want, R, C);
}

static void test_relu(void **state) { (void)state, ops_run("relu", relu_case); }
static void test_silu(void **state) { (void)state, ops_run("silu", silu_case); }
static void test_glu(void **state) { (void)state, ops_run("glu", glu_case); }

/* The reference's gradients: of sum g y. */
enum { R0 = 3, C0 = 5, N0 = R0 * C0 };
typedef struct Numbers {
  double x[2 * N0], g[2 * N0];
  int which;
} Numbers;

static double loss(void *context) {
  Numbers *p = context;
  double y[2 * N0] = {0}, sum = 0;
  if (p->which == 0) ref_relu_forward(y, p->x, 2 * N0);
  if (p->which == 1) ref_silu_forward(y, p->x, 2 * N0);
  if (p->which == 2) ref_glu_forward(y, p->x, R0, C0);
  for (int i = 0; i < 2 * N0; i++) sum += p->g[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {.random = 1};
  Numbers p;
  double dx[2 * N0];
  for (int i = 0; i < 2 * N0; i++) p.x[i] = ops_random(&t), p.g[i] = ops_random(&t);
  p.which = 0, ref_relu_backward(dx, p.g, p.x, 2 * N0), ops_differences("relu", dx, p.x, 2 * N0, loss, &p);
  p.which = 1, ref_silu_backward(dx, p.g, p.x, 2 * N0), ops_differences("silu", dx, p.x, 2 * N0, loss, &p);
  p.which = 2, ref_glu_backward(dx, p.g, p.x, R0, C0), ops_differences("glu", dx, p.x, 2 * N0, loss, &p);
}

static void bench(Ops *t) {
  int R = 3000, C = 512;
  size_t n = (size_t)R * (size_t)C;
  double bytes = 4.0 * (double)n;
  Tensor *x = ops_input(t, "x", 2 * n), *y = ops_input(t, "y", 2 * n), *dy = ops_input(t, "dy", n);
  for (OpsTimer timer = ops_timer(t, "silu_forward", "n=1536000", 2 * bytes, 0); ops_again(&timer);)
    t->backend->silu_forward(t->stream, y->data, x->data, n);
  for (OpsTimer timer = ops_timer(t, "silu_backward", "n=1536000", 3 * bytes, 0); ops_again(&timer);)
    t->backend->silu_backward(t->stream, y->data, dy->data, x->data, n);
  for (OpsTimer timer = ops_timer(t, "glu_forward", "R=3000 C=512", 3 * bytes, 0); ops_again(&timer);)
    t->backend->glu_forward(t->stream, y->data, x->data, R, C);
  for (OpsTimer timer = ops_timer(t, "glu_backward", "R=3000 C=512", 5 * bytes, 0); ops_again(&timer);)
    t->backend->glu_backward(t->stream, y->data, dy->data, x->data, R, C);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_relu),
                                     cmocka_unit_test(test_silu), cmocka_unit_test(test_glu)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
