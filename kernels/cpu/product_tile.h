/* The tile of the product, compiled once for each vector width: the including file sets WIDTH, the floats of
 * a vector, TILE_ROWS, and NAME, the function's. Whatever the width, an element is the same chain of fused
 * multiply-adds: the bits are the same. */
#include "kernels/cpu/product.h"

#include <immintrin.h>
#include <stdint.h>

typedef float Vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/* The first n lanes; the rest are 0, or not stored. */
#if WIDTH == 16
static inline Vector vector_load(const float *x, int n) {
  return (Vector)_mm512_maskz_loadu_ps((__mmask16)((1U << n) - 1), x);
}

static inline void vector_store(float *y, Vector v, int n) {
  _mm512_mask_storeu_ps(y, (__mmask16)((1U << n) - 1), (__m512)v);
}
#else
static inline __m256i mask_of(int n) {
  static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(const void *)(lanes + 8 - n));
}

static inline Vector vector_load(const float *x, int n) {
  return n == WIDTH ? *(const Vector *)x : (Vector)_mm256_maskload_ps(x, mask_of(n));
}

static inline void vector_store(float *y, Vector v, int n) {
  if (n == WIDTH)
    *(Vector *)y = v;
  else
    _mm256_maskstore_ps(y, mask_of(n), (__m256)v);
}
#endif

/* c (rows, columns) = start + a b, columns of at most `vectors` vectors, which stand `gap` floats apart in b.
 * Inlined with constant `rows` and `vectors`, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void tile(float *c, size_t c_stride, const float *start,
                                                       size_t start_stride, const float *a, size_t row_stride,
                                                       size_t depth_stride, const float *b, size_t gap,
                                                       int rows, int vectors, int columns, int depth) {
  Vector sum[TILE_ROWS][2] = {0};
  for (int d = 0; d < depth; d++, a += depth_stride, b += PRODUCT_COLUMNS) {
    Vector low = *(const Vector *)b, high = vectors > 1 ? *(const Vector *)(b + gap) : low;
    for (int i = 0; i < rows; i++) {
      float x = a[(size_t)i * row_stride];
      sum[i][0] += x * low;
      if (vectors > 1) sum[i][1] += x * high;
    }
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) {
      int n = columns - v * WIDTH < WIDTH ? columns - v * WIDTH : WIDTH;
      if (start) sum[i][v] += vector_load(start + (size_t)i * start_stride + v * WIDTH, n);
      vector_store(c + (size_t)i * c_stride + v * WIDTH, sum[i][v], n);
    }
}

static void tile_of(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
                    size_t row_stride, size_t depth_stride, const float *b, size_t gap, int rows, int columns,
                    int depth) {
#define ROWS(n)                                                                                              \
  case n:                                                                                                    \
    if (columns > WIDTH)                                                                                     \
      tile(c, c_stride, start, start_stride, a, row_stride, depth_stride, b, gap, n, 2, columns, depth);     \
    else                                                                                                     \
      tile(c, c_stride, start, start_stride, a, row_stride, depth_stride, b, gap, n, 1, columns, depth);     \
    break;
  switch (rows) {
    ROWS(1)
    ROWS(2)
    ROWS(3)
    ROWS(4)
    ROWS(5)
    ROWS(6)
#if TILE_ROWS > 6
    ROWS(7)
    ROWS(8)
    ROWS(9)
    ROWS(10)
    ROWS(11)
    ROWS(12)
#endif
  }
#undef ROWS
}

void NAME(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
          size_t row_stride, size_t depth_stride, const float *b, size_t panel_size, int rows, int columns,
          int depth) {
  size_t gap = WIDTH < PRODUCT_COLUMNS ? WIDTH : panel_size;
  for (int d = 0; d == 0 || d < depth; d += PRODUCT_DEPTH) {
    int here = depth - d < PRODUCT_DEPTH ? depth - d : PRODUCT_DEPTH;
    for (int j = 0; j < columns; j += 2 * WIDTH)
      for (int i = 0; i < rows; i += TILE_ROWS) {
        float *to = c + (size_t)i * c_stride + j;
        const float *from = d ? to : start ? start + (size_t)i * start_stride + j : NULL;
        tile_of(to, c_stride, from, d ? c_stride : start_stride,
                a + (size_t)i * row_stride + (size_t)d * depth_stride, row_stride, depth_stride,
                b + (size_t)(j / PRODUCT_COLUMNS) * panel_size + panel_floats((size_t)d), gap,
                rows - i < TILE_ROWS ? rows - i : TILE_ROWS,
                columns - j < 2 * WIDTH ? columns - j : 2 * WIDTH, here);
      }
  }
}
