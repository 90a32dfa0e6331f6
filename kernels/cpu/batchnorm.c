/* Batch norm. Sums over rows go by tiles of rows: each leaves its sums over the channels in scratch, in
 * double, and they are added in the tiles' order. The variance is taken about the mean, in a second pass. */
#include "kernels/batchnorm.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

enum { TILE_ROWS = 64 };

static int row_tiles(int N) { return (N + TILE_ROWS - 1) / TILE_ROWS; }

static int tile_end(int tile, int N) { return (tile + 1) * TILE_ROWS < N ? (tile + 1) * TILE_ROWS : N; }

/* sums[0][:] += the sums of the tiles after it. */
static void add_tiles(double *sums, int tiles, size_t width) {
  for (int tile = 1; tile < tiles; tile++)
    for (size_t c = 0; c < width; c++) sums[c] += sums[(size_t)tile * width + c];
}

/* sums (tiles, C): sums[0] = sum over rows of x. */
static void sum_rows(double *sums, const float *x, int N, int C) {
  int tiles = row_tiles(N);
#pragma omp parallel for schedule(static)
  for (int tile = 0; tile < tiles; tile++) {
    double *sum = sums + (size_t)tile * (size_t)C;
    memset(sum, 0, sizeof(double) * (size_t)C);
    for (int r = tile * TILE_ROWS; r < tile_end(tile, N); r++) {
      const float *row = x + (size_t)r * (size_t)C;
#pragma omp simd
      for (int c = 0; c < C; c++) sum[c] += (double)row[c];
    }
  }
  add_tiles(sums, tiles, (size_t)C);
}

/* sums (tiles, C): sums[0] = sum over rows of (x - mean)^2. */
static void sum_squares(double *sums, const float *x, const double *mean, int N, int C) {
  int tiles = row_tiles(N);
#pragma omp parallel for schedule(static)
  for (int tile = 0; tile < tiles; tile++) {
    double *sum = sums + (size_t)tile * (size_t)C;
    memset(sum, 0, sizeof(double) * (size_t)C);
    for (int r = tile * TILE_ROWS; r < tile_end(tile, N); r++) {
      const float *row = x + (size_t)r * (size_t)C;
#pragma omp simd
      for (int c = 0; c < C; c++) {
        double d = (double)row[c] - mean[c];
        sum[c] += d * d;
      }
    }
  }
  add_tiles(sums, tiles, (size_t)C);
}

/* y = (x - mean) rstd gamma + beta. */
static void normalise(float *y, const float *x, const float *mean, const float *rstd, const float *gamma,
                      const float *beta, int N, int C) {
#pragma omp parallel for schedule(static)
  for (int r = 0; r < N; r++) {
    const float *from = x + (size_t)r * (size_t)C;
    float *to = y + (size_t)r * (size_t)C;
#pragma omp simd
    for (int c = 0; c < C; c++) to[c] = (from[c] - mean[c]) * rstd[c] * gamma[c] + beta[c];
  }
}

void cpu_batchnorm_forward(Stream *stream, void *y, float *mean, float *rstd, float *running_mean,
                           float *running_var, const void *x, const float *gamma, const float *beta,
                           Rows rows, int C, float eps, float momentum) {
  int N = rows.offsets[rows.U], tiles = row_tiles(N) > 0 ? row_tiles(N) : 1;
  double *sums = stream_scratch(stream, sizeof(double) * (size_t)(tiles + 1) * (size_t)C);
  double *centre = sums + (size_t)tiles * (size_t)C;
  zero_spare_rows(y, rows, (size_t)C);
  if (N == 0) {
    memset(mean, 0, sizeof(float) * (size_t)C);
    memset(rstd, 0, sizeof(float) * (size_t)C);
    return;
  }

  sum_rows(sums, x, N, C);
  for (int c = 0; c < C; c++) {
    centre[c] = sums[c] / N;
    mean[c] = (float)centre[c];
  }
  sum_squares(sums, x, centre, N, C);
  for (int c = 0; c < C; c++) {
    double var = sums[c] / N;
    rstd[c] = (float)(1.0 / sqrt(var + (double)eps));
    if (running_mean) running_mean[c] += momentum * (mean[c] - running_mean[c]);
    if (running_var) running_var[c] += momentum * ((float)(N > 1 ? sums[c] / (N - 1) : var) - running_var[c]);
  }
  normalise(y, x, mean, rstd, gamma, beta, N, C);
}

/* xhat = (x - mean) rstd; dgamma = sum dy xhat; dbeta = sum dy;
 * dx = gamma rstd (dy - dbeta / N - xhat dgamma / N), with this batch's sums. */
void cpu_batchnorm_backward(Stream *stream, void *dx_, float *dgamma, float *dbeta, const void *dy_,
                            const void *x_, const float *mean, const float *rstd, const float *gamma,
                            Rows rows, int C) {
  float *dx = dx_;
  const float *dy = dy_, *x = x_;
  int N = rows.offsets[rows.U], tiles = row_tiles(N);
  size_t width = 2 * (size_t)C; /* the sums of dy, then those of dy xhat */
  zero_spare_rows(dx, rows, (size_t)C);
  if (N == 0) return;
  double *sums = stream_scratch(stream, sizeof(double) * (size_t)tiles * width + sizeof(float) * width);
  float *mean_dy = (float *)(void *)(sums + (size_t)tiles * width), *mean_dy_xhat = mean_dy + C;

#pragma omp parallel for schedule(static)
  for (int tile = 0; tile < tiles; tile++) {
    double *sum_dy = sums + (size_t)tile * width, *sum_dy_xhat = sum_dy + C;
    memset(sum_dy, 0, sizeof(double) * width);
    for (int r = tile * TILE_ROWS; r < tile_end(tile, N); r++) {
      const float *x_row = x + (size_t)r * (size_t)C, *dy_row = dy + (size_t)r * (size_t)C;
#pragma omp simd
      for (int c = 0; c < C; c++) {
        sum_dy[c] += (double)dy_row[c];
        sum_dy_xhat[c] += (double)(dy_row[c] * (x_row[c] - mean[c]) * rstd[c]);
      }
    }
  }
  add_tiles(sums, tiles, width);
  for (int c = 0; c < C; c++) {
    dbeta[c] += (float)sums[c];
    dgamma[c] += (float)sums[C + c];
    mean_dy[c] = (float)(sums[c] / N);
    mean_dy_xhat[c] = (float)(sums[C + c] / N);
  }

#pragma omp parallel for schedule(static)
  for (int r = 0; r < N; r++) {
    const float *x_row = x + (size_t)r * (size_t)C, *dy_row = dy + (size_t)r * (size_t)C;
    float *to = dx + (size_t)r * (size_t)C;
#pragma omp simd
    for (int c = 0; c < C; c++) {
      float xhat = (x_row[c] - mean[c]) * rstd[c];
      to[c] = gamma[c] * rstd[c] * (dy_row[c] - mean_dy[c] - xhat * mean_dy_xhat[c]);
    }
  }
}

void cpu_batchnorm_infer(Stream *stream, void *y, const void *x, const float *gamma, const float *beta,
                         const float *running_mean, const float *running_var, Rows rows, int C, float eps) {
  float *rstd = stream_scratch(stream, sizeof(float) * (size_t)C);
  for (int c = 0; c < C; c++) rstd[c] = 1.0f / sqrtf(running_var[c] + eps);
  zero_spare_rows(y, rows, (size_t)C);
  normalise(y, x, running_mean, rstd, gamma, beta, rows.offsets[rows.U], C);
}
