/* kernels/cpu/product.h: every width of vectors gives the bits of one chain of fused multiply-adds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/product.h"
#include "tests/ops/ops.h"

enum { MARGIN = 19, CANARY = 1234567 };

/* What the start is: nothing, c itself, one row for all, or a matrix of its own. */
typedef enum Start { START_ZERO, START_SELF, START_ROW, START_MATRIX, STARTS } Start;

typedef struct Problem {
  int rows, columns, depth;
  bool a_transposed, b_transposed;
  Start start;
} Problem;

static float *numbers(Ops *t, size_t n) {
  float *x = malloc((n + 1) * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; i++) x[i] = (float)ops_random(t);
  return x;
}

static void check(Ops *t, Product *product, const char *name, Problem p) {
  size_t rows = (size_t)p.rows, columns = (size_t)p.columns, depth = (size_t)p.depth,
         c_stride = columns + MARGIN;
  float *a = numbers(t, rows * depth), *b = numbers(t, depth * columns), *own = numbers(t, rows * columns);
  float *c = numbers(t, rows * c_stride), *want = malloc(rows * c_stride * sizeof *want);
  size_t row_stride = p.a_transposed ? 1 : depth, depth_stride = p.a_transposed ? rows : 1;
  size_t b_depth = p.b_transposed ? 1 : columns, b_column = p.b_transposed ? depth : 1;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = columns; j < c_stride; j++) c[i * c_stride + j] = CANARY;
  memcpy(want, c, rows * c_stride * sizeof *want);
  const float *start = p.start == START_ZERO ? NULL : p.start == START_SELF ? c : own;
  size_t start_stride = p.start == START_SELF ? c_stride : p.start == START_ROW ? 0 : columns;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      float total = start ? start[i * start_stride + j] : 0;
      for (size_t first = 0; first < depth; first += PRODUCT_DEPTH) {
        float sum = 0;
        for (size_t d = first; d < depth && d < first + PRODUCT_DEPTH; d++)
          sum = fmaf(a[i * row_stride + d * depth_stride], b[d * b_depth + j * b_column], sum);
        total += sum;
      }
      want[i * c_stride + j] = total;
    }
  float *packed = malloc(packed_floats(p.depth, p.columns) * sizeof *packed + 1);
  product_pack_all(packed, b, b_depth, b_column, p.depth, p.columns);
  for (size_t j = columns; j % PRODUCT_COLUMNS; j++)
    for (size_t d = 0; d < depth; d++)
      assert_true(packed[(j / PRODUCT_COLUMNS * depth + d) * PRODUCT_COLUMNS + j % PRODUCT_COLUMNS] == 0);
  product(c, c_stride, start, start_stride, a, row_stride, depth_stride, packed, panel_floats(depth), p.rows,
          p.columns, p.depth);
  for (size_t i = 0; i < rows * c_stride; i++)
    if (memcmp(&c[i], &want[i], sizeof *c) != 0)
      fail_msg("%s, %d x %d, depth %d, start %d: row %zu, column %zu is %.9g, want %.9g", name, p.rows,
               p.columns, p.depth, (int)p.start, i / c_stride, i % c_stride, (double)c[i], (double)want[i]);
  free(packed), free(a), free(b), free(own), free(c), free(want);
}

static void check_all(Product *product, const char *name) {
  static const int depths[] = {0, 1, 7, 8, 36, 255, 256, 257, 513};
  Ops t = {.random = 7};
  for (int rows = 1; rows <= 25; rows++)
    for (int columns = 1; columns <= 50; columns += columns < 34 ? 1 : 15) {
      int turn = rows * 7 + columns;
      check(&t, product, name,
            (Problem){rows, columns, depths[turn % 9], turn % 2, turn / 2 % 2, (Start)(turn % STARTS)});
    }
  for (int d = 0; d < 9; d++)
    for (int start = 0; start < STARTS; start++)
      for (int layout = 0; layout < 4; layout++)
        check(&t, product, name, (Problem){13, 44, depths[d], layout % 2, layout / 2, (Start)start});
}

static void test_avx2(void **state) {
  (void)state;
  check_all(product_avx2, "avx2");
}

static void test_avx512(void **state) {
  (void)state;
  if (!product_wide()) {
    fprintf(stderr, "SKIPPED: this CPU has no AVX-512\n");
    skip();
  }
  check_all(product_avx512, "avx512");
}

static void test_choice(void **state) {
  (void)state;
  char why[256] = "";
  setenv("JARGON_CPU", "avx2", 1);
  assert_true(product_choose(why, sizeof why));
  assert_string_equal(product_describe(), "AVX2");
  assert_ptr_equal(product_panels, product_avx2);
  setenv("JARGON_CPU", "sse", 1);
  assert_false(product_choose(why, sizeof why));
  assert_non_null(strstr(why, "\"sse\""));
  unsetenv("JARGON_CPU");
  assert_true(product_choose(why, sizeof why));
  assert_ptr_equal(product_panels, product_wide() ? product_avx512 : product_avx2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_avx2), cmocka_unit_test(test_avx512),
                                     cmocka_unit_test(test_choice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
