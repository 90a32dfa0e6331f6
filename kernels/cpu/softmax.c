#include "kernels/softmax.h"

#include "kernels/cpu/math.h"
#include "kernels/cpu/parallel.h"

static float row_max(const float *x, int C) {
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int c = 0; c < C; c++) most = x[c] > most ? x[c] : most;
  return most;
}

void cpu_softmax_forward(Stream *stream, void *y, const void *x, int R, int C) {
  (void)stream;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *in = (const float *)x + (size_t)r * (size_t)C;
    float *out = (float *)y + (size_t)r * (size_t)C;
    float most = row_max(in, C);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < C; c++) {
      out[c] = fast_exp(in[c] - most);
      sum += (double)out[c];
    }
    float scale = (float)(1 / sum);
#pragma omp simd
    for (int c = 0; c < C; c++) out[c] *= scale;
  }
}

void cpu_softmax_backward(Stream *stream, void *dx, const void *dy, const void *y, int R, int C) {
  (void)stream;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *g = (const float *)dy + (size_t)r * (size_t)C,
                *out = (const float *)y + (size_t)r * (size_t)C;
    float *dg = (float *)dx + (size_t)r * (size_t)C;
    double dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int c = 0; c < C; c++) dot += (double)g[c] * (double)out[c];
    float shift = (float)dot;
#pragma omp simd
    for (int c = 0; c < C; c++) dg[c] = out[c] * (g[c] - shift);
  }
}

void cpu_log_softmax_forward(Stream *stream, float *y, const void *x, int R, int C) {
  (void)stream;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *in = (const float *)x + (size_t)r * (size_t)C;
    float *out = y + (size_t)r * (size_t)C;
    float most = row_max(in, C);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < C; c++) sum += (double)fast_exp(in[c] - most);
    float log_sum = (float)log(sum); // cppcheck-suppress invalidFunctionArg ; of C > 0 the largest adds 1
#pragma omp simd
    for (int c = 0; c < C; c++) out[c] = in[c] - most - log_sum;
  }
}

void cpu_log_softmax_backward(Stream *stream, void *dx, const float *dy, const float *y, int R, int C) {
  (void)stream;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *g = dy + (size_t)r * (size_t)C, *out = y + (size_t)r * (size_t)C;
    float *dg = (float *)dx + (size_t)r * (size_t)C;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < C; c++) sum += (double)g[c];
    float total = (float)sum;
#pragma omp simd
    for (int c = 0; c < C; c++) dg[c] = g[c] - fast_exp(out[c]) * total;
  }
}
