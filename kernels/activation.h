/* Activations, element by element, n elements or (R, C) rows of the activation type. All outputs are assigned.
 *
 *   relu  y = max(x, 0)                      dx = dy [x > 0]  (backward sees y: y > 0 exactly where x > 0)
 *   silu  y = x s(x), s the logistic function (Elfwing et al. 2017, arXiv 1702.03118)
 *   glu   y (R, C) = a s(b), x (R, 2C) = [a | b] in each row (Dauphin et al. 2016, arXiv 1612.08083) */
#ifndef JARGON_KERNELS_ACTIVATION_H
#define JARGON_KERNELS_ACTIVATION_H

#include "kernels/types.h"

typedef void ReluForward(Stream *stream, void *y, const void *x, size_t n);                      /* y may be x */
typedef void ReluBackward(Stream *stream, void *dx, const void *dy, const void *y, size_t n);    /* dx may be dy */
typedef void SiluForward(Stream *stream, void *y, const void *x, size_t n);                      /* y may be x */
typedef void SiluBackward(Stream *stream, void *dx, const void *dy, const void *x, size_t n);    /* dx may be dy */
typedef void GluForward(Stream *stream, void *y, const void *x, int R, int C);
typedef void GluBackward(Stream *stream, void *dx, const void *dy, const void *x, int R, int C); /* dx (R, 2C) */

BACKEND_FUNCTION(ReluForward, relu_forward);
BACKEND_FUNCTION(ReluBackward, relu_backward);
BACKEND_FUNCTION(SiluForward, silu_forward);
BACKEND_FUNCTION(SiluBackward, silu_backward);
BACKEND_FUNCTION(GluForward, glu_forward);
BACKEND_FUNCTION(GluBackward, glu_backward);

#endif
