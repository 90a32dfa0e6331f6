/* The product of matrices with bias, all row-major: the linear layer y = x w^T + b.
 *
 * x (M, K), w (N, K), y (M, N) in the activation type, accumulated in float; bias (N) float or NULL.
 * A row of y depends on that row of x alone, to the bit: not on M, not on where in the batch the row stands, not on
 * the number of threads. M may be 0. */
#ifndef JARGON_KERNELS_GEMM_H
#define JARGON_KERNELS_GEMM_H

#include "kernels/types.h"

/* y = x w^T + bias. y is assigned and must not overlap x or w. */
typedef void GemmForward(Stream *stream, void *y, const void *x, const void *w, const float *bias, int M, int N, int K);

/* dx (M, K) = dy (M, N) w (N, K). dx is assigned. */
typedef void GemmBackwardInput(Stream *stream, void *dx, const void *dy, const void *w, int M, int N, int K);

/* dw (N, K) += dy^T x; dbias (N) += column sums of dy, or NULL. Both float, accumulated, in a fixed order of rows. */
typedef void GemmBackwardWeight(Stream *stream, float *dw, float *dbias, const void *dy, const void *x, int M, int N,
                                int K);

BACKEND_FUNCTION(GemmForward, gemm_forward);
BACKEND_FUNCTION(GemmBackwardInput, gemm_backward_input);
BACKEND_FUNCTION(GemmBackwardWeight, gemm_backward_weight);

#endif
