#include "kernels/softmax.h"

#include "kernels/cuda/device.cuh"

enum { ROWS = 4, THREADS = ROWS * WARP }; /* a warp a row */

/* The row's largest element and the sum of exp(x - largest), the same in each lane. */
template <typename T> __device__ void row_max_sum(const T *x, int C, float *most, float *sum) {
  float m = -INFINITY, s = 0;
  for (int c = threadIdx.x % WARP; c < C; c += WARP) m = fmaxf(m, load(x + c));
  m = warp_max(m);
  for (int c = threadIdx.x % WARP; c < C; c += WARP) s += expf(load(x + c) - m);
  *most = m;
  *sum = warp_sum(s);
}

/* y = exp(x - max) / sum. A warp a row, lanes along the channels; blocks of 4 warps, no shared memory. Bytes:
 * R C read (twice more from the cache), R C written. Any R, C; y may be x. */
template <typename T> __global__ void softmax_forward_kernel(T *y, const T *x, int R, int C) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP;
  if (r >= R) return; /* whole warps leave */
  const T *in = x + (size_t)r * C;
  float most, sum;
  row_max_sum(in, C, &most, &sum);
  for (int c = threadIdx.x % WARP; c < C; c += WARP)
    store(y + (size_t)r * C + c, expf(load(in + c) - most) / sum);
}

/* dx = y (dy - sum_c dy y). Threads as forward. Bytes: 2 R C read (again from the cache), R C written. Any R,
 * C. */
template <typename T> __global__ void softmax_backward_kernel(T *dx, const T *dy, const T *y, int R, int C) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP;
  if (r >= R) return;
  size_t at = (size_t)r * C;
  float dot = 0;
  for (int c = threadIdx.x % WARP; c < C; c += WARP) dot += load(dy + at + c) * load(y + at + c);
  dot = warp_sum(dot);
  for (int c = threadIdx.x % WARP; c < C; c += WARP)
    store(dx + at + c, load(y + at + c) * (load(dy + at + c) - dot));
}

/* y = x - max - log sum, float. Threads as softmax. Bytes: R C of T read (twice more from the cache), 4 R C
 * written. */
template <typename T> __global__ void log_softmax_forward_kernel(float *y, const T *x, int R, int C) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP;
  if (r >= R) return;
  const T *in = x + (size_t)r * C;
  float most, sum;
  row_max_sum(in, C, &most, &sum);
  float log_sum = logf(sum);
  for (int c = threadIdx.x % WARP; c < C; c += WARP) y[(size_t)r * C + c] = load(in + c) - most - log_sum;
}

/* dx = dy - exp(y) sum_c dy. Threads as softmax. Bytes: 8 R C read (dy again from the cache), R C of T
 * written. */
template <typename T>
__global__ void log_softmax_backward_kernel(T *dx, const float *dy, const float *y, int R, int C) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP;
  if (r >= R) return;
  size_t at = (size_t)r * C;
  float sum = 0;
  for (int c = threadIdx.x % WARP; c < C; c += WARP) sum += dy[at + c];
  sum = warp_sum(sum);
  for (int c = threadIdx.x % WARP; c < C; c += WARP) store(dx + at + c, dy[at + c] - expf(y[at + c]) * sum);
}

template <typename T>
static void softmax_forward_launch(Stream *stream, void *y, const void *x, int R, int C) {
  if (!R) return;
  softmax_forward_kernel<T><<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>((T *)y, (const T *)x, R, C);
  CUDA_LAUNCHED();
}

template <typename T>
static void softmax_backward_launch(Stream *stream, void *dx, const void *dy, const void *y, int R, int C) {
  if (!R) return;
  softmax_backward_kernel<T>
      <<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>((T *)dx, (const T *)dy, (const T *)y, R, C);
  CUDA_LAUNCHED();
}

template <typename T>
static void log_softmax_forward_launch(Stream *stream, float *y, const void *x, int R, int C) {
  if (!R) return;
  log_softmax_forward_kernel<T><<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>(y, (const T *)x, R, C);
  CUDA_LAUNCHED();
}

template <typename T>
static void log_softmax_backward_launch(Stream *stream, void *dx, const float *dy, const float *y, int R,
                                        int C) {
  if (!R) return;
  log_softmax_backward_kernel<T><<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>((T *)dx, dy, y, R, C);
  CUDA_LAUNCHED();
}

CUDA_TWINS(softmax_forward, (Stream * stream, void *y, const void *x, int R, int C), (stream, y, x, R, C))
CUDA_TWINS(softmax_backward, (Stream * stream, void *dx, const void *dy, const void *y, int R, int C),
           (stream, dx, dy, y, R, C))
CUDA_TWINS(log_softmax_forward, (Stream * stream, float *y, const void *x, int R, int C),
           (stream, y, x, R, C))
CUDA_TWINS(log_softmax_backward, (Stream * stream, void *dx, const float *dy, const float *y, int R, int C),
           (stream, dx, dy, y, R, C))
