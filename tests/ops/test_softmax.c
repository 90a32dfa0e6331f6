/* Softmax and log-softmax: kernels/softmax.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_softmax.h"

/* Rows whose exponentials overflow a float, and a class that never is (-infinity) in rows of more than one.
 */
static Tensor *logits(Ops *t, const char *name, int R, int C) {
  size_t n = (size_t)R * (size_t)C;
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) {
    size_t row = i / (size_t)C, column = i % (size_t)C;
    values[i] = ops_random(t) + (row % 3 == 1 ? 500 : 0);
    if (row % 4 == 2 && column > 0 && column == row % (size_t)C) values[i] = -INFINITY;
  }
  return ops_activation(t, name, values, n);
}

static void forward_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)R * (size_t)C;
  Tensor *x = logits(t, "x", R, C), *y = ops_output(t, "y", n), *log_y = ops_output(t, "log y", n);
  Tensor *over = ops_updated(t, "y in place of x", n);
  double *in = ops_host(t, n * sizeof *in);
  memcpy(in, over->want, n * sizeof *in);
  t->backend->softmax_forward(t->stream, y->data, x->data, R, C);
  t->backend->softmax_forward(t->stream, over->data, over->data, R, C);
  t->backend->log_softmax_forward(t->stream, log_y->data, x->data, R, C);
  ref_softmax_forward(y->want, x->want, R, C);
  ref_softmax_forward(over->want, in, R, C);
  ref_log_softmax_forward(log_y->want, x->want, R, C);
}

static void backward_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)R * (size_t)C;
  double *x = ops_host(t, n * sizeof *x), *y = ops_host(t, n * sizeof *y),
         *log_y = ops_host(t, n * sizeof *log_y);
  for (size_t i = 0; i < n; i++) x[i] = ops_random(t);
  ref_softmax_forward(y, x, R, C);
  ref_log_softmax_forward(log_y, x, R, C);
  Tensor *p = ops_activation(t, "y", y, n), *log_p = ops_given(t, "log y", log_y, n);
  Tensor *dy = ops_input(t, "dy", n), *dx = ops_output(t, "dx", n);
  double *log_slopes = ops_host(t, n * sizeof *log_slopes);
  for (size_t i = 0; i < n; i++) log_slopes[i] = ops_random(t);
  Tensor *dlog = ops_given(t, "d log y", log_slopes, n), *dlog_x = ops_output(t, "dx of log-softmax", n);
  t->backend->softmax_backward(t->stream, dx->data, dy->data, p->data, R, C);
  t->backend->log_softmax_backward(t->stream, dlog_x->data, dlog->data, log_p->data, R, C);
  ref_softmax_backward(dx->want, dy->want, p->want, R, C);
  ref_log_softmax_backward(dlog_x->want, dlog->want, log_p->want, R, C);
  for (size_t i = 0; C == 1 && i < n; i++) { /* one class: its probability is 1, whatever x */
    dx->terms += fabs(dy->want[i]);
    dlog_x->terms += fabs(dlog->want[i]);
  }
}

static void test_forward(void **state) { (void)state, ops_run("softmax forward", forward_case); }
static void test_backward(void **state) { (void)state, ops_run("softmax backward", backward_case); }

/* The reference's gradients: of sum g y. */
enum { R0 = 3, C0 = 7, N0 = R0 * C0 };
typedef struct Numbers {
  double x[N0], g[N0];
  bool log;
} Numbers;

static double loss(void *context) {
  Numbers *p = context;
  double y[N0], sum = 0;
  (p->log ? ref_log_softmax_forward : ref_softmax_forward)(y, p->x, R0, C0);
  for (int i = 0; i < N0; i++) sum += p->g[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {.random = 1};
  Numbers p = {.log = false};
  double y[N0], dx[N0];
  for (int i = 0; i < N0; i++) p.x[i] = ops_random(&t), p.g[i] = ops_random(&t);
  ref_softmax_forward(y, p.x, R0, C0);
  ref_softmax_backward(dx, p.g, y, R0, C0);
  ops_differences("softmax", dx, p.x, N0, loss, &p);
  p.log = true;
  ref_log_softmax_forward(y, p.x, R0, C0);
  ref_log_softmax_backward(dx, p.g, y, R0, C0);
  ops_differences("log-softmax", dx, p.x, N0, loss, &p);
}

static void bench(Ops *t) {
  int R = 3000, C = 1025;
  size_t n = (size_t)R * (size_t)C;
  double bytes = 4.0 * (double)n;
  float *x = ops_input(t, "x", n)->data, *y = ops_input(t, "y", n)->data, *dx = ops_input(t, "dx", n)->data;
  for (OpsTimer timer = ops_timer(t, "softmax_forward", "R=3000 C=1025", 2 * bytes, 0); ops_again(&timer);)
    t->backend->softmax_forward(t->stream, y, x, R, C);
  for (OpsTimer timer = ops_timer(t, "softmax_backward", "R=3000 C=1025", 3 * bytes, 0); ops_again(&timer);)
    t->backend->softmax_backward(t->stream, dx, x, y, R, C);
  for (OpsTimer timer = ops_timer(t, "log_softmax_forward", "R=3000 C=1025", 2 * bytes, 0);
       ops_again(&timer);)
    t->backend->log_softmax_forward(t->stream, y, x, R, C);
  for (OpsTimer timer = ops_timer(t, "log_softmax_backward", "R=3000 C=1025", 3 * bytes, 0);
       ops_again(&timer);)
    t->backend->log_softmax_backward(t->stream, dx, x, y, R, C);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_forward),
                                     cmocka_unit_test(test_backward)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
