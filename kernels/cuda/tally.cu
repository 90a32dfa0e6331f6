#include "kernels/tally.h"

#include "kernels/cuda/device.cuh"

enum { THREADS = 256 };

/* tally->step_nll += nll[0] + nll[1] + ..., in this order. One thread: U is the utterances of a batch. Bytes:
 * 4 U read. */
static __global__ void tally_batch_kernel(Tally *tally, const float *nll, int U) {
  double sum = tally->step_nll;
  for (int u = 0; u < U; u++) sum += nll[u];
  tally->step_nll = sum;
}

/* tally_judge() of tally.h. One thread. Bytes: the tally. */
static __global__ void tally_step_kernel(Tally *tally, const float *norm, TallyStepInfo info) {
  tally_judge(tally, *norm, info);
}

/* kept = x, or x = kept. An element a thread; blocks of 256. Bytes: 4 n read, 4 n written. Any n. */
static __global__ void tally_keep_kernel(const Tally *tally, float *x, float *kept, size_t n) {
  size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i >= n) return;
  if (tally->updated)
    kept[i] = x[i];
  else
    x[i] = kept[i];
}

static void tally_batch(Stream *stream, Tally *tally, const float *nll, int U) {
  tally_batch_kernel<<<1, 1, 0, stream->queue>>>(tally, nll, U);
  CUDA_LAUNCHED();
}

static void tally_step(Stream *stream, Tally *tally, const float *norm, TallyStepInfo info) {
  tally_step_kernel<<<1, 1, 0, stream->queue>>>(tally, norm, info);
  CUDA_LAUNCHED();
}

static void tally_keep(Stream *stream, const Tally *tally, float *x, float *kept, size_t n) {
  if (!n) return;
  tally_keep_kernel<<<blocks_for(n, THREADS), THREADS, 0, stream->queue>>>(tally, x, kept, n);
  CUDA_LAUNCHED();
}

CUDA_SAME(void, tally_batch, (Stream * stream, Tally *tally, const float *nll, int U),
          (stream, tally, nll, U))
CUDA_SAME(void, tally_step, (Stream * stream, Tally *tally, const float *norm, TallyStepInfo info),
          (stream, tally, norm, info))
CUDA_SAME(void, tally_keep, (Stream * stream, const Tally *tally, float *x, float *kept, size_t n),
          (stream, tally, x, kept, n))
