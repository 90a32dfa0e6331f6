/* The depthwise convolution over time: kernels/depthwise.h. */
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_depthwise.h"

static const int widths[] = {1, 3, 15, 31};
enum { WIDTHS = sizeof widths / sizeof *widths };

typedef struct Layer {
  Tensor *weight, *bias; /* bias may be NULL */
  int C, K;
} Layer;

static const float *bias_data(const Layer *l) { return l->bias ? l->bias->data : NULL; }

static void forward_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                          const void *context) {
  const Layer *l = context;
  (void)key;
  t->backend->depthwise_forward(t->stream, out[0], in[0], l->weight->data, bias_data(l), rows[0], l->C, l->K);
}

static void forward_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  for (int i = 0; i < WIDTHS; i++) {
    Layer l = {.C = shape->C, .K = widths[i]};
    Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
    l.weight = ops_input(t, "weight", (size_t)(l.C * l.K));
    l.bias = i % 2 ? ops_input(t, "bias", (size_t)l.C) : NULL;
    t->backend->depthwise_forward(t->stream, y->data, x->data, l.weight->data, bias_data(&l), t->rows, l.C,
                                  l.K);
    memset(y->want, 0, n * sizeof *y->want);
    ref_depthwise_forward(y->want, x->want, l.weight->want, l.bias ? l.bias->want : NULL, t->offsets,
                          shape->U, l.C, l.K);
    ops_alone(t, (Rows[]){t->rows, t->rows}, forward_alone, (Sliced[]){{x, l.C, 0}}, 1,
              (Sliced[]){{y, l.C, 0}}, 1, &l);
  }
}

static void backward_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                           const void *context) {
  const Layer *l = context;
  (void)key;
  float *dweight = t->backend->memory_new((size_t)(l->C * l->K) * sizeof(float));
  t->backend->memory_zero(t->stream, dweight, (size_t)(l->C * l->K) * sizeof(float));
  t->backend->depthwise_backward(t->stream, out[0], dweight, NULL, in[0], in[1], l->weight->data, rows[0],
                                 l->C, l->K);
  t->backend->stream_sync(t->stream);
  t->backend->memory_free(dweight);
}

static void backward_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  for (int i = 0; i < WIDTHS; i++) {
    Layer l = {.C = shape->C, .K = widths[i]};
    size_t taps = (size_t)(l.C * l.K), channels = (size_t)l.C;
    Tensor *dy = ops_input(t, "dy", n), *x = ops_input(t, "x", n), *dx = ops_output(t, "dx", n);
    l.weight = ops_input(t, "weight", taps);
    Tensor *dweight = ops_updated(t, "dweight", taps);
    Tensor *dbias = i % 2 ? ops_updated(t, "dbias", channels) : NULL;
    t->backend->depthwise_backward(t->stream, dx->data, dweight->data, dbias ? dbias->data : NULL, dy->data,
                                   x->data, l.weight->data, t->rows, l.C, l.K);
    double *dw = ops_host(t, taps * sizeof *dw), *db = ops_host(t, channels * sizeof *db);
    memset(dx->want, 0, n * sizeof *dx->want);
    ref_depthwise_backward(dx->want, dw, db, dy->want, x->want, l.weight->want, t->offsets, shape->U, l.C,
                           l.K);
    for (size_t j = 0; j < taps; j++) dweight->want[j] += dw[j];
    for (size_t j = 0; dbias && j < channels; j++) dbias->want[j] += db[j];
    ops_alone(t, (Rows[]){t->rows, t->rows}, backward_alone, (Sliced[]){{dy, l.C, 0}, {x, l.C, 0}}, 2,
              (Sliced[]){{dx, l.C, 0}}, 1, &l);
  }
}

static void test_forward(void **state) { (void)state, ops_run("depthwise_forward", forward_case); }
static void test_backward(void **state) { (void)state, ops_run("depthwise_backward", backward_case); }

/* The reference's gradients: of sum g y. */
enum { U = 3, C = 2, K = 5, R = 9 };
static const int offsets[U + 1] = {0, 1, 7, 9};
typedef struct Numbers {
  double x[R * C], weight[C * K], bias[C], g[R * C], y[R * C];
} Numbers;

static double loss(void *context) {
  Numbers *n = context;
  double sum = 0;
  ref_depthwise_forward(n->y, n->x, n->weight, n->bias, offsets, U, C, K);
  for (int i = 0; i < R * C; i++) sum += n->g[i] * n->y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {0};
  Numbers n;
  double *numbers = (double *)&n, dx[R * C], dw[C * K], db[C];
  for (size_t i = 0; i < sizeof n / sizeof(double); i++) numbers[i] = ops_random(&t);
  ref_depthwise_backward(dx, dw, db, n.g, n.x, n.weight, offsets, U, C, K);
  ops_differences("depthwise dx", dx, n.x, R * C, loss, &n);
  ops_differences("depthwise dweight", dw, n.weight, C * K, loss, &n);
  ops_differences("depthwise dbias", db, n.bias, C, loss, &n);
}

static void bench(Ops *t) {
  static const struct { int C, K; } layers[] = {{128, 15}, {144, 31}, {256, 31}, {512, 9}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    int c = layers[i].C, k = layers[i].K;
    char shape[64];
    Rows rows = ops_bench_rows(t, 150);
    size_t n = (size_t)(rows.R * c), taps = (size_t)(c * k);
    float *x = ops_input(t, "x", n)->data, *y = ops_input(t, "y", n)->data, *dx = ops_input(t, "dx", n)->data;
    float *weight = ops_input(t, "weight", taps)->data, *dweight = ops_input(t, "dweight", taps)->data;
    float *bias = ops_input(t, "bias", (size_t)c)->data;
    snprintf(shape, sizeof shape, "10 x 150 frames, C=%d K=%d", c, k);
    double flops = 2.0 * (double)n * k, bytes = 4.0 * (double)n;
    for (OpsTimer timer = ops_timer(t, "depthwise_forward", shape, 2 * bytes, flops); ops_again(&timer);)
      t->backend->depthwise_forward(t->stream, y, x, weight, bias, rows, c, k);
    for (OpsTimer timer = ops_timer(t, "depthwise_backward", shape, 3 * bytes, 2 * flops); ops_again(&timer);)
      t->backend->depthwise_backward(t->stream, dx, dweight, bias, y, x, weight, rows, c, k);
  }
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),
      cmocka_unit_test(test_forward),
      cmocka_unit_test(test_backward),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
