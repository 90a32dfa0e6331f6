/* kernels/conv2d.h in double, as its formula stands, for one utterance: an image of T frames x F_in bins,
 * which becomes T_out x F_out. Gradients of weight and bias are accumulated; y and dx are assigned.
 *
 *   plain      x (T, F_in), one channel       depthwise  x (T, F_in, C), a filter for each channel */
#ifndef JARGON_TESTS_REF_CONV2D_H
#define JARGON_TESTS_REF_CONV2D_H

#include <stdbool.h>

#include "kernels/conv2d.h"

void ref_conv2d_forward(double *y, const double *x, const double *weight, const double *bias, int T,
                        int T_out, Conv2dShape shape, bool depthwise);

/* dx may be NULL. */
void ref_conv2d_backward(double *dx, double *dweight, double *dbias, const double *dy, const double *x,
                         const double *weight, int T, int T_out, Conv2dShape shape, bool depthwise);

#endif
