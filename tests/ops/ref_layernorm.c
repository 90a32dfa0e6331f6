#include "tests/ops/ref_layernorm.h"

#include <math.h>
#include <stddef.h>

void ref_layernorm_forward(double *y, double *mean, double *rstd, const double *x, const double *gamma,
                           const double *beta, int R, int C, double eps) {
  for (int r = 0; r < R; r++, x += C, y += C) {
    double var = 0;
    mean[r] = 0;
    for (int c = 0; c < C; c++) mean[r] += x[c] / C;
    for (int c = 0; c < C; c++) var += (x[c] - mean[r]) * (x[c] - mean[r]) / C;
    rstd[r] = 1 / sqrt(var + eps);
    for (int c = 0; c < C; c++) y[c] = (x[c] - mean[r]) * rstd[r] * gamma[c] + beta[c];
  }
}

/* By the chain rule: x moves y through the numerator, through the mean and through the variance. */
void ref_layernorm_backward(double *dx, double *dgamma, double *dbeta, const double *dy, const double *x,
                            const double *gamma, int R, int C, double eps) {
  for (int r = 0; r < R; r++, x += C, dy += C, dx += C) {
    double mean = 0, var = 0, dmean = 0, dvar = 0;
    for (int c = 0; c < C; c++) mean += x[c] / C;
    for (int c = 0; c < C; c++) var += (x[c] - mean) * (x[c] - mean) / C;
    double rstd = 1 / sqrt(var + eps);
    for (int c = 0; c < C; c++) {
      double g = dy[c] * gamma[c];
      dmean -= g * rstd;
      dvar -= 0.5 * g * (x[c] - mean) * rstd * rstd * rstd;
      dgamma[c] += dy[c] * (x[c] - mean) * rstd;
      dbeta[c] += dy[c];
    }
    for (int c = 0; c < C; c++) dx[c] = dy[c] * gamma[c] * rstd + dmean / C + dvar * 2 * (x[c] - mean) / C;
  }
}
