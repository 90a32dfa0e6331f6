#include "tests/ops/ref_batchnorm.h"

#include <math.h>

void ref_batchnorm_statistics(double *mean, double *var, double *var_more, const double *x, int N, int C) {
  for (int c = 0; c < C; c++) {
    double sum = 0, squares = 0;
    for (int r = 0; r < N; r++) sum += x[r * C + c];
    mean[c] = sum / N;
    for (int r = 0; r < N; r++) squares += (x[r * C + c] - mean[c]) * (x[r * C + c] - mean[c]);
    var[c] = squares / N;
    var_more[c] = N > 1 ? squares / (N - 1) : var[c];
  }
}

void ref_batchnorm_apply(double *y, const double *x, const double *gamma, const double *beta,
                         const double *mean, const double *var, int N, int C, double eps) {
  for (int r = 0; r < N; r++)
    for (int c = 0; c < C; c++)
      y[r * C + c] = (x[r * C + c] - mean[c]) / sqrt(var[c] + eps) * gamma[c] + beta[c];
}

/* With xhat = (x - mean) / s, s = sqrt(var + eps), g = gamma dy: x moves xhat directly, through the mean and
 * through the variance. */
void ref_batchnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dy, const double *x,
                            const double *gamma, int N, int C, double eps) {
  for (int c = 0; c < C; c++) {
    double mean = 0, var = 0, dmean = 0, dvar = 0;
    dgamma[c] = dbeta[c] = 0;
    for (int r = 0; r < N; r++) mean += x[r * C + c] / N;
    for (int r = 0; r < N; r++) var += (x[r * C + c] - mean) * (x[r * C + c] - mean) / N;
    double s = sqrt(var + eps);
    for (int r = 0; r < N; r++) {
      double d = dy[r * C + c], centred = x[r * C + c] - mean;
      dgamma[c] += d * centred / s;
      dbeta[c] += d;
      dmean -= gamma[c] * d / s;
      dvar -= gamma[c] * d * centred / (2 * s * s * s);
    }
    for (int r = 0; r < N; r++)
      dx[r * C + c] = gamma[c] * dy[r * C + c] / s + dvar * 2 * (x[r * C + c] - mean) / N + dmean / N;
  }
}
