#include "kernels/gemm.h"

#include <stdbool.h>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/stream.h"

enum {
  TILE_ROWS = 24,      /* of the result, one task each: few enough to balance, enough to use a panel well */
  WEIGHT_DEPTH = 4096, /* rows of x packed at a time for the weights' gradient */
  PARALLEL_PRODUCT = 65536 /* multiplications below which one thread does it alone */
};

static bool worth_sharing(int M, int N, int K) { return (double)M * N * K > PARALLEL_PRODUCT; }

static int least(int a, int b) { return a < b ? a : b; }

/* c (I, J) = start + a (I, D) b (D, J); b's element (d, j) at b[d * depth_stride + j * column_stride], start
 * (J) or NULL. */
static void product(Stream *stream, float *c, const float *start, const float *a, const float *b,
                    size_t depth_stride, size_t column_stride, int I, int J, int D) {
  int panels = (int)tile_count((size_t)J, PRODUCT_COLUMNS), tiles = (int)tile_count((size_t)I, TILE_ROWS);
  size_t panel_size = panel_floats((size_t)D);
  float *packed = stream_scratch(stream, (size_t)panels * panel_size * sizeof *packed);
#pragma omp parallel if (worth_sharing(I, J, D))
  {
#pragma omp for schedule(static)
    for (int p = 0; p < panels; p++)
      product_pack(packed + (size_t)p * panel_size, b + (size_t)p * PRODUCT_COLUMNS * column_stride,
                   depth_stride, column_stride, D, least(J - p * PRODUCT_COLUMNS, PRODUCT_COLUMNS));
#pragma omp for schedule(dynamic)
    for (int t = 0; t < tiles; t++) {
      size_t row = (size_t)t * TILE_ROWS;
      product_panels(c + row * (size_t)J, (size_t)J, start, 0, a + row * (size_t)D, (size_t)D, 1, packed,
                     panel_size, least(I - (int)row, TILE_ROWS), J, D);
    }
  }
}

void cpu_gemm_forward(Stream *stream, void *y, const void *x, const void *w, const float *bias, int M, int N,
                      int K) {
  if (M) product(stream, y, bias, x, w, 1, (size_t)K, M, N, K);
}

void cpu_gemm_backward_input(Stream *stream, void *dx, const void *dy, const void *w, int M, int N, int K) {
  if (M) product(stream, dx, NULL, dy, w, (size_t)K, 1, M, K, N);
}

/* Rows first .. first + D - 1 of dy^T x, and of the sums of dy, added to rows n .. n + rows - 1 of dw and
 * dbias. */
static void weight_tile(float *dw, float *dbias, const float *dy, const float *packed, int n, int rows, int D,
                        int N, int K) {
  float columns[PRODUCT_DEPTH * TILE_ROWS]; /* of dy, side by side */
  double sum[TILE_ROWS] = {0};
  size_t panel_size = panel_floats((size_t)D);
  for (int d = 0; d < D; d += PRODUCT_DEPTH) {
    int depth = least(D - d, PRODUCT_DEPTH);
    for (int m = 0; m < depth; m++)
      for (int i = 0; i < rows; i++) {
        float g = dy[(size_t)(d + m) * (size_t)N + (size_t)(n + i)];
        columns[m * TILE_ROWS + i] = g;
        sum[i] += (double)g;
      }
    float *c = dw + (size_t)n * (size_t)K;
    product_panels(c, (size_t)K, c, (size_t)K, columns, 1, TILE_ROWS, packed + panel_floats((size_t)d),
                   panel_size, rows, K, depth);
  }
  if (dbias)
    for (int i = 0; i < rows; i++) dbias[n + i] = (float)((double)dbias[n + i] + sum[i]);
}

void cpu_gemm_backward_weight(Stream *stream, float *dw, float *dbias, const void *dy, const void *x, int M,
                              int N, int K) {
  int panels = (int)tile_count((size_t)K, PRODUCT_COLUMNS), tiles = (int)tile_count((size_t)N, TILE_ROWS);
  for (int first = 0; first < M; first += WEIGHT_DEPTH) {
    int D = least(M - first, WEIGHT_DEPTH);
    size_t panel_size = panel_floats((size_t)D);
    float *packed = stream_scratch(stream, (size_t)panels * panel_size * sizeof *packed);
    const float *x_here = (const float *)x + (size_t)first * (size_t)K;
    const float *dy_here = (const float *)dy + (size_t)first * (size_t)N;
#pragma omp parallel if (worth_sharing(D, N, K))
    {
#pragma omp for schedule(static)
      for (int p = 0; p < panels; p++)
        product_pack(packed + (size_t)p * panel_size, x_here + p * PRODUCT_COLUMNS, (size_t)K, 1, D,
                     least(K - p * PRODUCT_COLUMNS, PRODUCT_COLUMNS));
#pragma omp for schedule(dynamic)
      for (int t = 0; t < tiles; t++)
        weight_tile(dw, dbias, dy_here, packed, t * TILE_ROWS, least(N - t * TILE_ROWS, TILE_ROWS), D, N, K);
    }
  }
}
