#include "kernels/layernorm.h"

#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/device.cuh"

enum { ROWS = 4, THREADS = ROWS * WARP }; /* a warp a row */

/* y = (x - mean) rstd gamma + beta; the variance about the mean, in a second pass. A warp a row, lanes along
 * the channels; blocks of 4 warps, no shared memory. Bytes: R C read (twice more from the cache), R C
 * written, 8 R of statistics. Any R, C; y may be x. */
template <typename T>
__global__ void layernorm_forward_kernel(T *y, float *mean, float *rstd, const T *x, const float *gamma,
                                         const float *beta, int R, int C, float eps) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP, lane = threadIdx.x % WARP;
  if (r >= R) return; /* whole warps leave */
  const T *in = x + (size_t)r * C;
  float sum = 0, squares = 0;
  for (int c = lane; c < C; c += WARP) sum += load(in + c);
  float middle = warp_sum(sum) / C;
  for (int c = lane; c < C; c += WARP) {
    float d = load(in + c) - middle;
    squares += d * d;
  }
  float scale = 1 / sqrtf(warp_sum(squares) / C + eps);
  for (int c = lane; c < C; c += WARP)
    store(y + (size_t)r * C + c, (load(in + c) - middle) * scale * gamma[c] + beta[c]);
  if (lane == 0 && mean) mean[r] = middle;
  if (lane == 0 && rstd) rstd[r] = scale;
}

/* With n = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean(g) - n mean(g n)). Threads as forward.
 * Bytes: 2 R C read (again from the cache), R C written. Any R, C; dx may be dy. */
template <typename T>
__global__ void layernorm_backward_kernel(T *dx, const T *dy, const T *x, const float *mean,
                                          const float *rstd, const float *gamma, int R, int C) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP, lane = threadIdx.x % WARP;
  if (r >= R) return;
  size_t at = (size_t)r * C;
  float middle = mean[r], scale = rstd[r], sum = 0, dot = 0;
  for (int c = lane; c < C; c += WARP) {
    float n = (load(x + at + c) - middle) * scale, g = load(dy + at + c) * gamma[c];
    sum += g;
    dot += g * n;
  }
  float sum_mean = warp_sum(sum) / C, dot_mean = warp_sum(dot) / C;
  for (int c = lane; c < C; c += WARP) {
    float n = (load(x + at + c) - middle) * scale, g = load(dy + at + c) * gamma[c];
    store(dx + at + c, scale * (g - sum_mean - n * dot_mean));
  }
}

/* What row r adds to dgamma[c] and dbeta[c]. */
template <typename T> struct LayernormTerms {
  static constexpr int COUNT = 2;
  const T *dy, *x;
  const float *mean, *rstd;
  int C;
  __device__ void operator()(double *terms, int r, int c) const {
    size_t at = (size_t)r * C + c;
    float g = load(dy + at);
    terms[0] += g * (load(x + at) - mean[r]) * rstd[r];
    terms[1] += g;
  }
};

struct LayernormGradients {
  float *dgamma, *dbeta;
  __device__ void operator()(const double *sums, int c) const {
    dgamma[c] = (float)(dgamma[c] + sums[0]);
    dbeta[c] = (float)(dbeta[c] + sums[1]);
  }
};

template <typename T>
static void layernorm_forward_launch(Stream *stream, void *y, float *mean, float *rstd, const void *x,
                                     const float *gamma, const float *beta, int R, int C, float eps) {
  if (!R) return;
  layernorm_forward_kernel<T><<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>(
      (T *)y, mean, rstd, (const T *)x, gamma, beta, R, C, eps);
  CUDA_LAUNCHED();
}

template <typename T>
static void layernorm_backward_launch(Stream *stream, void *dx, float *dgamma, float *dbeta, const void *dy,
                                      const void *x, const float *mean, const float *rstd, const float *gamma,
                                      int R, int C) {
  if (!R) return;
  LayernormTerms<T> terms = {(const T *)dy, (const T *)x, mean, rstd, C};
  columns_sum(stream, terms, LayernormGradients{dgamma, dbeta}, NULL, R, C); /* before dx, which may be dy */
  layernorm_backward_kernel<T><<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>(
      (T *)dx, (const T *)dy, (const T *)x, mean, rstd, gamma, R, C);
  CUDA_LAUNCHED();
}

CUDA_TWINS(layernorm_forward,
           (Stream * stream, void *y, float *mean, float *rstd, const void *x, const float *gamma,
            const float *beta, int R, int C, float eps),
           (stream, y, mean, rstd, x, gamma, beta, R, C, eps))
CUDA_TWINS(layernorm_backward,
           (Stream * stream, void *dx, float *dgamma, float *dbeta, const void *dy, const void *x,
            const float *mean, const float *rstd, const float *gamma, int R, int C),
           (stream, dx, dgamma, dbeta, dy, x, mean, rstd, gamma, R, C))
