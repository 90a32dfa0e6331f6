/* The emulator's cuda_runtime.h: the part of CUDA that kernels/cuda uses, as plain C++17, with every CUDA
 * thread of a block a fiber (emulator.cc). It stands before the toolkit's header on the include path, so no
 * toolkit is needed, and sources are unmodified but for `<<<>>>` and `extern __shared__`, which rewrite.py
 * spells out. ../README.md has the rules that keep a kernel runnable here. */
#ifndef JARGON_EMULATED_CUDA_RUNTIME_H
#define JARGON_EMULATED_CUDA_RUNTIME_H
#define CUDA_ON_CPU 1

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __constant__ static
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
/* One OS thread runs all blocks, in turn: plain statics, which the sanitizers see. Poisoned before each
 * block. */
#define __shared__ static __attribute__((section("emulated_shared")))

/* ---- types ---- */

#define EMULATED_VECTOR(Type, name, alignment)                                                               \
  struct name##2 {                                                                                           \
    Type x, y;                                                                                               \
  }                                                                                                          \
  __attribute__((aligned(2 * alignment)));                                                                   \
  struct name##3 {                                                                                           \
    Type x, y, z;                                                                                            \
  };                                                                                                         \
  struct name##4 {                                                                                           \
    Type x, y, z, w;                                                                                         \
  }                                                                                                          \
  __attribute__((aligned(4 * alignment)));                                                                   \
  static inline name##2 make_##name##2(Type x, Type y) { return {x, y}; }                                    \
  static inline name##3 make_##name##3(Type x, Type y, Type z) { return {x, y, z}; }                         \
  static inline name##4 make_##name##4(Type x, Type y, Type z, Type w) { return {x, y, z, w}; }
EMULATED_VECTOR(float, float, 4)
EMULATED_VECTOR(int, int, 4)
EMULATED_VECTOR(unsigned, uint, 4)
EMULATED_VECTOR(unsigned short, ushort, 2)
#undef EMULATED_VECTOR
struct double2 {
  double x, y;
} __attribute__((aligned(16)));
static inline double2 make_double2(double x, double y) { return {x, y}; }

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern __thread uint3 threadIdx, blockIdx, blockDim, gridDim;
static constexpr int warpSize = 32;

/* ---- what the emulator offers the definitions below ---- */

namespace emulator {

struct Site {
  const char *file;
  int line;
};
/* Works on what the lanes brought: payload[lane], null for lanes that the mask leaves out. */
typedef void Combine(void **payload, unsigned mask);

void launch(const char *name, dim3 grid, dim3 block, size_t shared, void (*kernel)(void *), void *context);
void *dynamic_shared();
int barrier(int predicate, int operation, Site site); /* operation: 0 count, 1 and, 2 or */
void warp_collective(const char *name, unsigned mask, void *payload, Combine *combine, bool fence, Site site);
uint64_t shuffle(int kind, unsigned mask, uint64_t value, int argument, int width, Site site);
unsigned vote(int kind, unsigned mask, bool predicate, Site site);
void fence();
/* The default stream has no order with streams like ours. */
void on_a_stream(const char *what, const void *queue);
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct Launch {
  dim3 grid, block;
  size_t shared;
  Launch(dim3 grid_, dim3 block_, size_t shared_ = 0, void *queue = nullptr)
      : grid(grid_), block(block_), shared(shared_) {
    on_a_stream("a kernel", queue);
  }
};
template <class Kernel> void launch(const char *name, Launch l, Kernel kernel) {
  launch(
      name, l.grid, l.block, l.shared, [](void *context) { (*static_cast<Kernel *>(context))(); }, &kernel);
}

template <class T> uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable<T>::value, "a shuffle takes 8 bytes at most");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T> T from_bits(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T> struct Same { typedef T type; };

} // namespace emulator

#define EMULATED_SITE                                                                                        \
  emulator::Site { file, line }
#define EMULATED_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

/* ---- barriers, shuffles, votes ---- */

