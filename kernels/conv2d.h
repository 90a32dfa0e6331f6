/* The 2-D convolutions of the subsampling front (Rekesh et al. 2023, arXiv 2305.05084), channels last.
 *
 * An utterance is an image of T frames x F bins; zero padding (K - 1) / 2 on every side of each utterance; stride in
 * both directions: T_out = ceil(T / stride) with odd K, F_out likewise. `in` and `out` divide the rows before and
 * after; out.offsets is the caller's, by that formula. Activations: (R, F, C), C fastest.
 *
 *   plain      x (R_in, F_in) float, one channel; weight (C, K, K); y (R_out, F_out, C). No dx: features need none.
 *   depthwise  x (R_in, F_in, C); weight (C, K, K); y (R_out, F_out, C).
 *
 * weight and bias (C) are float; dweight, dbias accumulate; y and dx are assigned.
 * The pointwise convolution is a product over R F rows: kernels/gemm.h. */
#ifndef JARGON_KERNELS_CONV2D_H
#define JARGON_KERNELS_CONV2D_H

#include "kernels/types.h"

typedef struct Conv2dShape {
  int F_in, F_out, C;
  int K, stride; /* K odd */
} Conv2dShape;

typedef void Conv2dForward(Stream *stream, void *y, const float *x, const float *weight, const float *bias, Rows in,
                           Rows out, Conv2dShape shape);
typedef void Conv2dBackward(Stream *stream, float *dweight, float *dbias, const void *dy, const float *x, Rows in,
                            Rows out, Conv2dShape shape);
typedef void DepthwiseConv2dForward(Stream *stream, void *y, const void *x, const float *weight, const float *bias,
                                    Rows in, Rows out, Conv2dShape shape);
typedef void DepthwiseConv2dBackward(Stream *stream, void *dx, float *dweight, float *dbias, const void *dy,
                                     const void *x, const float *weight, Rows in, Rows out, Conv2dShape shape);

/* y (R, B, A) = x (R, A, B) with the last two axes exchanged: from channels last to the order (C, F) that the linear
 * layer after the subsampling expects, and back. */
typedef void TransposeInner(Stream *stream, void *y, const void *x, int R, int A, int B);

BACKEND_FUNCTION(Conv2dForward, conv2d_forward);
BACKEND_FUNCTION(Conv2dBackward, conv2d_backward);
BACKEND_FUNCTION(DepthwiseConv2dForward, depthwise_conv2d_forward);
BACKEND_FUNCTION(DepthwiseConv2dBackward, depthwise_conv2d_backward);
BACKEND_FUNCTION(TransposeInner, transpose_inner);

#endif
