/* The CUDA runtime of the emulator: device memory is host memory, and everything is done when it is called.
 */
#include <stdlib.h>

#include "cuda_runtime.h"

namespace emulator {
cudaError_t last_error = cudaSuccess;
size_t shared_limit = 48 << 10; /* until a kernel asks for more */
} // namespace emulator

using emulator::last_error;

struct CUstream_st {
  int unused;
};

/* 256-aligned as on a device, and poisoned: reading what was never written shows. */
cudaError_t cudaMalloc(void **p, size_t bytes) {
  if (posix_memalign(p, 256, bytes ? bytes : 1)) return last_error = cudaErrorMemoryAllocation;
  memset(*p, 0xff, bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void *p) {
  free(p);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes) { return cudaMalloc(p, bytes); }
cudaError_t cudaFreeHost(void *p) { return cudaFree(p); }

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  memmove(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t) {
  memset(p, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *queue, unsigned) {
  *queue = new CUstream_st();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t queue) {
  delete queue;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaGetLastError(void) {
  cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
  case cudaSuccess:
    return "no error";
  case cudaErrorInvalidValue:
    return "invalid argument";
  case cudaErrorMemoryAllocation:
    return "out of memory";
  case cudaErrorInvalidConfiguration:
    return "invalid configuration argument";
  }
  return "unknown error";
}

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  *properties = cudaDeviceProp{};
  strcpy(properties->name, "emulated on the CPU");
  properties->major = 8;
  properties->multiProcessorCount = 4;
  properties->totalGlobalMem = (size_t)8 << 30;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value > 227 << 10)
    return last_error = cudaErrorInvalidValue;
  if ((size_t)value > emulator::shared_limit) emulator::shared_limit = (size_t)value;
  return cudaSuccess;
}
