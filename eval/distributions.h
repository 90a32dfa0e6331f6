/* Distribution functions, and the correction for many comparisons. */
#ifndef JARGON_EVAL_DISTRIBUTIONS_H
#define JARGON_EVAL_DISTRIBUTIONS_H

/* P(Z > z) of the standard normal distribution. */
double normal_tail(double z);

/* P(T > t) of Student's distribution with `freedom` > 0 degrees of freedom, whole or not (DLMF 8.17.22). */
double student_tail(double t, double freedom);

/* The z with P(Z > z) = tail and the t with P(T > t) = tail, 0 < tail < 1. */
double normal_upper(double tail);
double student_upper(double tail, double freedom);

/* q[i] = the lowest rate of false discoveries at which comparison i is called (Benjamini and Hochberg 1995);
 * a NAN in p is no comparison and stays NAN. q may be p. */
void benjamini_hochberg(const double *p, int count, double *q);

#endif
