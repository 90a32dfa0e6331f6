/* kernels/gemm.h's CUDA side for the emulator, where there is no cuBLASLt: plain loops, sums in float in
 * order of k. */
#include "kernels/gemm.h"

#include <vector>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/release.h"
#include "tests/cuda_on_cpu/device_memory.h"

void gemm_release(Stream *) {}

template <typename T>
static void gemm_forward_launch(Stream *, void *y, const void *x, const void *w, const float *bias, int M,
                                int N, int K) {
  emulator::DeviceMemory unlocked;
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      const T *a = (const T *)x + (size_t)m * K, *b = (const T *)w + (size_t)n * K;
      float sum = 0;
      for (int k = 0; k < K; k++) sum += load(a + k) * load(b + k);
      T rounded; /* as gemm.cu's bias */
      store(&rounded, bias ? bias[n] : 0);
      store((T *)y + (size_t)m * N + n, sum + load(&rounded));
    }
}

template <typename T>
static void gemm_backward_input_launch(Stream *, void *dx, const void *dy, const void *w, int M, int N,
                                       int K) {
  emulator::DeviceMemory unlocked;
  std::vector<float> sums((size_t)K);
  for (int m = 0; m < M; m++) {
    for (float &sum : sums) sum = 0;
    for (int n = 0; n < N; n++) {
      float g = load((const T *)dy + (size_t)m * N + n);
      for (int k = 0; k < K; k++) sums[k] += g * load((const T *)w + (size_t)n * K + k);
    }
    for (int k = 0; k < K; k++) store((T *)dx + (size_t)m * K + k, sums[k]);
  }
}

template <typename T>
static void gemm_backward_weight_launch(Stream *, float *dw, float *dbias, const void *dy, const void *x,
                                        int M, int N, int K) {
  emulator::DeviceMemory unlocked;
  for (int n = 0; n < N; n++) {
    double bias = 0;
    for (int m = 0; m < M; m++) {
      float g = load((const T *)dy + (size_t)m * N + n);
      bias += g;
      for (int k = 0; k < K; k++) dw[(size_t)n * K + k] += g * load((const T *)x + (size_t)m * K + k);
    }
    if (dbias) dbias[n] += (float)bias;
  }
}

CUDA_TWINS(gemm_forward,
           (Stream * stream, void *y, const void *x, const void *w, const float *bias, int M, int N, int K),
           (stream, y, x, w, bias, M, N, K))
CUDA_TWINS(gemm_backward_input,
           (Stream * stream, void *dx, const void *dy, const void *w, int M, int N, int K),
           (stream, dx, dy, w, M, N, K))
CUDA_TWINS(gemm_backward_weight,
           (Stream * stream, float *dw, float *dbias, const void *dy, const void *x, int M, int N, int K),
           (stream, dw, dbias, dy, x, M, N, K))
