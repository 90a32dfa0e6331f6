#include "tests/ops/ref_adamw.h"

#include <math.h>

double ref_gradient_norm(const double *g, const AdamwSegment *segments, int count) {
  double sum = 0;
  for (int s = 0; s < count; s++)
    for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++)
      if (segments[s].lr_scale != 0) sum += g[i] * g[i];
  return sqrt(sum);
}

void ref_adamw_step(double *w, double *m, double *v, const double *g, double norm,
                    int updates, const AdamwSegment *segments, int count, AdamwConfig config) {
  double beta1 = (double)config.beta1, beta2 = (double)config.beta2;
  for (int s = 0; s < count; s++) {
    double lr = (double)config.lr * (double)segments[s].lr_scale;
    if (segments[s].lr_scale == 0) continue;
    for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++) {
      double gradient = config.clip > 0 ? g[i] * fmin(1, (double)config.clip / (norm + 1e-6)) : g[i];
      m[i] = beta1 * m[i] + (1 - beta1) * gradient;
      v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
      double mean = m[i] / (1 - pow(beta1, updates)), square = v[i] / (1 - pow(beta2, updates));
      w[i] -= lr * (mean / (sqrt(square) + (double)config.eps) + (double)segments[s].decay * w[i]);
    }
  }
}
