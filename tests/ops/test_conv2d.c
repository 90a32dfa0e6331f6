/* The 2-D convolutions of the subsampling front: kernels/conv2d.h. */
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_conv2d.h"

static const struct {
  int F_in, K, stride;
} images[] = {{10, 3, 2}, {1, 1, 1}, {1, 3, 2}, {7, 3, 1}, {17, 5, 2}, {5, 7, 3}};

/* Large shapes, slow in the reference, see only the image that models have. */
static int images_of(const Ops *t, const Shape *shape) {
  return t->rows.R * shape->C > 10000 ? 1 : (int)(sizeof images / sizeof *images);
}

static int reduced(int n, int stride) { return (n + stride - 1) / stride; }

typedef struct Layer {
  Conv2dShape shape;
  bool depthwise;
  Rows in, out;
  int *out_offsets;
  Tensor *weight, *bias;
  size_t taps, in_width, out_width; /* floats of the weight, and of a row before and after */
} Layer;

static Layer layer_new(Ops *t, const Shape *shape, int image, bool depthwise) {
  int F = images[image].F_in, K = images[image].K, stride = images[image].stride;
  Layer l = {.shape = {.F_in = F, .F_out = reduced(F, stride), .C = shape->C, .K = K, .stride = stride},
             .depthwise = depthwise};
  int *lengths = ops_host(t, (size_t)shape->U * sizeof *lengths);
  l.out_offsets = ops_host(t, (size_t)(shape->U + 1) * sizeof *l.out_offsets);
  for (int u = 0; u < shape->U; u++) {
    lengths[u] = reduced(t->offsets[u + 1] - t->offsets[u], stride);
    l.out_offsets[u + 1] = l.out_offsets[u] + lengths[u];
  }
  l.in = t->rows;
  l.out = ops_rows(t, shape->U, lengths, shape->spare ? shape->spare + 1 : 0);
  l.taps = (size_t)(shape->C * K * K);
  l.in_width = (size_t)(F * (depthwise ? shape->C : 1));
  l.out_width = (size_t)(l.shape.F_out * shape->C);
  l.weight = ops_input(t, "weight", l.taps);
  l.bias = ops_input(t, "bias", (size_t)shape->C);
  return l;
}

static void forward(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                    const void *context) {
  const Layer *l = context;
  (void)key;
  if (l->depthwise)
    t->backend->depthwise_conv2d_forward(t->stream, out[0], in[0], l->weight->data, l->bias->data, rows[0],
                                         rows[1], l->shape);
  else
    t->backend->conv2d_forward(t->stream, out[0], in[0], l->weight->data, l->bias->data, rows[0], rows[1],
                               l->shape);
}

static void check_forward(Ops *t, const Shape *shape, bool depthwise) {
  for (int i = 0; i < images_of(t, shape); i++) {
    Layer l = layer_new(t, shape, i, depthwise);
    Tensor *x = ops_input(t, "x", (size_t)l.in.R * l.in_width),
           *y = ops_output(t, "y", (size_t)l.out.R * l.out_width);
    forward(t, (Rows[]){l.in, l.out}, t->key, (float *[]){x->data}, (float *[]){y->data}, &l);
    memset(y->want, 0, y->n * sizeof *y->want);
    for (int u = 0; u < shape->U; u++)
      ref_conv2d_forward(y->want + (size_t)l.out_offsets[u] * l.out_width,
                         x->want + (size_t)t->offsets[u] * l.in_width, l.weight->want, l.bias->want,
                         t->offsets[u + 1] - t->offsets[u], l.out_offsets[u + 1] - l.out_offsets[u], l.shape,
                         depthwise);
    ops_alone(t, (Rows[]){l.in, l.out}, forward, (Sliced[]){{x, (int)l.in_width, 0}}, 1,
              (Sliced[]){{y, (int)l.out_width, 1}}, 1, &l);
  }
}

static void backward_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                           const void *context) {
  const Layer *l = context;
  (void)key;
  float *gradients = t->backend->memory_new((l->taps + (size_t)l->shape.C) * sizeof(float));
  t->backend->memory_zero(t->stream, gradients, (l->taps + (size_t)l->shape.C) * sizeof(float));
  t->backend->depthwise_conv2d_backward(t->stream, out[0], gradients, gradients + l->taps, in[0], in[1],
                                        l->weight->data, rows[0], rows[1], l->shape);
  t->backend->stream_sync(t->stream);
  t->backend->memory_free(gradients);
}

