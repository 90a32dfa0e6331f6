/* Batch norm. Statistics go through columns.cuh: tiles of rows, in double, of the real rows alone (N =
 * offsets[U], which only the device knows). The variance is taken about the mean, in a second pass. */
#include "kernels/batchnorm.h"

#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/device.cuh"

enum { THREADS = 256 };

/* ---- forward ---- */

template <typename T> struct MeanTerms {
  static constexpr int COUNT = 1;
  const T *x;
  int C;
  __device__ void operator()(double *sums, int r, int c) const { sums[0] += load(x + (size_t)r * C + c); }
};

/* centre: the mean in double. */
struct MeanFinish {
  double *centre;
  float *mean, *running_mean;
  const int32_t *rows;
  float momentum;
  __device__ void operator()(const double *sums, int c) const {
    int N = *rows;
    centre[c] = N ? sums[0] / N : 0;
    mean[c] = (float)centre[c];
    if (running_mean && N) running_mean[c] += momentum * (mean[c] - running_mean[c]);
  }
};

template <typename T> struct VarianceTerms {
  static constexpr int COUNT = 1;
  const T *x;
  const double *centre;
  int C;
  __device__ void operator()(double *sums, int r, int c) const {
    double d = load(x + (size_t)r * C + c) - centre[c];
    sums[0] += d * d;
  }
};

struct VarianceFinish {
  float *rstd, *running_var;
  const int32_t *rows;
  float eps, momentum;
  __device__ void operator()(const double *sums, int c) const {
    int N = *rows;
    double var = N ? sums[0] / N : 0;
    rstd[c] = N ? (float)(1 / sqrt(var + (double)eps)) : 0;
    if (running_var && N)
      running_var[c] += momentum * ((float)(N > 1 ? sums[0] / (N - 1) : var) - running_var[c]);
  }
};

/* y = (x - mean) scale gamma + beta, scale = statistic, or 1 / sqrt(statistic + eps) when it is a variance;
 * spare rows become 0. An element a thread; blocks of 256, no shared memory. Bytes: R C read and written. Any
 * R, C; y may be x. */
template <typename T>
__global__ void batchnorm_apply_kernel(T *y, const T *x, const float *mean, const float *statistic,
                                       bool variance, const float *gamma, const float *beta,
                                       const int32_t *rows, size_t n, int C, float eps) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  int c = (int)(i % C);
  float scale = variance ? 1 / sqrtf(statistic[c] + eps) : statistic[c];
  bool real = i / C < (size_t)*rows;
  store(y + i, real ? (load(x + i) - mean[c]) * scale * gamma[c] + beta[c] : 0);
}

template <typename T>
static void batchnorm_forward_launch(Stream *stream, void *y, float *mean, float *rstd, float *running_mean,
                                     float *running_var, const void *x, const float *gamma, const float *beta,
                                     Rows rows, int C, float eps, float momentum) {
  const T *in = (const T *)x;
  const int32_t *real = rows.offsets + rows.U;
  size_t n = (size_t)rows.R * C, partial_count = columns_scratch<MeanTerms<T>>(rows.R, C);
  double *partial = (double *)cuda_scratch(stream, (partial_count + C) * sizeof *partial),
         *centre = partial + partial_count;
  columns_sum_in(partial, stream, MeanTerms<T>{in, C}, MeanFinish{centre, mean, running_mean, real, momentum},
                 real, rows.R, C);
  columns_sum_in(partial, stream, VarianceTerms<T>{in, centre, C},
                 VarianceFinish{rstd, running_var, real, eps, momentum}, real, rows.R, C);
  if (!n) return;
  batchnorm_apply_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>(
      (T *)y, in, mean, rstd, false, gamma, beta, real, n, C, eps);
  CUDA_LAUNCHED();
}

/* ---- backward ---- */

template <typename T> struct BatchnormTerms {
  static constexpr int COUNT = 2;
  const T *dy, *x;
  const float *mean, *rstd;
  int C;
  __device__ void operator()(double *sums, int r, int c) const {
    size_t at = (size_t)r * C + c;
    float g = load(dy + at);
    sums[0] += g;
    sums[1] += g * (load(x + at) - mean[c]) * rstd[c];
  }
};

