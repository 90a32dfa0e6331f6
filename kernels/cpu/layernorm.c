#include "kernels/layernorm.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

void cpu_layernorm_forward(Stream *stream, void *y, float *mean, float *rstd, const void *x,
                           const float *gamma, const float *beta, int R, int C, float eps) {
  (void)stream;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *in = (const float *)x + (size_t)r * (size_t)C;
    float *out = (float *)y + (size_t)r * (size_t)C;
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < C; c++) sum += (double)in[c];
    float middle = (float)(sum / C);
#pragma omp simd reduction(+ : squares)
    for (int c = 0; c < C; c++) squares += (double)((in[c] - middle) * (in[c] - middle));
    float scale = (float)(1 / sqrt(squares / C + (double)eps));
#pragma omp simd
    for (int c = 0; c < C; c++) out[c] = (in[c] - middle) * scale * gamma[c] + beta[c];
    if (mean) mean[r] = middle;
    if (rstd) rstd[r] = scale;
  }
}

/* One row, with n = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean(g) - n mean(g n)). */
static void row_backward(float *dx, double *dgamma, double *dbeta, const float *dy, const float *x,
                         float mean, float rstd, const float *gamma, int C) {
  double sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
  for (int c = 0; c < C; c++) {
    float n = (x[c] - mean) * rstd, g = dy[c] * gamma[c];
    sum += (double)g;
    dot += (double)(g * n);
    dgamma[c] += (double)(dy[c] * n);
    dbeta[c] += (double)dy[c];
  }
  float sum_mean = (float)(sum / C), dot_mean = (float)(dot / C);
#pragma omp simd
  for (int c = 0; c < C; c++) {
    float n = (x[c] - mean) * rstd;
    dx[c] = rstd * (dy[c] * gamma[c] - sum_mean - n * dot_mean);
  }
}

void cpu_layernorm_backward(Stream *stream, void *dx, float *dgamma, float *dbeta, const void *dy,
                            const void *x, const float *mean, const float *rstd, const float *gamma, int R,
                            int C) {
  enum { TILE = 128 };
  size_t tiles = tile_count((size_t)R, TILE), width = (size_t)C;
  double *sums =
      stream_scratch(stream, tiles * 2 * width * sizeof *sums); /* (tiles, 2, C): of dgamma, of dbeta */
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (size_t t = 0; t < tiles; t++) {
    double *dgamma_sum = sums + t * 2 * width, *dbeta_sum = dgamma_sum + width;
    memset(dgamma_sum, 0, 2 * width * sizeof *sums);
    size_t first = t * TILE, last = first + tile_size((size_t)R, TILE, t);
    for (size_t r = first; r < last; r++)
      row_backward((float *)dx + r * width, dgamma_sum, dbeta_sum, (const float *)dy + r * width,
                   (const float *)x + r * width, mean[r], rstd[r], gamma, C);
  }
  for (size_t t = 1; t < tiles; t++)
    for (size_t i = 0; i < 2 * width; i++) sums[i] += sums[t * 2 * width + i];
  for (size_t c = 0; tiles && c < width; c++) {
    dgamma[c] = (float)((double)dgamma[c] + sums[c]);
    dbeta[c] = (float)((double)dbeta[c] + sums[width + c]);
  }
}
