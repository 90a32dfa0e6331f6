/* The inner product of the linear layers and of attention, serial: c = start + a b over packed panels of b.
 *
 * It is our own and not a BLAS because a row must get the same bits wherever it stands, on every machine, and
 * in every thread. Each element here is one chain of fused multiply-adds over the depth, in steps of
 * PRODUCT_DEPTH, whichever row or column of a tile it falls on and whatever the width of the vectors.
 * OpenBLAS 0.3.21 gives a row other bits by its place within a call and by the CPU's type, and Debian's
 * serial flavour of it lets concurrent calls spoil each other's results. */
#ifndef JARGON_KERNELS_CPU_PRODUCT_H
#define JARGON_KERNELS_CPU_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

enum {
  PRODUCT_COLUMNS = 16, /* of one panel of b */
  PRODUCT_DEPTH = 256, /* summed before it is added to c: a panel of it fills half of the first-level cache */
};

/* Floats that one packed panel takes. */
static inline size_t panel_floats(size_t depth) { return depth * PRODUCT_COLUMNS; }

/* Floats of all the panels of b (depth, columns). */
static inline size_t packed_floats(int depth, int columns) {
  return panel_floats((size_t)depth) * (size_t)((columns + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS);
}

/* Packs columns 0 .. columns - 1 (at most PRODUCT_COLUMNS; the rest become 0) of b, element (d, j) at
 * b[d * depth_stride + j * column_stride], one of the strides being 1. */
void product_pack(float *panel, const float *b, size_t depth_stride, size_t column_stride, int depth,
                  int columns);

/* All panels of b (depth, columns), one after the other. */
void product_pack_all(float *packed, const float *b, size_t depth_stride, size_t column_stride, int depth,
                      int columns);

/* c[i * c_stride + j] = start[i * start_stride + j] + sum over d of a[i * row_stride + d * depth_stride] b(d,
 * j), i < rows, j < columns. Column 0 of b is the first of a panel; panels stand panel_size floats apart.
 * start may be c, or NULL for zeros; start_stride 0 gives every row the same start. */
typedef void Product(float *c, size_t c_stride, const float *start, size_t start_stride, const float *a,
                     size_t row_stride, size_t depth_stride, const float *b, size_t panel_size, int rows,
                     int columns, int depth);

/* The two twins, and the one that product_choose() chose. */
Product product_avx2, product_avx512;
extern Product *product_panels;

/* Whether this CPU has what product_avx512 wants. */
bool product_wide(void);

/* Chooses the widest vectors of this CPU, or those that the variable JARGON_CPU names: avx2 or avx512. False,
 * with the reason in `why`, when it has not even AVX2. */
bool product_choose(char *why, size_t why_size);
const char *product_describe(void); /* AVX2 or AVX-512 */

#endif
