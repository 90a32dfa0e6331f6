/* The inner product of kernels/cpu/gemm.c, serial: c = start + a b over packed panels of b.
 *
 * It is our own and not BLAS because a row must get the same bits wherever it stands. Each element here is
 * one chain of fused multiply-adds over the depth, in steps of PRODUCT_DEPTH, whichever row or column of a
 * tile it falls on. OpenBLAS 0.3.21 (core type Zen or Haswell) gives a row other bits by its place within a
 * call of more than 8 rows. */
#ifndef JARGON_KERNELS_CPU_PRODUCT_H
#define JARGON_KERNELS_CPU_PRODUCT_H

#include <stddef.h>

enum {
  PRODUCT_ROWS = 6,     /* of the tile that stays in registers ... */
  PRODUCT_COLUMNS = 16, /* ... and its columns: one panel of b */
  PRODUCT_DEPTH = 256, /* summed before it is added to c: a panel of it fills half of the first-level cache */
};

/* Floats that one packed panel takes. */
static inline size_t panel_floats(size_t depth) { return depth * PRODUCT_COLUMNS; }

/* Packs columns 0 .. columns - 1 (at most PRODUCT_COLUMNS; the rest become 0) of b, element (d, j) at
 * b[d * depth_stride + j * column_stride]. */
void product_pack(float *panel, const float *b, size_t depth_stride, size_t column_stride, int depth,
                  int columns);

/* c[i * c_stride + j] = start[i * start_stride + j] + sum over d of a[i * row_stride + d * depth_stride]
 * panel(d, j), i < rows, j < columns. start may be c, or NULL for zeros; start_stride 0 gives every row the
 * same start. */
void product_panel(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
                   size_t row_stride, size_t depth_stride, const float *panel, int rows, int columns,
                   int depth);

#endif
