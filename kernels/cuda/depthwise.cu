/* Depthwise convolution over time. A block stages a tile of FRAMES frames by CHANNELS channels of one
 * utterance with its halo, frames outside the utterance as zeros; dx is the same correlation with the taps
 * reversed. The gradients of the taps are summed by tile, then over the tiles in order. */
#include "kernels/depthwise.h"

#include <assert.h>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/rows.cuh"

enum {
  FRAMES = 64,   /* of a tile */
  CHANNELS = 32, /* of a tile: threadIdx.x */
  LANES = 8,     /* threadIdx.y: frames, or taps, taken at once */
  K_MAX = 127,   /* so that tile, halo and taps fit 48 KiB */
};

/* The tile of a block, and the channel of a thread. */
struct Tile {
  int T, first, c; /* the utterance's frames; the tile's first; C or more: no channel */
  size_t at;       /* element of frame 0 */
};

static __device__ Tile tile_of(const int32_t *offsets, int C) {
  int u = blockIdx.z;
  return Tile{offsets[u + 1] - offsets[u], (int)(blockIdx.x * FRAMES),
              (int)(blockIdx.y * CHANNELS + threadIdx.x), (size_t)offsets[u] * C};
}

/* to (count, CHANNELS) = the tile's channels of frames first .. first + count - 1; zero outside 0 .. T - 1.
 */
template <typename Act>
static __device__ void take_frames(float *to, const Act *x, Tile tile, int C, int first, int count) {
  for (int i = threadIdx.y; i < count; i += LANES) {
    int t = first + i;
    to[i * CHANNELS + threadIdx.x] =
        tile.c < C && t >= 0 && t < tile.T ? load(x + tile.at + (size_t)t * C + tile.c) : 0.0f;
  }
}

/* y[t, c] = bias[c] + sum_k weight[c, k] x[t + k - P, c], the taps from last to first when REVERSE. A thread
 * has one channel and every LANES-th frame of the tile. Grid (tiles of T_max, ceil(C / CHANNELS), U), block
 * (CHANNELS, LANES), shared (FRAMES + 2 K - 1) CHANNELS floats. Reads x (1 + (K - 1) / FRAMES) times, writes
 * y once. K odd, at most K_MAX, any C and T. */
template <typename Act, bool REVERSE>
static __global__ void depthwise_correlate_kernel(Act *y, const Act *x, const float *weight,
                                                  const float *bias, const int32_t *offsets, int C, int K) {
  extern __shared__ float shared[];
  float *frames = shared, *taps = shared + (FRAMES + K - 1) * CHANNELS;
  Tile tile = tile_of(offsets, C);
  if (tile.first >= tile.T) return;
  take_frames(frames, x, tile, C, tile.first - (K - 1) / 2, FRAMES + K - 1);
  for (int k = threadIdx.y; k < K; k += LANES)
    taps[k * CHANNELS + threadIdx.x] =
        tile.c < C ? weight[(size_t)tile.c * K + (REVERSE ? K - 1 - k : k)] : 0.0f;
  __syncthreads();
  if (tile.c >= C) return;
  for (int i = threadIdx.y; i < FRAMES && tile.first + i < tile.T; i += LANES) {
    float sum = bias ? bias[tile.c] : 0.0f;
    for (int k = 0; k < K; k++)
      sum += taps[k * CHANNELS + threadIdx.x] * frames[(i + k) * CHANNELS + threadIdx.x];
    store(y + tile.at + (size_t)(tile.first + i) * C + tile.c, sum);
  }
}

/* parts[slot, k, c] = sum over the tile of dy[t, c] x[t + k - P, c], and k = K: of dy. A thread has one
 * channel and every LANES-th tap. Grid and block as above, shared (2 FRAMES + K - 1) CHANNELS floats. Reads x
 * and dy about once, writes (K + 1) / FRAMES of x in floats. Sizes as above. */
