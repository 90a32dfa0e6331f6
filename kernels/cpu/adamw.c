#include "kernels/adamw.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

void cpu_gradient_norm(Stream *stream, float *norm, const float *g, const AdamwSegment *segments, int count) {
  size_t tiles = 0;
  for (int s = 0; s < count; s++) tiles += tile_count(segments[s].count, TILE_ELEMENTS);
  double *squares =
      stream_scratch(stream, tiles * sizeof *squares); /* of each tile of each segment, in order */
#pragma omp parallel
  {
    size_t done = 0;
    for (int s = 0; s < count; s++) {
      size_t here = tile_count(segments[s].count, TILE_ELEMENTS);
#pragma omp for schedule(static) nowait
      for (size_t t = 0; t < here; t++) {
        const float *part = g + segments[s].offset + t * TILE_ELEMENTS;
        size_t n = segments[s].lr_scale == 0 ? 0 : tile_size(segments[s].count, TILE_ELEMENTS, t);
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++) sum += (double)part[i] * (double)part[i];
        squares[done + t] = sum;
      }
      done += here;
    }
  }
  double sum = 0;
  for (size_t t = 0; t < tiles; t++) sum += squares[t];
  *norm = (float)sqrt(sum);
}

/* What is the same for all elements of a segment. */
typedef struct Update {
  float beta1, beta2, eps;
  float clip;   /* factor of the gradient */
  float rate;   /* lr_s / (1 - beta1^n) */
  float second; /* 1 / sqrt(1 - beta2^n) */
  float shrink; /* lr_s decay_s */
} Update;

static void update(float *w, float *w_copy, float *m, float *v, const float *g, size_t n, Update u) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * u.clip;
    m[i] = u.beta1 * m[i] + (1 - u.beta1) * gradient;
    v[i] = u.beta2 * v[i] + (1 - u.beta2) * gradient * gradient;
    w[i] -= u.rate * m[i] / (sqrtf(v[i]) * u.second + u.eps) + u.shrink * w[i];
  }
  if (w_copy) memcpy(w_copy, w, n * sizeof *w);
}

void cpu_adamw_step(Stream *stream, float *w, void *w_copy, float *m, float *v, const float *g,
                    const float *norm, const Tally *tally, const AdamwSegment *segments, int count,
                    AdamwConfig config) {
  (void)stream;
  if (!tally->updated) return;
  double clip = config.clip > 0 ? fmin(1, (double)config.clip / ((double)*norm + 1e-6)) : 1;
  double updates = (double)tally->updates, first = 1 - pow((double)config.beta1, updates),
         second = 1 - pow((double)config.beta2, updates);
#pragma omp parallel
  for (int s = 0; s < count; s++) {
    double lr = (double)config.lr * (double)segments[s].lr_scale;
    Update u = {.beta1 = config.beta1,
                .beta2 = config.beta2,
                .eps = config.eps,
                .clip = (float)clip,
                .rate = (float)(lr / first),
                .second = (float)(1 / sqrt(second)),
                .shrink = (float)(lr * (double)segments[s].decay)};
#pragma omp for schedule(static) nowait
    for (size_t t = 0; t < tile_count(segments[s].count, TILE_ELEMENTS); t++) {
      size_t at = segments[s].offset + t * TILE_ELEMENTS, n = tile_size(segments[s].count, TILE_ELEMENTS, t);
      float *copy = w_copy ? (float *)w_copy + at : NULL;
      if (segments[s].lr_scale != 0)
        update(w + at, copy, m + at, v + at, g + at, n, u);
      else if (copy)
        memcpy(copy, w + at, n * sizeof *w);
    }
  }
}
