/* Poisson regression with a random intercept per speaker (Liu, Veliche and Peng 2022, arXiv 2109.09061):
 *
 *   errors_i ~ Poisson(words_i exp(x_i beta + b_s)),   b_s ~ N(0, sd^2),   s the speaker of row i
 *
 * fitted by maximum likelihood. The integral over b_s is the trapezoid rule about the mode of the integrand,
 * in steps of half its curvature's standard deviation, out to where the integrand has fallen by e^-40: the
 * error falls exponentially with the step, as that of adaptive Gauss-Hermite quadrature does with its nodes.
 * Newton's method; the information matrix is the difference quotient of the gradient (Fisher's identity). */
#ifndef JARGON_EVAL_MIXED_H
#define JARGON_EVAL_MIXED_H

#include "src/base/status.h"

enum { MIXED_TERMS_MOST = 60 };

typedef struct MixedData {
  int rows, terms;
  const double *x;              /* (rows, terms); the first is 1 */
  const double *errors, *words; /* words > 0 */
  const int *speaker;           /* of each row; rows of a speaker stand together */
} MixedData;

typedef struct MixedFit {
  double beta[MIXED_TERMS_MOST];
  double error[MIXED_TERMS_MOST]; /* standard errors of beta */
  double sd;                      /* 0 when speakers differ by no more than chance */
  double log_likelihood;          /* with the factorials */
  double dispersion; /* Pearson's, over the rows given b at its mode: about 1 when errors are Poisson */
  int speakers;
} MixedFit;

/* How many standard errors the 95 % interval of a coefficient reaches to either side: Student's t with as
 * many degrees of freedom as speakers less terms. */
double mixed_reach(const MixedFit *fit, int terms);

/* Two-sided p of beta[k] = 0. */
double mixed_p(const MixedFit *fit, int terms, int k);

/* ERR_DATA, with the reason, when there is no finite maximum or it is not found. */
Status mixed_fit(const MixedData *data, MixedFit *fit);

#endif
