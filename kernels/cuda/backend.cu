#include "kernels/backend.h"

#include "kernels/cuda/cudnn.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/gemm_choice.h"

/* "NVIDIA H100 80GB HBM3 (compute capability 9.0), driver 13.0, runtime 13.0" */
static const char *cuda_describe(void) {
  static char text[400];
  cudaDeviceProp properties;
  int device, driver, runtime;
  CUDA_CHECK(cudaGetDevice(&device));
  CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  CUDA_CHECK(cudaDriverGetVersion(&driver));
  CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  snprintf(text, sizeof text, "cuda, %s (compute capability %d.%d), driver %d.%d, runtime %d.%d%s%s",
           properties.name, properties.major, properties.minor, driver / 1000, driver % 1000 / 10,
           runtime / 1000, runtime % 1000 / 10, gemm_describe(), cudnn_describe());
  return text;
}

#define X(Type, operation) cuda_f32_##operation,
static const Backend f32 = {"cuda", DTYPE_F32, BACKEND_LAYOUT, cuda_describe, BACKEND_OPERATIONS(X)};
#undef X
#define X(Type, operation) cuda_bf16_##operation,
static const Backend bf16_table = {"cuda", DTYPE_BF16, BACKEND_LAYOUT, cuda_describe, BACKEND_OPERATIONS(X)};
#undef X

JARGON_EXTERN BackendExport jargon_cuda_backend;

extern "C" __attribute__((visibility("default"))) const Backend *jargon_cuda_backend(DType dtype, char *why,
                                                                                     size_t why_size) {
  int count = 0, device;
  cudaDeviceProp properties;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0 && cudaGetDevice(&device) == cudaSuccess)
    error = cudaGetDeviceProperties(&properties, device);
  if (error != cudaSuccess || count == 0) {
    cudaGetLastError();
    snprintf(why, why_size, "no CUDA device: %s",
             error == cudaSuccess ? "none is visible" : cudaGetErrorString(error));
    return NULL;
  }
  if (properties.major < 8) {
    snprintf(why, why_size, "%s has compute capability %d.%d: 8.0 is the least", properties.name,
             properties.major, properties.minor);
    return NULL;
  }
  if (!gemm_open(why, why_size) || !cudnn_open(why, why_size)) return NULL;
  return dtype == DTYPE_F32 ? &f32 : &bf16_table;
}
