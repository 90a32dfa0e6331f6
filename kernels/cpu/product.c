#include "kernels/cpu/product.h"

#include <string.h>

#include "kernels/cpu/lanes.h"

void product_pack(float *panel, const float *b, size_t depth_stride, size_t column_stride, int depth,
                  int columns) {
  if (columns < PRODUCT_COLUMNS) memset(panel, 0, panel_floats((size_t)depth) * sizeof *panel);
  if (column_stride == 1) {
    for (int d = 0; d < depth; d++)
      memcpy(panel + panel_floats((size_t)d), b + (size_t)d * depth_stride, (size_t)columns * sizeof *b);
    return;
  }
  for (int j = 0; j < columns; j++)
    for (int d = 0; d < depth; d++)
      panel[panel_floats((size_t)d) + (size_t)j] = b[(size_t)d * depth_stride + (size_t)j * column_stride];
}

/* One tile. Inlined with constant `rows`, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void tile(float *c, size_t c_stride, const float *start,
                                                       size_t start_stride, const float *a, size_t row_stride,
                                                       size_t depth_stride, const float *panel, int rows,
                                                       int columns, int depth) {
  Lanes sum[PRODUCT_ROWS][2] = {0};
  for (int d = 0; d < depth; d++, a += depth_stride, panel += PRODUCT_COLUMNS) {
    Lanes low = lanes_load(panel, LANES), high = lanes_load(panel + LANES, LANES);
    for (int i = 0; i < rows; i++) {
      Lanes x = lanes_all(a[(size_t)i * row_stride]);
      sum[i][0] += x * low;
      sum[i][1] += x * high;
    }
  }
  int n[2] = {columns < LANES ? columns : LANES, columns < LANES ? 0 : columns - LANES};
  for (int i = 0; i < rows; i++)
    for (int half = 0; half < 2; half++) {
      Lanes total = sum[i][half];
      if (start) total += lanes_load(start + (size_t)i * start_stride + half * LANES, n[half]);
      lanes_store(c + (size_t)i * c_stride + half * LANES, total, n[half]);
    }
}

static void tile_columns(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
                         size_t row_stride, size_t depth_stride, const float *panel, int rows, int columns,
                         int depth) {
#define ROWS(n)                                                                                              \
  case n:                                                                                                    \
    tile(c, c_stride, start, start_stride, a, row_stride, depth_stride, panel, n, columns, depth);           \
    break
  switch (rows) {
    ROWS(1);
    ROWS(2);
    ROWS(3);
    ROWS(4);
    ROWS(5);
    ROWS(6);
  }
#undef ROWS
}

void product_panel(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
                   size_t row_stride, size_t depth_stride, const float *panel, int rows, int columns,
                   int depth) {
  for (int d = 0; d == 0 || d < depth; d += PRODUCT_DEPTH) {
    int step = depth - d < PRODUCT_DEPTH ? depth - d : PRODUCT_DEPTH;
    for (int i = 0; i < rows; i += PRODUCT_ROWS) {
      int here = rows - i < PRODUCT_ROWS ? rows - i : PRODUCT_ROWS;
      const float *from = d ? c + (size_t)i * c_stride : start ? start + (size_t)i * start_stride : NULL;
      tile_columns(c + (size_t)i * c_stride, c_stride, from, d ? c_stride : start_stride,
                   a + (size_t)i * row_stride + (size_t)d * depth_stride, row_stride, depth_stride,
                   panel + panel_floats((size_t)d), here, columns, step);
    }
  }
}
