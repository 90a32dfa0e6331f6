#include "tests/ops/ref_gemm.h"

#include <stddef.h>

void ref_gemm_forward(double *y, const double *x, const double *w, const double *bias, int M, int N, int K) {
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double sum = bias ? bias[n] : 0;
      for (int k = 0; k < K; k++) sum += x[(size_t)m * K + k] * w[(size_t)n * K + k];
      y[(size_t)m * N + n] = sum;
    }
}

void ref_gemm_backward_input(double *dx, const double *dy, const double *w, int M, int N, int K) {
  for (int m = 0; m < M; m++)
    for (int k = 0; k < K; k++) {
      double sum = 0;
      for (int n = 0; n < N; n++) sum += dy[(size_t)m * N + n] * w[(size_t)n * K + k];
      dx[(size_t)m * K + k] = sum;
    }
}

void ref_gemm_backward_weight(double *dw, double *dbias, const double *dy, const double *x, int M, int N, int K) {
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double g = dy[(size_t)m * N + n];
      for (int k = 0; k < K; k++) dw[(size_t)n * K + k] += g * x[(size_t)m * K + k];
      if (dbias) dbias[n] += g;
    }
}
