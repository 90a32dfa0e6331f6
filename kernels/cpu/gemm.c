#include "kernels/gemm.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/stream.h"

enum {
  WEIGHT_COLUMNS = 256, /* of a tile of the weights' gradient */
  TILE_ROWS = 48,       /* of the result, one task each: few enough to balance, enough to use a panel well */
  WEIGHT_DEPTH =
      2 * PRODUCT_DEPTH,   /* rows of x packed at a time for the weights' gradient: in the second cache */
  PACK_DEPTH = 32,         /* of them one task each: read along, not across */
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

/* Rows n .. n + rows - 1, columns k .. of dw += dy^T x, of D rows of dy and x (packed), and sum += those rows
 * of dy. */
static void weight_tile(float *dw, double *sum, const float *dy, const float *packed, int n, int rows, int k,
                        int D, int N, int K) {
  float columns[PRODUCT_DEPTH * TILE_ROWS] = {0}; /* of dy, side by side */
  for (int d = 0; d < D; d += PRODUCT_DEPTH) {
    int depth = least(D - d, PRODUCT_DEPTH);
    for (int m = 0; m < depth; m++) {
      const float *from = dy + (size_t)(d + m) * (size_t)N + (size_t)n;
      if (rows == TILE_ROWS)
        memcpy(columns + m * TILE_ROWS, from, TILE_ROWS * sizeof *columns);
      else
        for (int i = 0; i < rows; i++) columns[m * TILE_ROWS + i] = from[i];
      if (k) continue; /* the sums once */
#pragma omp simd
      for (int i = 0; i < TILE_ROWS; i++) sum[i] += (double)columns[m * TILE_ROWS + i];
    }
    float *c = dw + (size_t)n * (size_t)K + k;
    product_panels(c, (size_t)K, c, (size_t)K, columns, 1, TILE_ROWS,
                   packed + packed_floats(D, k) + panel_floats((size_t)d), panel_floats((size_t)D), rows,
                   least(K - k, WEIGHT_COLUMNS), depth);
  }
}

/* packed = D rows of x, by the threads of the team. */
static void pack_rows(float *packed, const float *x, int D, int K) {
#pragma omp for schedule(static)
  for (int d = 0; d < D; d += PACK_DEPTH)
    for (int k = 0; k < K; k += PRODUCT_COLUMNS)
      product_pack(packed + packed_floats(D, k) + panel_floats((size_t)d), x + (size_t)d * (size_t)K + k,
                   (size_t)K, 1, least(D - d, PACK_DEPTH), least(K - k, PRODUCT_COLUMNS));
}

void cpu_gemm_backward_weight(Stream *stream, float *dw, float *dbias, const void *dy, const void *x, int M,
                              int N, int K) {
  size_t tiles = tile_count((size_t)N, TILE_ROWS);
  double *sums =
      stream_scratch(stream, tiles * TILE_ROWS * sizeof *sums +
                                 packed_floats(WEIGHT_DEPTH, K) * sizeof(float)); /* of dy's columns */
  float *packed = (float *)(void *)(sums + tiles * TILE_ROWS);
  memset(sums, 0, tiles * TILE_ROWS * sizeof *sums);
#pragma omp parallel if (worth_sharing(M, N, K))
  for (int first = 0; first < M; first += WEIGHT_DEPTH) {
    int D = least(M - first, WEIGHT_DEPTH);
    const float *dy_here = (const float *)dy + (size_t)first * (size_t)N;
    pack_rows(packed, (const float *)x + (size_t)first * (size_t)K, D, K);
#pragma omp for schedule(dynamic) collapse(2)
    for (size_t t = 0; t < tiles; t++)
      for (int k = 0; k < K; k += WEIGHT_COLUMNS)
        weight_tile(dw, sums + t * TILE_ROWS, dy_here, packed, (int)t * TILE_ROWS,
                    least(N - (int)t * TILE_ROWS, TILE_ROWS), k, D, N, K);
  }
  for (int n = 0; dbias && n < N; n++) dbias[n] = (float)((double)dbias[n] + sums[n]);
}
