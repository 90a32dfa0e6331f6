/* Sums over rows, a sum a column, in a fixed order and in double: of a tile of rows each, then of the tiles.
 * For gradients of what is shared by all rows, and batch norm's statistics. */
#ifndef JARGON_KERNELS_CUDA_COLUMNS_CUH
#define JARGON_KERNELS_CUDA_COLUMNS_CUH

#include "kernels/cuda/device.cuh"

enum { COLUMNS = WARP, COLUMN_LANES = 8, COLUMN_TILE = 64 /* rows */ };

/* The sum over a block's COLUMN_LANES threads of one column, in their order; valid where threadIdx.y is 0.
 * All threads must call, once a kernel. */
template <int COUNT>
__device__ __forceinline__ void column_lanes_sum(double *sums, double (*shared)[COLUMN_LANES][COLUMNS]) {
  for (int i = 0; i < COUNT; i++) shared[i][threadIdx.y][threadIdx.x] = sums[i];
  __syncthreads();
  if (threadIdx.y == 0)
    for (int i = 0; i < COUNT; i++)
      for (int lane = 1; lane < COLUMN_LANES; lane++) sums[i] += shared[i][lane][threadIdx.x];
}

/* partial (tiles, COUNT, C): terms(sums, r, c) adds row r's share to the COUNT sums of column c. last_row: in
 * device memory, rows from *last_row on are left out; NULL: R rows. Grid (tiles of 64 rows, columns / 32),
 * blocks (32, 8): 8 threads a column take every 8th row. Shared: 2 KiB COUNT. Bytes: what the terms read
 * once, 8 COUNT C tiles written. */
template <typename Terms>
__global__ void columns_tile_kernel(double *partial, Terms terms, const int32_t *last_row, int R, int C) {
  __shared__ double shared[Terms::COUNT][COLUMN_LANES][COLUMNS];
  int c = blockIdx.y * COLUMNS + threadIdx.x, first = blockIdx.x * COLUMN_TILE;
  int last = min(first + COLUMN_TILE, last_row ? *last_row : R);
  double sums[Terms::COUNT] = {};
  if (c < C)
    for (int r = first + threadIdx.y; r < last; r += COLUMN_LANES) terms(sums, r, c);
  column_lanes_sum<Terms::COUNT>(sums, shared);
  if (c < C && threadIdx.y == 0)
    for (int i = 0; i < Terms::COUNT; i++) partial[((size_t)blockIdx.x * Terms::COUNT + i) * C + c] = sums[i];
}

/* finish(sums, c) with the sums of column c over all tiles. Grid columns / 32, blocks (32, 8): 8 threads a
 * column take every 8th tile. Shared as above. Bytes: 8 COUNT C tiles read. */
template <int COUNT, typename Finish>
__global__ void columns_finish_kernel(const double *partial, Finish finish, int tiles, int C) {
  __shared__ double shared[COUNT][COLUMN_LANES][COLUMNS];
  int c = blockIdx.x * COLUMNS + threadIdx.x;
  double sums[COUNT] = {};
  if (c < C)
    for (int tile = threadIdx.y; tile < tiles; tile += COLUMN_LANES)
      for (int i = 0; i < COUNT; i++) sums[i] += partial[((size_t)tile * COUNT + i) * C + c];
  column_lanes_sum<COUNT>(sums, shared);
  if (c < C && threadIdx.y == 0) finish(sums, c);
}

/* Doubles of scratch that columns_sum() takes. */
template <typename Terms> size_t columns_scratch(int R, int C) {
  return (size_t)blocks_for(R, COLUMN_TILE) * Terms::COUNT * C;
}

/* Both kernels. `partial`: columns_scratch() doubles. Any R (tiles lie along x, the one way in
 * which a grid has more than 65535 blocks); with none the sums are 0. */
template <typename Terms, typename Finish>
static void columns_sum_in(double *partial, Stream *stream, Terms terms, Finish finish,
                           const int32_t *last_row, int R, int C) {
  unsigned tiles = blocks_for(R, COLUMN_TILE), columns = blocks_for(C, COLUMNS);
  dim3 block(COLUMNS, COLUMN_LANES);
  if (tiles)
    columns_tile_kernel<Terms>
        <<<dim3(tiles, columns), block, 0, stream->queue>>>(partial, terms, last_row, R, C);
  CUDA_LAUNCHED();
  columns_finish_kernel<Terms::COUNT, Finish>
      <<<columns, block, 0, stream->queue>>>(partial, finish, (int)tiles, C);
  CUDA_LAUNCHED();
}

/* The same, with the stream's scratch, all of which it takes. */
template <typename Terms, typename Finish>
static void columns_sum(Stream *stream, Terms terms, Finish finish, const int32_t *last_row, int R, int C) {
  double *partial = (double *)cuda_scratch(stream, columns_scratch<Terms>(R, C) * sizeof *partial);
  columns_sum_in(partial, stream, terms, finish, last_row, R, C);
}

#endif
