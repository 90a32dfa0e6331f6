/* Depthwise 1-D convolution over time (the conformer's convolution module, Gulati et al. 2020, arXiv 2005.08100):
 *   y[t, c] = bias[c] + sum_k weight[c, k] x[t + k - (K - 1) / 2, c],  zero outside the utterance, K odd, stride 1.
 *
 * x, y, dx, dy (R, C) activations; weight, dweight (C, K) float; bias, dbias (C) float, or both NULL. On the GPU
 * K <= 127. */
#ifndef JARGON_KERNELS_DEPTHWISE_H
#define JARGON_KERNELS_DEPTHWISE_H

#include "kernels/types.h"

/* Assigns y (spare rows: 0). y must not overlap x. */
typedef void DepthwiseForward(Stream *stream, void *y, const void *x, const float *weight, const float *bias, Rows rows,
                              int C, int K);

/* Assigns dx; accumulates dweight and dbias. dx must not overlap dy or x. */
typedef void DepthwiseBackward(Stream *stream, void *dx, float *dweight, float *dbias, const void *dy, const void *x,
                               const float *weight, Rows rows, int C, int K);

BACKEND_FUNCTION(DepthwiseForward, depthwise_forward);
BACKEND_FUNCTION(DepthwiseBackward, depthwise_backward);

#endif
