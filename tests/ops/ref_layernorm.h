/* kernels/layernorm.h in double. */
#ifndef JARGON_TESTS_REF_LAYERNORM_H
#define JARGON_TESTS_REF_LAYERNORM_H

void ref_layernorm_forward(double *y, double *mean, double *rstd, const double *x, const double *gamma,
                           const double *beta, int R, int C, double eps);
void ref_layernorm_backward(double *dx, double *dgamma, double *dbeta, const double *dy, const double *x,
                            const double *gamma, int R, int C, double eps);

#endif
