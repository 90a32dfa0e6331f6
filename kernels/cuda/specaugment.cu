#include "kernels/cuda/device.cuh"
#include "kernels/frontend.h"
#include "kernels/random.h"

enum { FRAMES = 32, THREADS = 128 };

/* Start and end of band or span `i`: draws 2 i and 2 i + 1 of frame 0 of the utterance, the same as the
 * CPU's. */
struct Mask {
  int start, end;
};

__device__ static Mask mask_draw(uint64_t row, int i, int most, int size) {
  int width = (int)((uint64_t)random_bits(row, (uint32_t)(2 * i)) * (uint64_t)(most + 1) >> 32);
  int start = (int)((uint64_t)random_bits(row, (uint32_t)(2 * i + 1)) * (uint64_t)(size - width + 1) >> 32);
  return {start, start + width};
}

/* Sets what a band of bins or a span of frames covers to 0. A block 32 frames of one utterance: its threads
 * draw a mask each, then share the elements; grid (U, tiles of T_max), 128 threads. Shared: 8 bytes a mask.
 * Bytes: what is masked is written. Any U, T, C. */
static __global__ void spec_augment_kernel(float *features, Rows rows, int C, SpecAugmentConfig config,
                                           RandomKey key) {
  extern __shared__ Mask masks[];
  int first = rows.offsets[blockIdx.x], T = rows.offsets[blockIdx.x + 1] - first, t0 = blockIdx.y * FRAMES;
  int bands = config.freq_masks, count = bands + config.time_masks;
  if (t0 >= T) return; /* the whole block */
  uint64_t row = random_row(key.seed, key.step, key.site, key.utterances[blockIdx.x], 0);
  for (int i = threadIdx.x; i < count; i += THREADS)
    masks[i] = i < bands ? mask_draw(row, i, min(config.freq_width, C), C)
                         : mask_draw(row, i, min((int)(config.time_ratio * (float)T), T), T);
  __syncthreads();
  for (int e = threadIdx.x; e < FRAMES * C; e += THREADS) {
    int t = t0 + e / C, c = e % C;
    bool masked = false;
    for (int i = 0; i < count; i++)
      masked |= masks[i].start <= (i < bands ? c : t) && (i < bands ? c : t) < masks[i].end;
    if (masked && t < T) features[((size_t)first + t) * C + c] = 0;
  }
}

static void spec_augment(Stream *stream, float *features, Rows rows, int C, SpecAugmentConfig config,
                         RandomKey key) {
  size_t shared = (size_t)(config.freq_masks + config.time_masks) * sizeof(Mask);
  if (!rows.U || !rows.T_max || !shared) return;
  dim3 grid((unsigned)rows.U, blocks_for(rows.T_max, FRAMES));
  spec_augment_kernel<<<grid, THREADS, shared, stream->queue>>>(features, rows, C, config, key);
  CUDA_LAUNCHED();
}

CUDA_SAME(void, spec_augment,
          (Stream * stream, float *features, Rows rows, int C, SpecAugmentConfig config, RandomKey key),
          (stream, features, rows, C, config, key))
