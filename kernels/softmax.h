/* Softmax and log-softmax over the channels of each row. x, y (R, C); all outputs are assigned, y may be x.
 *   softmax      y = exp(x - max) / sum          dx = y (dy - sum_c dy y)
 *   log-softmax  y = x - max - log sum exp       dx = dy - exp(y) sum_c dy */
#ifndef JARGON_KERNELS_SOFTMAX_H
#define JARGON_KERNELS_SOFTMAX_H

#include "kernels/types.h"

typedef void SoftmaxForward(Stream *stream, void *y, const void *x, int R, int C);
typedef void SoftmaxBackward(Stream *stream, void *dx, const void *dy, const void *y, int R, int C);

/* Log-probabilities are float whatever the activation type of x: they are summed over hundreds of frames. */
typedef void LogSoftmaxForward(Stream *stream, float *y, const void *x, int R, int C);
typedef void LogSoftmaxBackward(Stream *stream, void *dx, const float *dy, const float *y, int R, int C);

BACKEND_FUNCTION(SoftmaxForward, softmax_forward);
BACKEND_FUNCTION(SoftmaxBackward, softmax_backward);
BACKEND_FUNCTION(LogSoftmaxForward, log_softmax_forward);
BACKEND_FUNCTION(LogSoftmaxBackward, log_softmax_backward);

#endif
