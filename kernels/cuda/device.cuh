/* What every kernel of the CUDA backend shares: activation types, the stream, checks, launch shapes,
 * reductions.
 *
 * A file of kernels has templates over the activation type T (float or bf16), a template `<op>_launch<T>`
 * that launches them, and CUDA_TWINS, which defines cuda_f32_<op> and cuda_bf16_<op> as the header <op>.h
 * declares them. Arithmetic is in float. No float atomics: every sum has an order that follows from the shape
 * alone. Kernels keep to what tests/cuda_on_cpu can run; its README has the rules. */
#ifndef JARGON_KERNELS_CUDA_DEVICE_CUH
#define JARGON_KERNELS_CUDA_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/adamw.h"
#include "kernels/memory.h"
#include "kernels/types.h"

typedef __nv_bfloat16 bf16;

template <typename T> struct TypeOf;
template <> struct TypeOf<float> { static constexpr DType dtype = DTYPE_F32; };
template <> struct TypeOf<bf16> { static constexpr DType dtype = DTYPE_BF16; };

/* ---- host ---- */

struct AdamwTile;
struct Cudnn;

struct Stream {
  cudaStream_t queue;
  void *scratch;
  size_t scratch_size;
  void *blas;             /* of gemm.cu: handle, workspace and the chosen algorithms */
  Cudnn *cudnn;           /* of cudnn.cu: handle, descriptors and the chosen algorithms */
  AdamwSegment *segments; /* of adamw.cu: the last list seen, on the host, and its tiles on the device */
  int segment_count;
  AdamwTile *tiles;
  int tile_count;
  cudaEvent_t marks[STREAM_MARKS];
};

/* At least `bytes` of device memory, 256-aligned, with any content, the caller's until the operation ends. It
 * only ever grows, so after the largest batch nothing allocates. An operation asks once and divides what it
 * gets. */
void *cuda_scratch(Stream *stream, size_t bytes);

/* A device error is nobody's to mend: it ends the program with file and line. */
#define CUDA_CHECK(call) cuda_check((call), #call, __FILE__, __LINE__)
/* After each launch. */
#define CUDA_LAUNCHED() cuda_check(cudaGetLastError(), "launching the kernel above", __FILE__, __LINE__)

static inline void cuda_check(cudaError_t error, const char *what, const char *file, int line) {
  if (error == cudaSuccess) return;
  fprintf(stderr, "jargon: %s:%d: CUDA says \"%s\" on %s\n", file, line, cudaGetErrorString(error), what);
  abort();
}

#define CUDA_TWINS(op, parameters, arguments)                                                                \
  extern "C" void cuda_f32_##op parameters { op##_launch<float> arguments; }                                 \
  extern "C" void cuda_bf16_##op parameters { op##_launch<bf16> arguments; }

/* Of an operation that does not depend on the activation type: both are the function `op`. */
#define CUDA_SAME(Result, op, parameters, arguments)                                                         \
  extern "C" Result cuda_f32_##op parameters { return op arguments; }                                        \
  extern "C" Result cuda_bf16_##op parameters { return op arguments; }

/* Blocks that cover n, `each` at a time. n > 0: a launch of no block is an error, so launchers return before.
 */
static inline unsigned blocks_for(size_t n, size_t each) { return (unsigned)((n + each - 1) / each); }

/* ---- device ---- */

enum { WARP = 32 };
#define ALL_LANES 0xffffffffu

__device__ __forceinline__ float load(const float *p) { return *p; }
__device__ __forceinline__ float load(const bf16 *p) { return __bfloat162float(*p); }
__device__ __forceinline__ void store(float *p, float x) { *p = x; }
__device__ __forceinline__ void store(bf16 *p, float x) { *p = __float2bfloat16(x); }

/* Of the 32 lanes of a warp, the same in each: a butterfly, so the order is fixed. All lanes must call. */
template <typename V> __device__ __forceinline__ V warp_sum(V x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
  return x;
}

/* Of a block of THREADS threads (a multiple of 32, at most 1024), the same in each. `shared`: THREADS / 32
 * values. All threads must call; the second barrier lets `shared` be used again. */
template <int THREADS, typename V> __device__ __forceinline__ V block_sum(V x, V *shared) {
  x = warp_sum(x);
  if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
  __syncthreads();
  V sum = shared[0];
  for (int w = 1; w < THREADS / WARP; w++) sum += shared[w];
  __syncthreads();
  return sum;
}

template <int THREADS> __device__ __forceinline__ float block_max(float x, float *shared) {
  x = warp_max(x);
  if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
  __syncthreads();
  float most = shared[0];
  for (int w = 1; w < THREADS / WARP; w++) most = fmaxf(most, shared[w]);
  __syncthreads();
  return most;
}

/* The utterance of a row that is not spare; empty utterances have no rows. */
__device__ __forceinline__ int row_utterance(const Rows &rows, int row) {
  int low = 0, high = rows.U; /* offsets[low] <= row < offsets[high] */
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (rows.offsets[middle] <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

#endif