static inline void __syncthreads(EMULATED_CALLER) { emulator::barrier(0, 0, EMULATED_SITE); }
static inline int __syncthreads_count(int p, EMULATED_CALLER) {
  return emulator::barrier(p, 0, EMULATED_SITE);
}
static inline int __syncthreads_and(int p, EMULATED_CALLER) { return emulator::barrier(p, 1, EMULATED_SITE); }
static inline int __syncthreads_or(int p, EMULATED_CALLER) { return emulator::barrier(p, 2, EMULATED_SITE); }
static inline void __syncwarp(unsigned mask = ~0u, EMULATED_CALLER) {
  emulator::warp_collective("__syncwarp", mask, nullptr, nullptr, true, EMULATED_SITE);
}
#define EMULATED_SHUFFLE(name, kind, Argument)                                                               \
  template <class T> T name(unsigned mask, T value, Argument argument, int width = 32, EMULATED_CALLER) {    \
    return emulator::from_bits<T>(                                                                           \
        emulator::shuffle(kind, mask, emulator::to_bits(value), (int)argument, width, EMULATED_SITE));       \
  }
EMULATED_SHUFFLE(__shfl_sync, 0, int)
EMULATED_SHUFFLE(__shfl_up_sync, 1, unsigned)
EMULATED_SHUFFLE(__shfl_down_sync, 2, unsigned)
EMULATED_SHUFFLE(__shfl_xor_sync, 3, int)
#undef EMULATED_SHUFFLE
static inline unsigned __ballot_sync(unsigned mask, int p, EMULATED_CALLER) {
  return emulator::vote(0, mask, p != 0, EMULATED_SITE);
}
static inline int __any_sync(unsigned mask, int p, EMULATED_CALLER) {
  return (int)emulator::vote(1, mask, p != 0, EMULATED_SITE);
}
static inline int __all_sync(unsigned mask, int p, EMULATED_CALLER) {
  return (int)emulator::vote(2, mask, p != 0, EMULATED_SITE);
}
static inline void __threadfence() { emulator::fence(); }
static inline void __threadfence_block() { emulator::fence(); }

/* ---- integer atomics (float ones are left out on purpose: their order is not fixed) ---- */

static inline int atomicAdd(int *p, int v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
static inline unsigned atomicAdd(unsigned *p, unsigned v) {
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
static inline int atomicMax(int *p, int v) {
  int old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (old < v && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

/* ---- arithmetic ---- */

template <class T> T __ldg(const T *p) { return *p; }
static inline int __float_as_int(float x) { return emulator::from_bits<int>(emulator::to_bits(x)); }
static inline unsigned __float_as_uint(float x) {
  return emulator::from_bits<unsigned>(emulator::to_bits(x));
}
static inline float __int_as_float(int x) { return emulator::from_bits<float>(emulator::to_bits(x)); }
static inline float __uint_as_float(unsigned x) { return emulator::from_bits<float>(emulator::to_bits(x)); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
/* The C library declares __expf and __logf itself, unlike these. */
static inline float emulated_expf(float x) { return expf(x); }
static inline float emulated_logf(float x) { return logf(x); }
#define __expf emulated_expf
#define __logf emulated_logf
#define EMULATED_MINMAX(T)                                                                                   \
  static inline T max(T a, T b) { return a > b ? a : b; }                                                    \
  static inline T min(T a, T b) { return a < b ? a : b; }
EMULATED_MINMAX(int)
EMULATED_MINMAX(unsigned)
EMULATED_MINMAX(long)
EMULATED_MINMAX(unsigned long)
EMULATED_MINMAX(long long)
EMULATED_MINMAX(unsigned long long)
#undef EMULATED_MINMAX
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline float min(float a, float b) { return fminf(a, b); }

/* ---- the runtime: everything is done when it is called ---- */

typedef enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
} cudaError_t;
typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUevent_st *cudaEvent_t;
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};
enum { cudaStreamNonBlocking = 1, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  size_t totalGlobalMem;
};

extern "C" {
cudaError_t cudaMalloc(void **p, size_t bytes);
cudaError_t cudaFree(void *p);
cudaError_t cudaMallocHost(void **p, size_t bytes);
cudaError_t cudaFreeHost(void *p);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t queue);
cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t queue);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *queue, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t queue);
cudaError_t cudaStreamSynchronize(cudaStream_t queue);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t queue);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaGetLastError(void);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value);
}
template <class T> cudaError_t cudaMalloc(T **p, size_t bytes) { return cudaMalloc((void **)p, bytes); }
template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute((const void *)kernel, attribute, value);
}

#endif