static void check_backward(Ops *t, const Shape *shape, bool depthwise) {
  for (int i = 0; i < images_of(t, shape); i++) {
    Layer l = layer_new(t, shape, i, depthwise);
    Tensor *dy = ops_input(t, "dy", (size_t)l.out.R * l.out_width),
           *x = ops_input(t, "x", (size_t)l.in.R * l.in_width);
    Tensor *dx = depthwise ? ops_output(t, "dx", x->n) : NULL;
    Tensor *dweight = ops_updated(t, "dweight", l.taps), *dbias = ops_updated(t, "dbias", (size_t)shape->C);
    if (depthwise) {
      t->backend->depthwise_conv2d_backward(t->stream, dx->data, dweight->data, dbias->data, dy->data,
                                            x->data, l.weight->data, l.in, l.out, l.shape);
      memset(dx->want, 0, dx->n * sizeof *dx->want);
    } else {
      t->backend->conv2d_backward(t->stream, dweight->data, dbias->data, dy->data, x->data, l.in, l.out,
                                  l.shape);
    }
    for (int u = 0; u < shape->U; u++)
      ref_conv2d_backward(depthwise ? dx->want + (size_t)t->offsets[u] * l.in_width : NULL, dweight->want,
                          dbias->want, dy->want + (size_t)l.out_offsets[u] * l.out_width,
                          x->want + (size_t)t->offsets[u] * l.in_width, l.weight->want,
                          t->offsets[u + 1] - t->offsets[u], l.out_offsets[u + 1] - l.out_offsets[u], l.shape,
                          depthwise);
    if (depthwise)
      ops_alone(t, (Rows[]){l.in, l.out}, backward_alone,
                (Sliced[]){{dy, (int)l.out_width, 1}, {x, (int)l.in_width, 0}}, 2,
                (Sliced[]){{dx, (int)l.in_width, 0}}, 1, &l);
  }
}

static void transpose_case(Ops *t, const Shape *shape) {
  int A = shape->C, B = 5;
  size_t n = (size_t)(t->rows.R * A * B);
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
  t->backend->transpose_inner(t->stream, y->data, x->data, t->rows.R, A, B);
  for (int r = 0; r < t->rows.R; r++)
    for (int a = 0; a < A; a++)
      for (int b = 0; b < B; b++) y->want[(r * B + b) * A + a] = x->want[(r * A + a) * B + b];
}

static void plain_forward_case(Ops *t, const Shape *shape) { check_forward(t, shape, false); }
static void depthwise_forward_case(Ops *t, const Shape *shape) { check_forward(t, shape, true); }
static void plain_backward_case(Ops *t, const Shape *shape) { check_backward(t, shape, false); }
static void depthwise_backward_case(Ops *t, const Shape *shape) { check_backward(t, shape, true); }

static void test_plain_forward(void **state) { (void)state, ops_run("conv2d_forward", plain_forward_case); }
static void test_plain_backward(void **state) {
  (void)state, ops_run("conv2d_backward", plain_backward_case);
}
static void test_depthwise_forward(void **state) {
  (void)state, ops_run("depthwise_conv2d_forward", depthwise_forward_case);
}
static void test_depthwise_backward(void **state) {
  (void)state, ops_run("depthwise_conv2d_backward", depthwise_backward_case);
}
static void test_transpose(void **state) { (void)state, ops_run("transpose_inner", transpose_case); }

/* The reference's gradients: of sum g y. */
enum { T = 5, F = 4, C = 2, K = 3, T_OUT = 3, F_OUT = 2 };
static const Conv2dShape small = {.F_in = F, .F_out = F_OUT, .C = C, .K = K, .stride = 2};
typedef struct Numbers {
  double x[T * F * C], weight[C * K * K], bias[C], g[T_OUT * F_OUT * C];
  double depthwise;
} Numbers;