/* means (2, C): of dy, and of dy xhat. */
struct BatchnormGradients {
  float *dgamma, *dbeta, *means;
  const int32_t *rows;
  int C;
  __device__ void operator()(const double *sums, int c) const {
    int N = *rows;
    dbeta[c] += (float)sums[0];
    dgamma[c] += (float)sums[1];
    means[c] = N ? (float)(sums[0] / N) : 0;
    means[C + c] = N ? (float)(sums[1] / N) : 0;
  }
};

/* With xhat = (x - mean) rstd: dx = gamma rstd (dy - mean(dy) - xhat mean(dy xhat)); spare rows become 0. An
 * element a thread; blocks of 256, no shared memory. Bytes: 2 R C read, R C written. Any R, C; dx may be dy.
 */
template <typename T>
__global__ void batchnorm_backward_kernel(T *dx, const T *dy, const T *x, const float *mean,
                                          const float *rstd, const float *gamma, const float *means,
                                          const int32_t *rows, size_t n, int C) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  int c = (int)(i % C);
  float xhat = (load(x + i) - mean[c]) * rstd[c], g = load(dy + i);
  store(dx + i, i / C < (size_t)*rows ? gamma[c] * rstd[c] * (g - means[c] - xhat * means[C + c]) : 0);
}

template <typename T>
static void batchnorm_backward_launch(Stream *stream, void *dx, float *dgamma, float *dbeta, const void *dy,
                                      const void *x, const float *mean, const float *rstd, const float *gamma,
                                      Rows rows, int C) {
  size_t n = (size_t)rows.R * C, partial_count = columns_scratch<BatchnormTerms<T>>(rows.R, C);
  if (!n) return;
  double *partial =
      (double *)cuda_scratch(stream, partial_count * sizeof *partial + 2 * (size_t)C * sizeof(float));
  float *means = (float *)(partial + partial_count);
  const int32_t *real = rows.offsets + rows.U;
  columns_sum_in(partial, stream, BatchnormTerms<T>{(const T *)dy, (const T *)x, mean, rstd, C},
                 BatchnormGradients{dgamma, dbeta, means, real, C}, real, rows.R, C);
  batchnorm_backward_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>(
      (T *)dx, (const T *)dy, (const T *)x, mean, rstd, gamma, means, real, n, C);
  CUDA_LAUNCHED();
}

/* ---- inference ---- */

template <typename T>
static void batchnorm_infer_launch(Stream *stream, void *y, const void *x, const float *gamma,
                                   const float *beta, const float *running_mean, const float *running_var,
                                   Rows rows, int C, float eps) {
  size_t n = (size_t)rows.R * C;
  if (!n) return;
  batchnorm_apply_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>(
      (T *)y, (const T *)x, running_mean, running_var, true, gamma, beta, rows.offsets + rows.U, n, C, eps);
  CUDA_LAUNCHED();
}

CUDA_TWINS(batchnorm_forward,
           (Stream * stream, void *y, float *mean, float *rstd, float *running_mean, float *running_var,
            const void *x, const float *gamma, const float *beta, Rows rows, int C, float eps,
            float momentum),
           (stream, y, mean, rstd, running_mean, running_var, x, gamma, beta, rows, C, eps, momentum))
CUDA_TWINS(batchnorm_backward,
           (Stream * stream, void *dx, float *dgamma, float *dbeta, const void *dy, const void *x,
            const float *mean, const float *rstd, const float *gamma, Rows rows, int C),
           (stream, dx, dgamma, dbeta, dy, x, mean, rstd, gamma, rows, C))
CUDA_TWINS(batchnorm_infer,
           (Stream * stream, void *y, const void *x, const float *gamma, const float *beta,
            const float *running_mean, const float *running_var, Rows rows, int C, float eps),
           (stream, y, x, gamma, beta, running_mean, running_var, rows, C, eps))
