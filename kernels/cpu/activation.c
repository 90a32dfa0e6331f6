#include "kernels/activation.h"

#include "kernels/cpu/math.h"
#include "kernels/cpu/parallel.h"

/* `y[i] = value` for all i < n, in tiles; `omp simd` because y may be an input. */
#define FOR_EACH(n, assignment)                                                                              \
  _Pragma("omp parallel for schedule(static) if (n > PARALLEL_MIN)") for (size_t tile = 0;                   \
                                                                          tile <                             \
                                                                          tile_count(n, TILE_ELEMENTS);      \
                                                                          tile++) {                          \
    size_t first = tile * TILE_ELEMENTS, last = first + tile_size(n, TILE_ELEMENTS, tile);                   \
    _Pragma("omp simd") for (size_t i = first; i < last; i++) assignment;                                    \
  }

void cpu_relu_forward(Stream *stream, void *y, const void *x, size_t n) {
  (void)stream;
  const float *in = x;
  float *out = y;
  FOR_EACH(n, out[i] = in[i] < 0 ? 0 : in[i])
}

void cpu_relu_backward(Stream *stream, void *dx, const void *dy, const void *y, size_t n) {
  (void)stream;
  const float *g = dy, *out = y;
  float *dg = dx;
  FOR_EACH(n, dg[i] = out[i] > 0 ? g[i] : 0)
}

void cpu_silu_forward(Stream *stream, void *y, const void *x, size_t n) {
  (void)stream;
  const float *in = x;
  float *out = y;
  FOR_EACH(n, out[i] = in[i] * fast_sigmoid(in[i]))
}

/* d(x s) = s (1 + x (1 - s)) */
static inline float silu_slope(float x) {
  float s = fast_sigmoid(x);
  return s * (1 + x * (1 - s));
}

void cpu_silu_backward(Stream *stream, void *dx, const void *dy, const void *x, size_t n) {
  (void)stream;
  const float *g = dy, *in = x;
  float *dg = dx;
  FOR_EACH(n, dg[i] = g[i] * silu_slope(in[i]))
}

void cpu_glu_forward(Stream *stream, void *y, const void *x, int R, int C) {
  (void)stream;
  size_t width = (size_t)C;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *a = (const float *)x + (size_t)r * 2 * width, *b = a + width;
    float *out = (float *)y + (size_t)r * width;
#pragma omp simd
    for (size_t c = 0; c < width; c++) out[c] = a[c] * fast_sigmoid(b[c]);
  }
}

void cpu_glu_backward(Stream *stream, void *dx, const void *dy, const void *x, int R, int C) {
  (void)stream;
  size_t width = (size_t)C;
#pragma omp parallel for schedule(static) if ((double)R * C > PARALLEL_MIN)
  for (int r = 0; r < R; r++) {
    const float *a = (const float *)x + (size_t)r * 2 * width, *b = a + width;
    const float *g = (const float *)dy + (size_t)r * width;
    float *da = (float *)dx + (size_t)r * 2 * width, *db = da + width;
#pragma omp simd
    for (size_t c = 0; c < width; c++) {
      float s = fast_sigmoid(b[c]);
      float ds = g[c] * a[c] * s * (1 - s);
      da[c] = g[c] * s;
      db[c] = ds;
    }
  }
}
