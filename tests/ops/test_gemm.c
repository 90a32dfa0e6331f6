#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_gemm.h"

/* Widths of the result, around the edges of the registers' tile and of the row tile. */
static const int widths[] = {1, 7, 16, 33, 128};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void forward_case(Ops *t, const Shape *shape) {
  int M = t->rows.R, K = shape->C;
  size_t rows = (size_t)M;
  for (int i = 0; i < WIDTHS; i++) {
    int N = widths[i];
    Tensor *x = ops_input(t, "x", rows * K), *w = ops_input(t, "w", (size_t)N * K),
           *bias = ops_input(t, "bias", N);
    Tensor *y = ops_output(t, "y", rows * N), *y_plain = ops_output(t, "y without bias", rows * N);
    t->backend->gemm_forward(t->stream, y->data, x->data, w->data, bias->data, M, N, K);
    t->backend->gemm_forward(t->stream, y_plain->data, x->data, w->data, NULL, M, N, K);
    ref_gemm_forward(y->want, x->want, w->want, bias->want, M, N, K);
    ref_gemm_forward(y_plain->want, x->want, w->want, NULL, M, N, K);
  }
}

static void backward_case(Ops *t, const Shape *shape) {
  int M = t->rows.R, K = shape->C;
  size_t rows = (size_t)M;
  for (int i = 0; i < WIDTHS; i++) {
    int N = widths[i];
    Tensor *x = ops_input(t, "x", rows * K), *w = ops_input(t, "w", (size_t)N * K);
    Tensor *dy = ops_input(t, "dy", rows * N), *dx = ops_output(t, "dx", rows * K);
    Tensor *dw = ops_updated(t, "dw", (size_t)N * K), *dbias = ops_updated(t, "dbias", N);
    Tensor *dw_alone = ops_updated(t, "dw without dbias", (size_t)N * K);
    t->backend->gemm_backward_input(t->stream, dx->data, dy->data, w->data, M, N, K);
    t->backend->gemm_backward_weight(t->stream, dw->data, dbias->data, dy->data, x->data, M, N, K);
    t->backend->gemm_backward_weight(t->stream, dw_alone->data, NULL, dy->data, x->data, M, N, K);
    ref_gemm_backward_input(dx->want, dy->want, w->want, M, N, K);
    ref_gemm_backward_weight(dw->want, dbias->want, dy->want, x->want, M, N, K);
    ref_gemm_backward_weight(dw_alone->want, NULL, dy->want, x->want, M, N, K);
  }
}

static void test_forward(void **state) {
  (void)state;
  ops_run("gemm forward", forward_case);
}

static void test_backward(void **state) {
  (void)state;
  ops_run("gemm backward", backward_case);
}

/* More rows than the weights' gradient packs at once, and than one call of cuBLASLt gets. */
static void deep_case(Ops *t, const Shape *shape) {
  int M = shape == ops_shapes ? 66000 : 9001, N = 5, K = 19;
  Tensor *x = ops_input(t, "x", (size_t)M * K), *dy = ops_input(t, "dy", (size_t)M * N);
  Tensor *dw = ops_updated(t, "dw", (size_t)N * K), *dbias = ops_updated(t, "dbias", N);
  t->backend->gemm_backward_weight(t->stream, dw->data, dbias->data, dy->data, x->data, M, N, K);
  ref_gemm_backward_weight(dw->want, dbias->want, dy->want, x->want, M, N, K);
}

static void test_deep(void **state) {
  (void)state;
  ops_run("gemm backward, many rows", deep_case);
}

/* M equal rows must give M equal rows, the same whatever M is: a row's bits depend on neither its place nor
 * M. */
