/* Our own product of matrices, for shapes that cuBLASLt has no fixed order of sums for, and for all under
 * JARGON_GEMM=own (gemm_choice.h). Plain float arithmetic, no tensor cores: slower. One kernel makes the
 * three products, which differ in the steps from one element to the next. A sum's terms are added one after
 * the other, in order, whatever the other rows are and wherever the row stands. */
#ifndef JARGON_KERNELS_CUDA_GEMM_OWN_CUH
#define JARGON_KERNELS_CUDA_GEMM_OWN_CUH

#include "kernels/cuda/device.cuh"

enum {
  OWN_TILE = 64,                  /* rows, and columns, of a block's part of the result */
  OWN_DEPTH = 16,                 /* terms of its sums in shared memory at once */
  OWN_SIDE = 16,                  /* the block's threads: 16 x 16 */
  OWN_EACH = OWN_TILE / OWN_SIDE, /* a thread's results: 4 x 4, OWN_SIDE apart */
  OWN_THREADS = OWN_SIDE * OWN_SIDE,
};

/* One side of the product: a line's terms, line by line. Element (line, k) is data[line * line_step + k *
 * k_step]; one of the steps is 1. */
template <typename T> struct OwnSide {
  const T *data;
  size_t line_step, k_step;
  int lines;
};

/* tile[k][line] = the OWN_TILE lines from `line` on, terms k to k + OWN_DEPTH; zeros past the end.
 * Neighbouring threads read neighbouring elements. */
template <typename T>
static __device__ void own_tile(float (*tile)[OWN_TILE + 1], const OwnSide<T> &side, int line, int k,
                                int depth) {
  int thread = threadIdx.y * OWN_SIDE + threadIdx.x;
  for (int at = thread; at < OWN_TILE * OWN_DEPTH; at += OWN_THREADS) {
    bool along = side.k_step == 1;
    int i = along ? at / OWN_DEPTH : at % OWN_TILE, term = along ? at % OWN_DEPTH : at / OWN_TILE;
    bool inside = line + i < side.lines && k + term < depth;
    tile[term][i] = inside ? load(side.data + (line + i) * side.line_step + (k + term) * side.k_step) : 0.0f;
  }
}

/* d[i, j] = sum over k of a[i, k] b[j, k], plus bias[j] where there is one; ADD: added to d. Grid (64 lines
 * of a, 64 lines of b), block (16, 16), a thread 4 x 4 of d. Shared: 8.1 KiB, with a column of padding
 * against bank conflicts. Bytes: a once for each tile of b and b once for each of a (through the cache), d
 * written once. Any lines of a, 4 million of b, any depth, any alignment. */
template <typename Out, typename In, bool ADD>
static __global__ void gemm_own_kernel(Out *d, OwnSide<In> a, OwnSide<In> b, const float *bias, int depth) {
  __shared__ float a_tile[OWN_DEPTH][OWN_TILE + 1], b_tile[OWN_DEPTH][OWN_TILE + 1];
  int i0 = blockIdx.x * OWN_TILE, j0 = blockIdx.y * OWN_TILE;
  float sums[OWN_EACH][OWN_EACH] = {};
  for (int k0 = 0; k0 < depth; k0 += OWN_DEPTH) {
    own_tile(a_tile, a, i0, k0, depth);
    own_tile(b_tile, b, j0, k0, depth);
    __syncthreads();
    for (int k = 0; k < OWN_DEPTH; k++)
      for (int r = 0; r < OWN_EACH; r++)
        for (int c = 0; c < OWN_EACH; c++)
          sums[r][c] += a_tile[k][threadIdx.y + r * OWN_SIDE] * b_tile[k][threadIdx.x + c * OWN_SIDE];
    __syncthreads(); /* before the next tiles */
  }
  for (int r = 0; r < OWN_EACH; r++)
    for (int c = 0; c < OWN_EACH; c++) {
      int i = i0 + threadIdx.y + r * OWN_SIDE, j = j0 + threadIdx.x + c * OWN_SIDE;
      if (i >= a.lines || j >= b.lines) continue;
      Out *to = d + (size_t)i * b.lines + j;
      store(to, sums[r][c] + (ADD ? load(to) : bias ? bias[j] : 0.0f));
    }
}

template <bool ADD, typename Out, typename In>
static void own_product(Stream *stream, Out *d, OwnSide<In> a, OwnSide<In> b, const float *bias, int depth) {
  dim3 grid(blocks_for(a.lines, OWN_TILE), blocks_for(b.lines, OWN_TILE)), block(OWN_SIDE, OWN_SIDE);
  gemm_own_kernel<Out, In, ADD><<<grid, block, 0, stream->queue>>>(d, a, b, bias, depth);
  CUDA_LAUNCHED();
}

/* x (rows, width), row by row: a line is a row of x, or a column. */
template <typename T> static OwnSide<T> own_rows(const T *x, int rows, int width) {
  return {x, (size_t)width, 1, rows};
}
template <typename T> static OwnSide<T> own_columns(const T *x, int width) {
  return {x, 1, (size_t)width, width};
}

#endif
