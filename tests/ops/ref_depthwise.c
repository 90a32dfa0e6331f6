#include "tests/ops/ref_depthwise.h"

#include <stddef.h>

void ref_depthwise_forward(double *y, const double *x, const double *weight, const double *bias,
                           const int *offsets, int U, int C, int K) {
  for (int u = 0; u < U; u++)
    for (int r = offsets[u]; r < offsets[u + 1]; r++)
      for (int c = 0; c < C; c++) {
        double sum = bias ? bias[c] : 0;
        for (int k = 0; k < K; k++) {
          int from = r + k - (K - 1) / 2;
          if (from >= offsets[u] && from < offsets[u + 1]) sum += weight[c * K + k] * x[from * C + c];
        }
        y[r * C + c] = sum;
      }
}

void ref_depthwise_backward(double *dx, double *dw, double *db, const double *dy, const double *x,
                            const double *weight, const int *offsets, int U, int C, int K) {
  for (int i = 0; i < offsets[U] * C; i++) dx[i] = 0;
  for (int i = 0; i < C * K; i++) dw[i] = 0;
  for (int c = 0; db && c < C; c++) db[c] = 0;
  for (int u = 0; u < U; u++)
    for (int r = offsets[u]; r < offsets[u + 1]; r++)
      for (int c = 0; c < C; c++) {
        double d = dy[r * C + c];
        if (db) db[c] += d;
        for (int k = 0; k < K; k++) {
          int from = r + k - (K - 1) / 2;
          if (from < offsets[u] || from >= offsets[u + 1]) continue;
          dx[from * C + c] += weight[c * K + k] * d;
          dw[c * K + k] += d * x[from * C + c];
        }
      }
}
