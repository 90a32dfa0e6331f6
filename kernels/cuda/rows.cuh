/* Packed rows in kernels that work utterance by utterance: spare rows, and tiles of an utterance's frames. */
#ifndef JARGON_KERNELS_CUDA_ROWS_CUH
#define JARGON_KERNELS_CUDA_ROWS_CUH

#include "kernels/cuda/device.cuh"

/* Rows offsets[U] .. R - 1 of y (R, width) become 0. An element a thread, by strides of the grid; at most 256
 * blocks of 256, no shared memory. Writes the spare rows. */
template <typename T> static __global__ void zero_spare_rows_kernel(T *y, Rows rows, size_t width) {
  size_t end = (size_t)rows.R * width, step = (size_t)gridDim.x * blockDim.x;
  for (size_t i = rows.offsets[rows.U] * width + blockIdx.x * blockDim.x + threadIdx.x; i < end; i += step)
    store(y + i, 0.0f);
}

/* Host: the device alone knows how many spare rows there are, but no batch has more than it has rows. */
template <typename T> static inline void zero_spare_rows(Stream *stream, T *y, Rows rows, size_t width) {
  if (rows.R == 0) return;
  unsigned blocks = blocks_for((size_t)rows.R * width, 256);
  if (blocks > 256) blocks = 256;
  // clang-format off
  zero_spare_rows_kernel<<<blocks, 256, 0, stream->queue>>>(y, rows, width);
  // clang-format on
  CUDA_LAUNCHED();
}

/* The place of one tile's partial sums: no two tiles of `size` frames of any utterances have the same, since
 * an utterance's ceil(T / size) tiles are at most floor((offset + T) / size) - floor(offset / size) + 1. Some
 * places stay empty. */
static __device__ __forceinline__ size_t tile_slot(const int32_t *offsets, int u, int tile, int size) {
  return (size_t)(offsets[u] / size + u + tile);
}

/* Places for all tiles. */
static inline size_t tile_slots(Rows rows, int size) { return (size_t)(rows.R / size + rows.U + 1); }

#endif