static void check_places(Ops *t, int N, int K, const int *counts, int count) {
  Tensor *row = ops_input(t, "row", K), *w = ops_input(t, "w", (size_t)N * K);
  size_t most = (size_t)counts[count - 1];
  float *x = ops_host(t, sizeof *x * most * (size_t)K), *alone[2] = {NULL, NULL};
  for (size_t m = 0; m < most; m++) memcpy(x + m * (size_t)K, row->initial, sizeof *x * (size_t)K);
  float *x_data = ops_bytes(t, "x", x, sizeof *x * most * (size_t)K);
  for (int i = 0; i < count; i++)
    for (int input = 0; input < 2;
         input++) { /* dx = dy w of a w (K, N) is the same product with w transposed */
      int M = counts[i];
      Tensor *y = ops_output(t, "y", (size_t)M * N);
      if (input)
        t->backend->gemm_backward_input(t->stream, y->data, x_data, w->data, M, K, N);
      else
        t->backend->gemm_forward(t->stream, y->data, x_data, w->data, NULL, M, N, K);
      float *got = ops_download(t, y->data, y->n);
      if (M == 1) alone[input] = got;
      for (int m = 0; m < M; m++)
        if (memcmp(got + (size_t)m * N, alone[input], sizeof *got * (size_t)N) != 0)
          fail_msg("N = %d, K = %d, M = %d: row %d has other bits than the same row alone", N, K, M, m);
      if (input)
        ref_gemm_backward_input(y->want, row->want, w->want, 1, K, N);
      else
        ref_gemm_forward(y->want, row->want, w->want, NULL, 1, N, K);
      for (int m = 1; m < M; m++) memcpy(y->want + (size_t)m * N, y->want, sizeof *y->want * (size_t)N);
    }
}

static void places_case(Ops *t, const Shape *shape) {
  static const int sizes[][2] = {{1, 1},    {5, 3},     {12, 400},  {13, 257},  {16, 256}, {33, 31},
                                 {128, 80}, {128, 640}, {144, 576}, {401, 128}, {512, 128}};
  static const int counts[] = {1, 2, 3, 5, 6, 7, 16, 23, 24, 25, 48, 53, 101};
  int pick = (int)(shape - ops_shapes) % (int)(sizeof sizes / sizeof *sizes);
  check_places(t, sizes[pick][0], sizes[pick][1], counts, sizeof counts / sizeof *counts);
}

/* Whole tiles of 256 rows, a tail, and more rows than one call of cuBLASLt gets. */
static void far_places_case(Ops *t, const Shape *shape) {
  static const struct {
    int N, K, counts[5];
  } cases[] = {{5, 3, {1, 255, 256, 257, 1025}},
               {16, 32, {1, 512, 2048, 2049, 4096}},
               {33, 31, {1, 300, 2047, 2304, 2305}},
               {64, 96, {1, 256, 600, 1100, 2600}},
               {3, 2, {1, 2, 65536, 65537, 66000}}};
  int at = (int)(shape - ops_shapes), pick = at < (int)(sizeof cases / sizeof *cases) ? at : 0;
  check_places(t, cases[pick].N, cases[pick].K, cases[pick].counts, 5);
}

static void test_far_places(void **state) {
  (void)state;
  ops_run("gemm, a row's place among many", far_places_case);
}

static void test_places(void **state) {
  (void)state;
  assert_true(ops_shape_count >= 11); /* every size above has its turn */
  ops_run("gemm, a row's place", places_case);
}

static void bench(Ops *t) {
  static const int sizes[][2] = {{512, 128}, {128, 512},  {128, 128}, {256, 128},
                                 {576, 144}, {1024, 256}, {401, 128}, {128, 640}};
  static const int rows[] = {200, 1000, 3000};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      int M = rows[r], N = sizes[s][0], K = sizes[s][1];
      char shape[64];
      snprintf(shape, sizeof shape, "M=%d N=%d K=%d", M, N, K);
      Tensor *x = ops_input(t, "x", (size_t)M * K), *y = ops_input(t, "y", (size_t)M * N);
      Tensor *w = ops_input(t, "w", (size_t)N * K), *bias = ops_input(t, "bias", N);
      double flops = 2.0 * M * N * K, bytes = 4.0 * ((double)M * K + (double)M * N + (double)N * K);
      for (OpsTimer timer = ops_timer(t, "gemm_forward", shape, bytes, flops); ops_again(&timer);)
        t->backend->gemm_forward(t->stream, y->data, x->data, w->data, bias->data, M, N, K);
      for (OpsTimer timer = ops_timer(t, "gemm_backward_input", shape, bytes, flops); ops_again(&timer);)
        t->backend->gemm_backward_input(t->stream, x->data, y->data, w->data, M, N, K);
      for (OpsTimer timer = ops_timer(t, "gemm_backward_weight", shape, bytes, flops); ops_again(&timer);)
        t->backend->gemm_backward_weight(t->stream, w->data, bias->data, y->data, x->data, M, N, K);
    }
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forward), cmocka_unit_test(test_backward),
                                     cmocka_unit_test(test_deep), cmocka_unit_test(test_places),
                                     cmocka_unit_test(test_far_places)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
