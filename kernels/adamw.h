/* AdamW with decoupled weight decay (Loshchilov and Hutter 2017, arXiv 1711.05101) over all parameters in one pass,
 * and the norm of the whole gradient with clipping (Pascanu et al. 2012, arXiv 1211.5063):
 *   g' = g min(1, clip / (norm + 1e-6)), norm = sqrt(sum g^2) over the segments that are not frozen; clip 0: g' = g
 *   m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2
 *   w -= lr_s (m / (1 - beta1^n) / (sqrt(v / (1 - beta2^n)) + eps) + decay_s w),  lr_s = lr lr_scale_s
 * n: tally->updates, this update included (tally.h).
 *
 * w, g, m, v: n floats each, contiguous, in backend memory. Segments say where each parameter lies in them. */
#ifndef JARGON_KERNELS_ADAMW_H
#define JARGON_KERNELS_ADAMW_H

#include "kernels/tally.h"
#include "kernels/types.h"

typedef struct AdamwSegment {
  size_t offset, count; /* in floats */
  float lr_scale;       /* 0: frozen: not in the norm, not changed, its moments neither */
  float decay;
} AdamwSegment;

typedef struct AdamwConfig {
  float lr, beta1, beta2, eps;
  float clip; /* 0: none */
} AdamwConfig;

/* Assigns *norm (one float, backend memory), summed in double in a fixed order. segments: host memory. */
typedef void GradientNorm(Stream *stream, float *norm, const float *g, const AdamwSegment *segments, int count);

/* Updates w, m, v, and assigns w_copy (the weights in the activation type, or NULL). Changes nothing where the tally
 * says that the step is skipped. */
typedef void AdamwStep(Stream *stream, float *w, void *w_copy, float *m, float *v, const float *g, const float *norm,
                       const Tally *tally, const AdamwSegment *segments, int count, AdamwConfig config);

BACKEND_FUNCTION(GradientNorm, gradient_norm);
BACKEND_FUNCTION(AdamwStep, adamw_step);

#endif
