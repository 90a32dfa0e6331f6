#include "tests/ops/ref_softmax.h"

#include <math.h>

void ref_log_softmax_forward(double *y, const double *x, int R, int C) {
  for (int r = 0; r < R; r++, x += C, y += C) {
    double most = -INFINITY, sum = 0;
    for (int c = 0; c < C; c++) most = fmax(most, x[c]);
    for (int c = 0; c < C; c++) sum += exp(x[c] - most);
    for (int c = 0; c < C; c++) y[c] = x[c] - most - log(sum);
  }
}

void ref_softmax_forward(double *y, const double *x, int R, int C) {
  ref_log_softmax_forward(y, x, R, C);
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++, y++) *y = exp(*y);
}

/* Through the Jacobian, y_i ([i = c] - y_c). */
void ref_softmax_backward(double *dx, const double *dy, const double *y, int R, int C) {
  for (int r = 0; r < R; r++, dx += C, dy += C, y += C)
    for (int c = 0; c < C; c++) {
      dx[c] = 0;
      for (int i = 0; i < C; i++) dx[c] += dy[i] * y[i] * ((i == c) - y[c]);
    }
}

void ref_log_softmax_backward(double *dx, const double *dy, const double *y, int R, int C) {
  for (int r = 0; r < R; r++, dx += C, dy += C, y += C)
    for (int c = 0; c < C; c++) {
      dx[c] = 0;
      for (int i = 0; i < C; i++) dx[c] += dy[i] * ((i == c) - exp(y[c]));
    }
}
