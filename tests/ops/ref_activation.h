/* kernels/activation.h, naively in double. */
#ifndef JARGON_TESTS_REF_ACTIVATION_H
#define JARGON_TESTS_REF_ACTIVATION_H

#include <stddef.h>

void ref_relu_forward(double *y, const double *x, size_t n);
void ref_relu_backward(double *dx, const double *dy, const double *x, size_t n);
void ref_silu_forward(double *y, const double *x, size_t n);
void ref_silu_backward(double *dx, const double *dy, const double *x, size_t n);
void ref_glu_forward(double *y, const double *x, int R, int C);
void ref_glu_backward(double *dx, const double *dy, const double *x, int R, int C);

#endif
