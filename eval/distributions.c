#include "eval/distributions.h"

#include <math.h>
#include <stdlib.h>

#include "src/base/status.h"

double normal_tail(double z) { return erfc(z / sqrt(2)) / 2; }

/* The continued fraction of the incomplete beta function, from the front (Lentz), for x < (a + 1) / (a + b +
 * 2). */
static double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < 10000; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + even * d), c = 1 + even / c;
    value *= c * d;
    d = 1 / (1 + odd * d), c = 1 + odd / c;
    value *= c * d;
    if (fabs(c * d - 1) < 1e-15) break;
  }
  return value;
}

/* The regularised incomplete beta function. */
static double beta_regular(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x >= 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double student_tail(double t, double freedom) {
  double both = beta_regular(freedom / 2, 0.5, freedom / (freedom + t * t));
  return t > 0 ? both / 2 : 1 - both / 2;
}

/* Halves the interval that holds the point until nothing lies between its ends; freedom <= 0: normal. */
static double upper(double tail, double freedom) {
  double low = -1, high = 1;
  while ((freedom > 0 ? student_tail(low, freedom) : normal_tail(low)) < tail) low *= 2;
  while ((freedom > 0 ? student_tail(high, freedom) : normal_tail(high)) > tail) high *= 2;
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    *((freedom > 0 ? student_tail(middle, freedom) : normal_tail(middle)) > tail ? &low : &high) = middle;
  }
  return (low + high) / 2;
}

double normal_upper(double tail) { return upper(tail, 0); }
double student_upper(double tail, double freedom) { return upper(tail, freedom); }

typedef struct Ranked {
  double p;
  int at;
} Ranked;

static int by_p(const void *left, const void *right) {
  double a = ((const Ranked *)left)->p, b = ((const Ranked *)right)->p;
  return (a > b) - (a < b);
}

void benjamini_hochberg(const double *p, int count, double *q) {
  Ranked *ranked = xcalloc((size_t)count, sizeof *ranked);
  int made = 0;
  for (int i = 0; i < count; i++) {
    if (isnan(p[i]))
      q[i] = NAN;
    else
      ranked[made++] = (Ranked){p[i], i};
  }
  qsort(ranked, (size_t)made, sizeof *ranked, by_p);
  double least = 1;
  for (int i = made - 1; i >= 0; i--) {
    least = fmin(least, ranked[i].p * made / (i + 1));
    q[ranked[i].at] = least;
  }
  free(ranked);
}
