#include "tests/ops/ref_conv2d.h"

/* Where tap (ky, kx) of output (t, f, c) falls in x; -1 outside the image. */
static int under(int t, int f, int c, int ky, int kx, int T, Conv2dShape s, bool depthwise) {
  int P = (s.K - 1) / 2, from_t = t * s.stride + ky - P, from_f = f * s.stride + kx - P;
  if (from_t < 0 || from_t >= T || from_f < 0 || from_f >= s.F_in) return -1;
  return depthwise ? (from_t * s.F_in + from_f) * s.C + c : from_t * s.F_in + from_f;
}

void ref_conv2d_forward(double *y, const double *x, const double *weight, const double *bias, int T,
                        int T_out, Conv2dShape s, bool depthwise) {
  for (int t = 0; t < T_out; t++)
    for (int f = 0; f < s.F_out; f++)
      for (int c = 0; c < s.C; c++) {
        double sum = bias[c];
        for (int ky = 0; ky < s.K; ky++)
          for (int kx = 0; kx < s.K; kx++) {
            int from = under(t, f, c, ky, kx, T, s, depthwise);
            if (from >= 0) sum += weight[(c * s.K + ky) * s.K + kx] * x[from];
          }
        y[(t * s.F_out + f) * s.C + c] = sum;
      }
}

void ref_conv2d_backward(double *dx, double *dweight, double *dbias, const double *dy, const double *x,
                         const double *weight, int T, int T_out, Conv2dShape s, bool depthwise) {
  for (int i = 0; dx && i < T * s.F_in * (depthwise ? s.C : 1); i++) dx[i] = 0;
  for (int t = 0; t < T_out; t++)
    for (int f = 0; f < s.F_out; f++)
      for (int c = 0; c < s.C; c++) {
        double d = dy[(t * s.F_out + f) * s.C + c];
        dbias[c] += d;
        for (int ky = 0; ky < s.K; ky++)
          for (int kx = 0; kx < s.K; kx++) {
            int from = under(t, f, c, ky, kx, T, s, depthwise), tap = (c * s.K + ky) * s.K + kx;
            if (from < 0) continue;
            dweight[tap] += d * x[from];
            if (dx) dx[from] += d * weight[tap];
          }
      }
}
