#include "tests/ops/ref_activation.h"

#include <math.h>

static double logistic(double x) { return 1 / (1 + exp(-x)); }

void ref_relu_forward(double *y, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = fmax(x[i], 0);
}

void ref_relu_backward(double *dx, const double *dy, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

void ref_silu_forward(double *y, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] * logistic(x[i]);
}

void ref_silu_backward(double *dx, const double *dy, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double s = logistic(x[i]);
    dx[i] = dy[i] * (s + x[i] * s * (1 - s));
  }
}

void ref_glu_forward(double *y, const double *x, int R, int C) {
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) {
      const double *row = x + (size_t)r * 2 * (size_t)C;
      y[(size_t)r * (size_t)C + (size_t)c] = row[c] * logistic(row[C + c]);
    }
}

void ref_glu_backward(double *dx, const double *dy, const double *x, int R, int C) {
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) {
      size_t at = (size_t)r * 2 * (size_t)C + (size_t)c;
      double g = dy[(size_t)r * (size_t)C + (size_t)c], s = logistic(x[at + (size_t)C]);
      dx[at] = g * s;
      dx[at + (size_t)C] = g * x[at] * s * (1 - s);
    }
}
