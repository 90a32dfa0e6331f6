/* kernels/depthwise.h in double, as its formula stands; dx, dw and db are assigned. bias and db may be NULL.
 */
#ifndef JARGON_TESTS_REF_DEPTHWISE_H
#define JARGON_TESTS_REF_DEPTHWISE_H

void ref_depthwise_forward(double *y, const double *x, const double *weight, const double *bias,
                           const int *offsets, int U, int C, int K);
void ref_depthwise_backward(double *dx, double *dw, double *db, const double *dy, const double *x,
                            const double *weight, const int *offsets, int U, int C, int K);

#endif
