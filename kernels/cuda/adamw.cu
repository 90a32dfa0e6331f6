#include "kernels/adamw.h"

#include <math.h>
#include <string.h>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/release.h"

enum { THREADS = 256, TILE = 4096 /* elements of one segment, a block each */ };

struct AdamwTile {
  size_t offset;
  int count;
  float lr_scale, decay;
};

/* partial[tile] = sum of g^2, in double; 0 for a frozen tile. A block a tile of 4096, its 256 threads every
 * 256th element. Shared: 64 bytes. Bytes: 4 a weight read. */
__global__ void gradient_squares_kernel(double *partial, const float *g, const AdamwTile *tiles) {
  __shared__ double shared[THREADS / WARP];
  AdamwTile tile = tiles[blockIdx.x];
  double sum = 0;
  if (tile.lr_scale != 0)
    for (int i = threadIdx.x; i < tile.count; i += THREADS) {
      double value = g[tile.offset + i];
      sum += value * value;
    }
  sum = block_sum<THREADS>(sum, shared);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/* *norm = sqrt(sum of partial). One block, its 256 threads every 256th tile. Shared: 64 bytes. Bytes: 8 a
 * tile. */
__global__ void gradient_norm_kernel(float *norm, const double *partial, int tiles) {
  __shared__ double shared[THREADS / WARP];
  double sum = 0;
  for (int i = threadIdx.x; i < tiles; i += THREADS) sum += partial[i];
  sum = block_sum<THREADS>(sum, shared);
  if (threadIdx.x == 0) *norm = (float)sqrt(sum);
}

/* What is the same for all elements of a tile. */
struct AdamwUpdate {
  float clip;   /* factor of the gradient */
  float rate;   /* lr_s / (1 - beta1^n) */
  float second; /* 1 / sqrt(1 - beta2^n) */
  float shrink; /* lr_s decay_s */
};

static __device__ AdamwUpdate update_of(AdamwConfig c, AdamwTile tile, double norm, double updates) {
  double lr = (double)c.lr * tile.lr_scale, clip = c.clip > 0 ? fmin(1.0, c.clip / (norm + 1e-6)) : 1;
  double first = 1 - pow((double)c.beta1, updates), second = 1 - pow((double)c.beta2, updates);
  return AdamwUpdate{(float)clip, (float)(lr / first), (float)(1 / sqrt(second)), (float)(lr * tile.decay)};
}

/* m, v, w by the formulae of the header; w_copy = w in the activation type. A block a tile of 4096, its 256
 * threads every 256th element. Shared: 16 bytes. Bytes a weight: 16 read, 12 written, and the copy. */
template <typename T>
__global__ void adamw_step_kernel(float *w, T *w_copy, float *m, float *v, const float *g, const float *norm,
                                  const Tally *tally, const AdamwTile *tiles, AdamwConfig c) {
  __shared__ AdamwUpdate u;
  AdamwTile tile = tiles[blockIdx.x];
  if (!tally->updated) return;
  if (threadIdx.x == 0) u = update_of(c, tile, *norm, (double)tally->updates);
  __syncthreads();
  for (int i = threadIdx.x; i < tile.count; i += THREADS) {
    size_t at = tile.offset + i;
    float weight = w[at];
    if (tile.lr_scale != 0) {
      float gradient = g[at] * u.clip;
      float mean = c.beta1 * m[at] + (1 - c.beta1) * gradient;
      float square = c.beta2 * v[at] + (1 - c.beta2) * gradient * gradient;
      weight -= u.rate * mean / (sqrtf(square) * u.second + c.eps) + u.shrink * weight;
      m[at] = mean;
      v[at] = square;
      w[at] = weight;
    }
    if (w_copy) store(w_copy + at, weight);
  }
}

void adamw_release(Stream *stream) {
  free(stream->segments);
  CUDA_CHECK(cudaFree(stream->tiles));
}

/* The segments cut into tiles, on the device. Only a list that differs from the last one is uploaded. */
static void tiles_update(Stream *stream, const AdamwSegment *segments, int count) {
  size_t bytes = (size_t)count * sizeof *segments, tiles = 0, t = 0;
  if (stream->segments && stream->segment_count == count && memcmp(stream->segments, segments, bytes) == 0)
    return;
  for (int s = 0; s < count; s++) tiles += (segments[s].count + TILE - 1) / TILE;
  AdamwTile *list = (AdamwTile *)malloc((tiles + 1) * sizeof *list);
  adamw_release(stream);
  stream->segments = (AdamwSegment *)malloc(bytes + 1);
  if (!list || !stream->segments || cudaMalloc(&stream->tiles, (tiles + 1) * sizeof *list) != cudaSuccess) {
    fprintf(stderr, "jargon: out of memory: the optimiser's list of %zu tiles\n", tiles);
    exit(71);
  }
  memcpy(stream->segments, segments, bytes);
  stream->segment_count = count;
  stream->tile_count = (int)tiles;
  for (int s = 0; s < count; s++)
    for (size_t done = 0; done < segments[s].count; done += TILE) {
      size_t left = segments[s].count - done;
      list[t++] = {segments[s].offset + done, (int)(left < (size_t)TILE ? left : (size_t)TILE),
                   segments[s].lr_scale, segments[s].decay};
    }
  CUDA_CHECK(
      cudaMemcpyAsync(stream->tiles, list, tiles * sizeof *list, cudaMemcpyHostToDevice, stream->queue));
  CUDA_CHECK(cudaStreamSynchronize(stream->queue));
  free(list);
}

static void gradient_norm(Stream *stream, float *norm, const float *g, const AdamwSegment *segments,
                          int count) {
  tiles_update(stream, segments, count);
  double *partial = (double *)cuda_scratch(stream, (size_t)stream->tile_count * sizeof *partial + 1);
  if (stream->tile_count) {
    gradient_squares_kernel<<<(unsigned)stream->tile_count, THREADS, 0, stream->queue>>>(partial, g,
                                                                                         stream->tiles);
    CUDA_LAUNCHED();
  }
  gradient_norm_kernel<<<1, THREADS, 0, stream->queue>>>(norm, partial, stream->tile_count);
  CUDA_LAUNCHED();
}

CUDA_SAME(void, gradient_norm,
          (Stream * stream, float *norm, const float *g, const AdamwSegment *segments, int count),
          (stream, norm, g, segments, count))

template <typename T>
static void adamw_step_launch(Stream *stream, float *w, void *w_copy, float *m, float *v, const float *g,
                              const float *norm, const Tally *tally, const AdamwSegment *segments, int count,
                              AdamwConfig config) {
  tiles_update(stream, segments, count);
  if (!stream->tile_count) return;
  adamw_step_kernel<T><<<(unsigned)stream->tile_count, THREADS, 0, stream->queue>>>(
      w, (T *)w_copy, m, v, g, norm, tally, stream->tiles, config);
  CUDA_LAUNCHED();
}

CUDA_TWINS(adamw_step,
           (Stream * stream, float *w, void *w_copy, float *m, float *v, const float *g, const float *norm,
            const Tally *tally, const AdamwSegment *segments, int count, AdamwConfig config),
           (stream, w, w_copy, m, v, g, norm, tally, segments, count, config))
