/* kernels/batchnorm.h in double, as its formulas stand, over N rows; dx, dgamma and dbeta are assigned. */
#ifndef JARGON_TESTS_REF_BATCHNORM_H
#define JARGON_TESTS_REF_BATCHNORM_H

/* var_more: the variance over N - 1 (over N when N = 1). */
void ref_batchnorm_statistics(double *mean, double *var, double *var_more, const double *x, int N, int C);
void ref_batchnorm_apply(double *y, const double *x, const double *gamma, const double *beta,
                         const double *mean, const double *var, int N, int C, double eps);
void ref_batchnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dy, const double *x,
                            const double *gamma, int N, int C, double eps);

#endif
