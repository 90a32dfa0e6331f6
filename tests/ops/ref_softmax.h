/* kernels/softmax.h, naively in double. */
#ifndef JARGON_TESTS_REF_SOFTMAX_H
#define JARGON_TESTS_REF_SOFTMAX_H

void ref_softmax_forward(double *y, const double *x, int R, int C);
void ref_softmax_backward(double *dx, const double *dy, const double *y, int R, int C);
void ref_log_softmax_forward(double *y, const double *x, int R, int C);
void ref_log_softmax_backward(double *dx, const double *dy, const double *y, int R, int C);

#endif
