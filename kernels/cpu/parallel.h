/* How the CPU's operations share work among threads, so that no bit depends on how many there are:
 *
 *   1. Work is cut into tiles by a fixed size, or by one that follows from the shape; never by the thread
 * count.
 *   2. `#pragma omp parallel for schedule(static)` runs over tiles; a tile's result depends on its index
 * alone.
 *   3. A sum over rows goes either by columns (each tile owns columns and walks all rows in order) or by
 * tiles of rows that leave partial sums in scratch, one place a tile, added in the tiles' order afterwards.
 *   4. No `reduction` clause, no atomics, no per-thread sums. (On `omp simd` a reduction is welcome: it lets
 * the compiler keep several sums, always the same ones.) */
#ifndef JARGON_KERNELS_CPU_PARALLEL_H
#define JARGON_KERNELS_CPU_PARALLEL_H

#include <string.h>

#include "kernels/types.h"

enum {
  TILE_ELEMENTS = 16384, /* of an operation element by element: 64 KiB a tensor */
  PARALLEL_MIN = 32768,  /* elements below which waking a thread costs more than it saves */
};

/* Tiles that cover n. */
static inline size_t tile_count(size_t n, size_t tile) { return (n + tile - 1) / tile; }

/* Elements of tile `index`. */
static inline size_t tile_size(size_t n, size_t tile, size_t index) {
  size_t left = n - index * tile;
  return left < tile ? left : tile;
}

/* Rows of C channels to a tile. */
static inline size_t tile_rows(int C) { return C < TILE_ELEMENTS ? (size_t)(TILE_ELEMENTS / C) : 1; }

/* Rows offsets[U] .. R - 1 of y (R, width) become 0. */
static inline void zero_spare_rows(float *y, Rows rows, size_t width) {
  size_t used = (size_t)rows.offsets[rows.U];
  memset(y + used * width, 0, sizeof(float) * ((size_t)rows.R - used) * width);
}

/* The utterance of a row that is not spare; empty utterances have no rows. */
static inline int row_utterance(const Rows *rows, int row) {
  int low = 0, high = rows->U; /* offsets[low] <= row < offsets[high] */
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (rows->offsets[middle] <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

#endif
