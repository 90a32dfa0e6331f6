/* Batch norm over all real rows of a batch (Ioffe and Szegedy 2015, arXiv 1502.03167): one set of statistics for the
 * whole packed batch; spare rows are outside it.
 *   y = (x - mean) rstd gamma + beta,  mean and variance over the N = offsets[U] rows,  rstd = 1 / sqrt(var + eps);
 *   running_mean += momentum (mean - running_mean); running_var likewise towards the variance over N - 1 (over N when
 *   N = 1).
 *
 * x, y, dx, dy (R, C) activations; all else (C) float. Spare rows of y and dx become 0. */
#ifndef JARGON_KERNELS_BATCHNORM_H
#define JARGON_KERNELS_BATCHNORM_H

#include "kernels/types.h"

/* Training: assigns y, mean, rstd; updates the running statistics, unless they are NULL. y may be x. */
typedef void BatchnormForward(Stream *stream, void *y, float *mean, float *rstd, float *running_mean,
                              float *running_var, const void *x, const float *gamma, const float *beta, Rows rows,
                              int C, float eps, float momentum);

/* Backward through the batch's statistics: assigns dx; accumulates dgamma, dbeta. dx may be dy. */
typedef void BatchnormBackward(Stream *stream, void *dx, float *dgamma, float *dbeta, const void *dy, const void *x,
                               const float *mean, const float *rstd, const float *gamma, Rows rows, int C);

/* Inference: the running statistics for mean and variance. Row by row, so the batch does not matter. y may be x. */
typedef void BatchnormInfer(Stream *stream, void *y, const void *x, const float *gamma, const float *beta,
                            const float *running_mean, const float *running_var, Rows rows, int C, float eps);

BACKEND_FUNCTION(BatchnormForward, batchnorm_forward);
BACKEND_FUNCTION(BatchnormBackward, batchnorm_backward);
BACKEND_FUNCTION(BatchnormInfer, batchnorm_infer);

#endif
