/* Layer norm over channels (Ba et al. 2016, arXiv 1607.06450):
 *   y = (x - mean) rstd gamma + beta,  mean and variance (over C, not C - 1) of each row,  rstd = 1 / sqrt(var + eps).
 *
 * x, y, dx, dy (R, C) activations; gamma, beta, dgamma, dbeta (C) float; mean, rstd (R) float, saved for backward. */
#ifndef JARGON_KERNELS_LAYERNORM_H
#define JARGON_KERNELS_LAYERNORM_H

#include "kernels/types.h"

/* Assigns y, mean, rstd. y may be x. mean and rstd may be NULL in inference. */
typedef void LayernormForward(Stream *stream, void *y, float *mean, float *rstd, const void *x, const float *gamma,
                              const float *beta, int R, int C, float eps);

/* Assigns dx; accumulates dgamma, dbeta. dx may be dy. */
typedef void LayernormBackward(Stream *stream, void *dx, float *dgamma, float *dbeta, const void *dy, const void *x,
                               const float *mean, const float *rstd, const float *gamma, int R, int C);

BACKEND_FUNCTION(LayernormForward, layernorm_forward);
BACKEND_FUNCTION(LayernormBackward, layernorm_backward);

#endif