template <typename Act>
static __global__ void depthwise_gradient_kernel(float *parts, const Act *dy, const Act *x,
                                                 const int32_t *offsets, int C, int K) {
  extern __shared__ float shared[];
  float *frames = shared, *dy_frames = shared + (FRAMES + K - 1) * CHANNELS;
  Tile tile = tile_of(offsets, C);
  if (tile.first >= tile.T) return;
  take_frames(frames, x, tile, C, tile.first - (K - 1) / 2, FRAMES + K - 1);
  take_frames(dy_frames, dy, tile, C, tile.first, FRAMES);
  __syncthreads();
  if (tile.c >= C) return;
  float *part = parts + tile_slot(offsets, blockIdx.z, blockIdx.x, FRAMES) * (K + 1) * C;
  for (int k = threadIdx.y; k <= K; k += LANES) {
    float sum = 0;
    for (int i = 0; i < FRAMES; i++) {
      float d = dy_frames[i * CHANNELS + threadIdx.x];
      sum += k < K ? d * frames[(i + k) * CHANNELS + threadIdx.x] : d;
    }
    part[(size_t)k * C + tile.c] = sum;
  }
}

/* dweight[c, k] += sum over the tiles, utterance by utterance, of parts[slot, k, c]; dbias[c] likewise of k =
 * K. A thread has one (k, c). Grid (ceil(C / 32), K + 1), block 32. Reads parts once. */
static __global__ void depthwise_add_parts_kernel(float *dweight, float *dbias, const float *parts,
                                                  const int32_t *offsets, int U, int C, int K) {
  int c = blockIdx.x * 32 + threadIdx.x, k = blockIdx.y;
  if (c >= C || (k == K && !dbias)) return;
  double sum = 0;
  for (int u = 0; u < U; u++)
    for (int tile = 0; tile * FRAMES < offsets[u + 1] - offsets[u]; tile++)
      sum += (double)parts[(tile_slot(offsets, u, tile, FRAMES) * (K + 1) + k) * C + c];
  float *to = k < K ? dweight + (size_t)c * K + k : dbias + c;
  *to += (float)sum;
}

static dim3 tiles_of(Rows rows, int C) {
  return dim3(blocks_for(rows.T_max, FRAMES), blocks_for(C, CHANNELS), rows.U);
}

template <typename Act, bool REVERSE>
static void correlate(Stream *stream, Act *y, const Act *x, const float *weight, const float *bias, Rows rows,
                      int C, int K) {
  assert(K % 2 == 1 && K <= K_MAX);
  zero_spare_rows(stream, y, rows, C);
  if (rows.T_max == 0) return;
  size_t shared = sizeof(float) * (FRAMES + 2 * K - 1) * CHANNELS;
  depthwise_correlate_kernel<Act, REVERSE>
      <<<tiles_of(rows, C), dim3(CHANNELS, LANES), shared, stream->queue>>>(y, x, weight, bias, rows.offsets,
                                                                            C, K);
  CUDA_LAUNCHED();
}

template <typename Act>
static void depthwise_forward_launch(Stream *stream, void *y, const void *x, const float *weight,
                                     const float *bias, Rows rows, int C, int K) {
  correlate<Act, false>(stream, (Act *)y, (const Act *)x, weight, bias, rows, C, K);
}

template <typename Act>
static void depthwise_backward_launch(Stream *stream, void *dx, float *dweight, float *dbias, const void *dy,
                                      const void *x, const float *weight, Rows rows, int C, int K) {
  correlate<Act, true>(stream, (Act *)dx, (const Act *)dy, weight, NULL, rows, C, K);
  if (rows.T_max == 0) return;
  float *parts = (float *)cuda_scratch(stream, sizeof(float) * tile_slots(rows, FRAMES) * (K + 1) * C);
  size_t shared = sizeof(float) * (2 * FRAMES + K - 1) * CHANNELS;
  depthwise_gradient_kernel<<<tiles_of(rows, C), dim3(CHANNELS, LANES), shared, stream->queue>>>(
      parts, (const Act *)dy, (const Act *)x, rows.offsets, C, K);
  CUDA_LAUNCHED();
  depthwise_add_parts_kernel<<<dim3(blocks_for(C, 32), K + 1), 32, 0, stream->queue>>>(
      dweight, dbias, parts, rows.offsets, rows.U, C, K);
  CUDA_LAUNCHED();
}

CUDA_TWINS(depthwise_forward,
           (Stream * stream, void *y, const void *x, const float *weight, const float *bias, Rows rows, int C,
            int K),
           (stream, y, x, weight, bias, rows, C, K))
CUDA_TWINS(depthwise_backward,
           (Stream * stream, void *dx, float *dweight, float *dbias, const void *dy, const void *x,
            const float *weight, Rows rows, int C, int K),
           (stream, dx, dweight, dbias, dy, x, weight, rows, C, K))
