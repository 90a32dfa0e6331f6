/* kernels/gemm.h in double, as plainly as it can be written. */
#ifndef JARGON_TESTS_REF_GEMM_H
#define JARGON_TESTS_REF_GEMM_H

void ref_gemm_forward(double *y, const double *x, const double *w, const double *bias, int M, int N, int K);
void ref_gemm_backward_input(double *dx, const double *dy, const double *w, int M, int N, int K);
void ref_gemm_backward_weight(double *dw, double *dbias, const double *dy, const double *x, int M, int N, int K);

#endif
