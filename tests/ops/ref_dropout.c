#include "tests/ops/ref_dropout.h"

#include "kernels/random.h"

void ref_residual(double *y, const double *x, const double *h, int T, int C, double scale, float p,
                  RandomKey key, uint32_t utterance) {
  for (int t = 0; t < T; t++)
    for (int c = 0; c < C; c++) {
      uint64_t row = random_row(key.seed, key.step, key.site, utterance, (uint32_t)t);
      double uniform = random_bits(row, (uint32_t)c) / 4294967296.0;
      int i = t * C + c;
      y[i] = (x ? x[i] : 0) + (uniform < (double)p ? 0 : scale * h[i] / (1 - (double)p));
    }
}
