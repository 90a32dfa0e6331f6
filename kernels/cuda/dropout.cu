#include "kernels/dropout.h"

#include <assert.h>

#include "kernels/cuda/device.cuh"
#include "kernels/random.h"

enum { THREADS = 128 };

/* y = x + factor h where the channel is kept, x where not (x NULL: 0); spare rows become 0. threshold 0 keeps
 * all. A block a row, its threads along the channels; 128 threads, no shared memory. Bytes: R C of h (and of
 * x) read, R C written. Any R, C; y may be x or h. */
template <typename T>
__global__ void dropout_kernel(T *y, const T *x, const T *h, Rows rows, int C, float factor,
                               uint32_t threshold, RandomKey key) {
  int r = blockIdx.x;
  size_t at = (size_t)r * C;
  bool real = r < rows.offsets[rows.U];
  uint64_t row = 0;
  if (real && threshold) {
    int u = row_utterance(rows, r);
    row = random_row(key.seed, key.step, key.site, key.utterances[u], (uint32_t)(r - rows.offsets[u]));
  }
  for (int c = threadIdx.x; c < C; c += THREADS) {
    bool kept = real && (!threshold || random_bits(row, (uint32_t)c) >= threshold);
    float start = real && x ? load(x + at + c) : 0;
    store(y + at + c, kept ? start + factor * load(h + at + c) : start);
  }
}

/* y = a + b. An element a thread; blocks of 256. Bytes: 2 n read, n written. Any n. */
template <typename T> __global__ void add_kernel(T *y, const T *a, const T *b, size_t n) {
  size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) store(y + i, load(a + i) + load(b + i));
}

/* y = factor x. An element a thread; blocks of 256. Bytes: n read, n written. Any n. */
template <typename T> __global__ void scale_kernel(T *y, const T *x, float factor, size_t n) {
  size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) store(y + i, factor * load(x + i));
}

template <typename T>
static void residual_forward_launch(Stream *stream, void *y, const void *x, const void *h, Rows rows, int C,
                                    float scale, float p, RandomKey key) {
  assert(p >= 0 && p < 1);
  if (!rows.R || !C) return;
  uint32_t threshold = random_threshold(p);
  float factor = threshold ? scale / (1 - p) : scale;
  dropout_kernel<T><<<(unsigned)rows.R, THREADS, 0, stream->queue>>>((T *)y, (const T *)x, (const T *)h, rows,
                                                                     C, factor, threshold, key);
  CUDA_LAUNCHED();
}

template <typename T>
static void residual_backward_launch(Stream *stream, void *dh, const void *dy, Rows rows, int C, float scale,
                                     float p, RandomKey key) {
  residual_forward_launch<T>(stream, dh, NULL, dy, rows, C, scale, p, key);
}

template <typename T>
static void dropout_launch(Stream *stream, void *y, const void *h, Rows rows, int C, float p, RandomKey key) {
  residual_forward_launch<T>(stream, y, NULL, h, rows, C, 1, p, key);
}

template <typename T>
static void add_launch(Stream *stream, void *y, const void *a, const void *b, size_t n) {
  if (!n) return;
  add_kernel<T><<<blocks_for(n, 256), 256, 0, stream->queue>>>((T *)y, (const T *)a, (const T *)b, n);
  CUDA_LAUNCHED();
}

template <typename T>
static void scale_launch(Stream *stream, void *y, const void *x, float factor, size_t n) {
  if (!n) return;
  scale_kernel<T><<<blocks_for(n, 256), 256, 0, stream->queue>>>((T *)y, (const T *)x, factor, n);
  CUDA_LAUNCHED();
}

CUDA_TWINS(dropout, (Stream * stream, void *y, const void *h, Rows rows, int C, float p, RandomKey key),
           (stream, y, h, rows, C, p, key))
CUDA_TWINS(residual_forward,
           (Stream * stream, void *y, const void *x, const void *h, Rows rows, int C, float factor, float p,
            RandomKey key),
           (stream, y, x, h, rows, C, factor, p, key))
CUDA_TWINS(residual_backward,
           (Stream * stream, void *dh, const void *dy, Rows rows, int C, float factor, float p,
            RandomKey key),
           (stream, dh, dy, rows, C, factor, p, key))
CUDA_TWINS(add, (Stream * stream, void *y, const void *a, const void *b, size_t n), (stream, y, a, b, n))
CUDA_TWINS(scale, (Stream * stream, void *y, const void *x, float factor, size_t n),
           (stream, y, x, factor, n))
