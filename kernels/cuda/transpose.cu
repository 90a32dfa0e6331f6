#include "kernels/conv2d.h"
#include "kernels/cuda/device.cuh"

enum { TILE = 32, LANES = 8 };

/* y[r, b, a] = x[r, a, b]. A block a tile of 32 x 32 of one row, through shared memory, so that reading and
 * writing both go along the last axis; grid (R, tiles of A, tiles of B), blocks (32, 8). Shared: 4 KiB, with
 * a column of padding against bank conflicts. Bytes: R A B read and written. Any R; A, B to 2 million. */
template <typename T> __global__ void transpose_inner_kernel(T *y, const T *x, int A, int B) {
  __shared__ float tile[TILE][TILE + 1];
  size_t row = (size_t)blockIdx.x * A * B;
  int a0 = blockIdx.y * TILE, b0 = blockIdx.z * TILE, lane = threadIdx.x;
  for (int i = threadIdx.y; i < TILE; i += LANES)
    if (a0 + i < A && b0 + lane < B) tile[i][lane] = load(x + row + (size_t)(a0 + i) * B + b0 + lane);
  __syncthreads();
  for (int i = threadIdx.y; i < TILE; i += LANES)
    if (b0 + i < B && a0 + lane < A) store(y + row + (size_t)(b0 + i) * A + a0 + lane, tile[lane][i]);
}

template <typename T>
static void transpose_inner_launch(Stream *stream, void *y, const void *x, int R, int A, int B) {
  if (!R || !A || !B) return;
  dim3 grid((unsigned)R, blocks_for(A, TILE), blocks_for(B, TILE));
  transpose_inner_kernel<T><<<grid, dim3(TILE, LANES), 0, stream->queue>>>((T *)y, (const T *)x, A, B);
  CUDA_LAUNCHED();
}

CUDA_TWINS(transpose_inner, (Stream * stream, void *y, const void *x, int R, int A, int B),
           (stream, y, x, R, A, B))
