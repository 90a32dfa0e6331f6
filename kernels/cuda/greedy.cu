#include "kernels/ctc.h"
#include "kernels/cuda/device.cuh"

enum { ROWS = 4, THREADS = ROWS * WARP }; /* a warp a row */

/* best = the lowest class of the largest logit; log_probability = that logit - log sum exp. A warp a row,
 * lanes along the classes; blocks of 4 warps, no shared memory. Bytes: R V read (again from the cache), 8 R
 * written. Any R, V. */
template <typename T>
__global__ void greedy_decode_kernel(int32_t *best, float *log_probability, const T *logits, int R, int V) {
  int r = blockIdx.x * ROWS + threadIdx.x / WARP, lane = threadIdx.x % WARP;
  if (r >= R) return; /* whole warps leave */
  const T *row = logits + (size_t)r * V;
  float most = -INFINITY, sum = 0;
  int at = lane < V ? lane : V;
  for (int v = lane; v < V; v += WARP) {
    float x = load(row + v);
    if (x > most) {
      most = x;
      at = v;
    }
  }
  for (int step = WARP / 2; step > 0; step /= 2) {
    float other = __shfl_xor_sync(ALL_LANES, most, step);
    int other_at = __shfl_xor_sync(ALL_LANES, at, step);
    if (other > most || (other == most && other_at < at)) {
      most = other;
      at = other_at;
    }
  }
  for (int v = lane; v < V; v += WARP) sum += expf(load(row + v) - most);
  sum = warp_sum(sum);
  if (lane == 0) {
    best[r] = at;
    log_probability[r] = -logf(sum);
  }
}

template <typename T>
static void greedy_decode_launch(Stream *stream, int32_t *best, float *log_probability, const void *logits,
                                 int R, int V) {
  if (!R) return;
  greedy_decode_kernel<T>
      <<<blocks_for(R, ROWS), THREADS, 0, stream->queue>>>(best, log_probability, (const T *)logits, R, V);
  CUDA_LAUNCHED();
}

CUDA_TWINS(greedy_decode,
           (Stream * stream, int32_t *best, float *log_probability, const void *logits, int R, int V),
           (stream, best, log_probability, logits, R, V))