static double loss(void *context) {
  Numbers *n = context;
  double y[T_OUT * F_OUT * C], sum = 0;
  ref_conv2d_forward(y, n->x, n->weight, n->bias, T, T_OUT, small, n->depthwise > 0);
  for (int i = 0; i < T_OUT * F_OUT * C; i++) sum += n->g[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {0};
  for (int depthwise = 0; depthwise <= 1; depthwise++) {
    Numbers n;
    double *numbers = (double *)&n, dx[T * F * C], dweight[C * K * K] = {0}, dbias[C] = {0};
    for (size_t i = 0; i < sizeof n / sizeof(double); i++) numbers[i] = ops_random(&t);
    n.depthwise = depthwise;
    ref_conv2d_backward(dx, dweight, dbias, n.g, n.x, n.weight, T, T_OUT, small, depthwise);
    ops_differences("conv2d dx", dx, n.x, (size_t)(T * F * (depthwise ? C : 1)), loss, &n);
    ops_differences("conv2d dweight", dweight, n.weight, C * K * K, loss, &n);
    ops_differences("conv2d dbias", dbias, n.bias, C, loss, &n);
  }
}

/* Ten utterances of 6 s, as the front sees them: 80 bins, then 40, then 20. */
static void bench_channels(Ops *t, int channels) {
  int frames[3][10], bins[3] = {80, 40, 20};
  Rows rows[3];
  for (int i = 0; i < 3; i++) {
    for (int u = 0; u < 10; u++) frames[i][u] = 600 >> i;
    rows[i] = ops_rows(t, 10, frames[i], 0);
  }
  Conv2dShape first = {.F_in = 80, .F_out = 40, .C = channels, .K = 3, .stride = 2}, second = first;
  second.F_in = 40, second.F_out = 20;
  size_t n[3] = {(size_t)(rows[0].R * bins[0]), (size_t)(rows[1].R * bins[1] * channels),
                 (size_t)(rows[2].R * bins[2] * channels)};
  float *x = ops_input(t, "x", n[0])->data, *y = ops_input(t, "y", n[1])->data,
        *dy = ops_input(t, "dy", n[1])->data;
  float *z = ops_input(t, "z", n[2])->data, *weight = ops_input(t, "weight", (size_t)(9 * channels))->data;
  float *dweight = ops_input(t, "dweight", (size_t)(9 * channels))->data;
  float *bias = ops_input(t, "bias", (size_t)channels)->data;
  char shape[64];
  snprintf(shape, sizeof shape, "10 x 600 frames, C=%d", channels);
  double bytes[3], flops[3];
  for (int i = 0; i < 3; i++) bytes[i] = 4 * (double)n[i], flops[i] = 18 * (double)n[i];
  for (OpsTimer timer = ops_timer(t, "conv2d_forward", shape, bytes[0] + bytes[1], flops[1]);
       ops_again(&timer);)
    t->backend->conv2d_forward(t->stream, y, x, weight, bias, rows[0], rows[1], first);
  for (OpsTimer timer = ops_timer(t, "conv2d_backward", shape, bytes[0] + bytes[1], flops[1]);
       ops_again(&timer);)
    t->backend->conv2d_backward(t->stream, dweight, bias, y, x, rows[0], rows[1], first);
  for (OpsTimer timer = ops_timer(t, "depthwise_conv2d_forward", shape, bytes[1] + bytes[2], flops[2]);
       ops_again(&timer);)
    t->backend->depthwise_conv2d_forward(t->stream, z, y, weight, bias, rows[1], rows[2], second);
  for (OpsTimer timer =
           ops_timer(t, "depthwise_conv2d_backward", shape, 2 * bytes[1] + bytes[2], 2 * flops[2]);
       ops_again(&timer);)
    t->backend->depthwise_conv2d_backward(t->stream, dy, dweight, bias, z, y, weight, rows[1], rows[2],
                                          second);
  for (OpsTimer timer = ops_timer(t, "transpose_inner", shape, 2 * bytes[2], 0); ops_again(&timer);)
    t->backend->transpose_inner(t->stream, dy, z, rows[2].R, bins[2], channels);
}

static void bench(Ops *t) {
  bench_channels(t, 64);
  bench_channels(t, 256);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),          cmocka_unit_test(test_plain_forward),
      cmocka_unit_test(test_plain_backward),     cmocka_unit_test(test_depthwise_forward),
      cmocka_unit_test(test_depthwise_backward), cmocka_unit_test(test_transpose),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
