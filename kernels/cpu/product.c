#include "kernels/cpu/product.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/lanes.h"

Product *product_panels = product_avx2;

bool product_wide(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

bool product_choose(char *why, size_t why_size) {
  const char *wanted = getenv("JARGON_CPU");
  bool narrow = wanted && strcmp(wanted, "avx2") == 0, wide = wanted && strcmp(wanted, "avx512") == 0;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return snprintf(why, why_size, "the CPU backend needs AVX2 and FMA, which this CPU lacks"), false;
  if (wanted && !narrow && !wide)
    return snprintf(why, why_size, "JARGON_CPU is \"%s\": it may be avx2 or avx512", wanted), false;
  if (wide && !product_wide())
    return snprintf(why, why_size, "JARGON_CPU is avx512, which this CPU lacks: unset it"), false;
  product_panels = product_wide() && !narrow ? product_avx512 : product_avx2;
  return true;
}

const char *product_describe(void) { return product_panels == product_avx512 ? "AVX-512" : "AVX2"; }

/* Exchanges element j of row i and element i of row j, for all i and j. */
static inline void transpose(Lanes row[LANES]) {
  for (int i = 0; i < LANES; i += 2) {
    Lanes a = row[i], b = row[i + 1];
    row[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    row[i + 1] = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < LANES; i += i % 4 == 1 ? 3 : 1) {
    Lanes a = row[i], b = row[i + 2];
    row[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
    row[i + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < LANES / 2; i++) {
    Lanes a = row[i], b = row[i + 4];
    row[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    row[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/* Columns j .. j + 7 of the panel, each of them contiguous in b. */
static void pack_eight(float *panel, const float *b, size_t column_stride, int depth) {
  int d = 0;
  for (; d + LANES <= depth; d += LANES) {
    Lanes row[LANES];
    for (int j = 0; j < LANES; j++) row[j] = lanes_load(b + (size_t)j * column_stride + d, LANES);
    transpose(row);
    for (int i = 0; i < LANES; i++) lanes_store(panel + panel_floats((size_t)(d + i)), row[i], LANES);
  }
  for (; d < depth; d++)
    for (int j = 0; j < LANES; j++)
      panel[panel_floats((size_t)d) + (size_t)j] = b[(size_t)j * column_stride + (size_t)d];
}

void product_pack(float *panel, const float *b, size_t depth_stride, size_t column_stride, int depth,
                  int columns) {
  assert(depth_stride == 1 || column_stride == 1);
  if (columns < PRODUCT_COLUMNS) memset(panel, 0, panel_floats((size_t)depth) * sizeof *panel);
  if (column_stride == 1) {
    for (int d = 0; d < depth; d++) {
      float *to = panel + panel_floats((size_t)d);
      const float *from = b + (size_t)d * depth_stride;
      if (columns == PRODUCT_COLUMNS)
        memcpy(to, from, PRODUCT_COLUMNS * sizeof *to);
      else
        for (int j = 0; j < columns; j++) to[j] = from[j];
    }
    return;
  }
  int j = 0;
  for (; j + LANES <= columns; j += LANES)
    pack_eight(panel + j, b + (size_t)j * column_stride, column_stride, depth);
  for (; j < columns; j++)
    for (int d = 0; d < depth; d++)
      panel[panel_floats((size_t)d) + (size_t)j] = b[(size_t)d + (size_t)j * column_stride];
}

void product_pack_all(float *packed, const float *b, size_t depth_stride, size_t column_stride, int depth,
                      int columns) {
  for (int j = 0; j < columns; j += PRODUCT_COLUMNS)
    product_pack(packed + packed_floats(depth, j), b + (size_t)j * column_stride, depth_stride, column_stride,
                 depth, columns - j < PRODUCT_COLUMNS ? columns - j : PRODUCT_COLUMNS);
}
