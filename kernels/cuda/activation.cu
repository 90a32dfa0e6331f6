#include "kernels/activation.h"

#include "kernels/cuda/device.cuh"

enum { THREADS = 256 };

/* y = max(x, 0), NaN stays. An element a thread; blocks of 256, no shared memory. Bytes: n read, n written
 * (elements of T). Any n. */
template <typename T> __global__ void relu_forward_kernel(T *y, const T *x, size_t n) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  float in = load(x + i);
  store(y + i, in < 0 ? 0 : in);
}

/* dx = dy [y > 0]. As forward, with 2 n read. */
template <typename T> __global__ void relu_backward_kernel(T *dx, const T *dy, const T *y, size_t n) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i < n) store(dx + i, load(y + i) > 0 ? load(dy + i) : 0);
}

/* y = x s(x). As ReLU. */
template <typename T> __global__ void silu_forward_kernel(T *y, const T *x, size_t n) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  float in = load(x + i);
  store(y + i, in * sigmoid(in));
}

/* dx = dy s (1 + x (1 - s)). As ReLU's. */
template <typename T> __global__ void silu_backward_kernel(T *dx, const T *dy, const T *x, size_t n) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  float in = load(x + i), s = sigmoid(in);
  store(dx + i, load(dy + i) * s * (1 + in * (1 - s)));
}

/* y = a s(b), x = [a | b] in each row. An element of y a thread; blocks of 256, no shared memory. Bytes: 2 R
 * C read, R C written. Any R, C. */
template <typename T> __global__ void glu_forward_kernel(T *y, const T *x, size_t n, int C) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  const T *a = x + i / C * 2 * C + i % C;
  store(y + i, load(a) * sigmoid(load(a + C)));
}

/* da = dy s(b), db = dy a s(b) (1 - s(b)). An element of dy a thread. Bytes: 3 R C read, 2 R C written. */
template <typename T> __global__ void glu_backward_kernel(T *dx, const T *dy, const T *x, size_t n, int C) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  size_t at = i / C * 2 * C + i % C;
  float a = load(x + at), s = sigmoid(load(x + at + C)), g = load(dy + i);
  store(dx + at, g * s);
  store(dx + at + C, g * a * s * (1 - s));
}

template <typename T> static void relu_forward_launch(Stream *stream, void *y, const void *x, size_t n) {
  if (!n) return;
  relu_forward_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)y, (const T *)x, n);
  CUDA_LAUNCHED();
}

template <typename T>
static void relu_backward_launch(Stream *stream, void *dx, const void *dy, const void *y, size_t n) {
  if (!n) return;
  relu_backward_kernel<T>
      <<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)dx, (const T *)dy, (const T *)y, n);
  CUDA_LAUNCHED();
}

template <typename T> static void silu_forward_launch(Stream *stream, void *y, const void *x, size_t n) {
  if (!n) return;
  silu_forward_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)y, (const T *)x, n);
  CUDA_LAUNCHED();
}

template <typename T>
static void silu_backward_launch(Stream *stream, void *dx, const void *dy, const void *x, size_t n) {
  if (!n) return;
  silu_backward_kernel<T>
      <<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)dx, (const T *)dy, (const T *)x, n);
  CUDA_LAUNCHED();
}

template <typename T> static void glu_forward_launch(Stream *stream, void *y, const void *x, int R, int C) {
  size_t n = (size_t)R * C;
  if (!n) return;
  glu_forward_kernel<T><<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)y, (const T *)x, n, C);
  CUDA_LAUNCHED();
}

template <typename T>
static void glu_backward_launch(Stream *stream, void *dx, const void *dy, const void *x, int R, int C) {
  size_t n = (size_t)R * C;
  if (!n) return;
  glu_backward_kernel<T>
      <<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>((T *)dx, (const T *)dy, (const T *)x, n, C);
  CUDA_LAUNCHED();
}

CUDA_TWINS(relu_forward, (Stream * stream, void *y, const void *x, size_t n), (stream, y, x, n))
CUDA_TWINS(relu_backward, (Stream * stream, void *dx, const void *dy, const void *y, size_t n),
           (stream, dx, dy, y, n))
CUDA_TWINS(silu_forward, (Stream * stream, void *y, const void *x, size_t n), (stream, y, x, n))
CUDA_TWINS(silu_backward, (Stream * stream, void *dx, const void *dy, const void *x, size_t n),
           (stream, dx, dy, x, n))
CUDA_TWINS(glu_forward, (Stream * stream, void *y, const void *x, int R, int C), (stream, y, x, R, C))
CUDA_TWINS(glu_backward, (Stream * stream, void *dx, const void *dy, const void *x, int R, int C),
           (stream, dx, dy, x, R, C))
