#include "kernels/dropout.h"

#include <assert.h>
#include <string.h>

#include "kernels/cpu/parallel.h"
#include "kernels/random.h"

/* y = x + factor h where a channel is kept, x (or 0, when x is NULL) where not. threshold 0 keeps all. */
static void row_forward(float *y, const float *x, const float *h, int C, float factor, uint32_t threshold,
                        uint64_t row) {
  if (!threshold && x) {
#pragma omp simd
    for (int c = 0; c < C; c++) y[c] = x[c] + factor * h[c];
  } else if (!threshold) {
#pragma omp simd
    for (int c = 0; c < C; c++) y[c] = factor * h[c];
  } else if (x) {
#pragma omp simd
    for (int c = 0; c < C; c++)
      y[c] = x[c] + (random_bits(row, (uint32_t)c) >= threshold ? factor * h[c] : 0);
  } else {
#pragma omp simd
    for (int c = 0; c < C; c++) y[c] = random_bits(row, (uint32_t)c) >= threshold ? factor * h[c] : 0;
  }
}

static void forward(float *y, const float *x, const float *h, Rows rows, int C, float scale, float p,
                    RandomKey key) {
  assert(p >= 0 && p < 1);
  uint32_t threshold = random_threshold(p);
  float factor = threshold ? scale / (1 - p) : scale;
  size_t tile = tile_rows(C), tiles = tile_count((size_t)rows.R, tile), width = (size_t)C;
  int real = rows.offsets[rows.U];
#pragma omp parallel for schedule(static) if ((double)rows.R * C > PARALLEL_MIN)
  for (size_t t = 0; t < tiles; t++) {
    int first = (int)(t * tile), last = first + (int)tile_size((size_t)rows.R, tile, t);
    int u = first < real ? row_utterance(&rows, first) : 0;
    for (int r = first; r < last; r++) {
      float *out = y + (size_t)r * width;
      if (r >= real) {
        memset(out, 0, width * sizeof *out);
        continue;
      }
      while (r >= rows.offsets[u + 1]) u++;
      uint64_t row = threshold ? random_row(key.seed, key.step, key.site, key.utterances[u],
                                            (uint32_t)(r - rows.offsets[u]))
                               : 0;
      row_forward(out, x ? x + (size_t)r * width : NULL, h + (size_t)r * width, C, factor, threshold, row);
    }
  }
}

void cpu_dropout(Stream *stream, void *y, const void *h, Rows rows, int C, float p, RandomKey key) {
  (void)stream;
  forward(y, NULL, h, rows, C, 1, p, key);
}

void cpu_residual_forward(Stream *stream, void *y, const void *x, const void *h, Rows rows, int C,
                          float scale, float p, RandomKey key) {
  (void)stream;
  forward(y, x, h, rows, C, scale, p, key);
}

void cpu_residual_backward(Stream *stream, void *dh, const void *dy, Rows rows, int C, float scale, float p,
                           RandomKey key) {
  (void)stream;
  forward(dh, NULL, dy, rows, C, scale, p, key);
}

void cpu_add(Stream *stream, void *y, const void *a, const void *b, size_t n) {
  (void)stream;
  const float *left = a, *right = b;
  float *out = y;
#pragma omp parallel for simd schedule(static) if (n > PARALLEL_MIN)
  for (size_t i = 0; i < n; i++) out[i] = left[i] + right[i];
}

void cpu_scale(Stream *stream, void *y, const void *x, float scale, size_t n) {
  (void)stream;
  const float *in = x;
  float *out = y;
#pragma omp parallel for simd schedule(static) if (n > PARALLEL_MIN)
  for (size_t i = 0; i < n; i++) out[i] = scale * in[i];
}
