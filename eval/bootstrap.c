#include "eval/bootstrap.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/random.h"

const char BOOTSTRAP_METHOD[] = "expanded percentile bootstrap over speakers";

void bootstrap_ratios(const Bootstrap *bootstrap, const Block *blocks, int count, double *ratios) {
#pragma omp parallel for schedule(static)
  for (int r = 0; r < bootstrap->replicates; r++) {
    uint64_t key = random_row(bootstrap->seed, (uint32_t)r, 0, 0, 0);
    int64_t errors = 0, words = 0;
    for (int draw = 0; draw < count; draw++) {
      const Block *block = &blocks[(uint64_t)random_bits(key, (uint32_t)draw) * (uint64_t)count >> 32];
      errors += block->errors;
      words += block->words;
    }
    ratios[r] = (double)errors / (double)words;
  }
}

/* Ascending, whatever is not a number last. */
static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

/* The 97.5 % point of Student's t: Cornish and Fisher's expansion, Abramowitz and Stegun 26.7.5. From 9
 * degrees of freedom on it is right to 0.0003. */
static double student_975(double freedom) {
  double z = 1.959963984540054, z2 = z * z, n = 4 * freedom;
  return z + z * (z2 + 1) / n + z * (5 * z2 * z2 + 16 * z2 + 3) / (6 * n * n) +
         z * (3 * z2 * z2 * z2 + 19 * z2 * z2 + 17 * z2 - 15) / (6 * n * n * n);
}

/* The p-th quantile of n sorted values, between the two nearest at rank p (n + 1). */
static double quantile(const double *sorted, int n, double p) {
  double rank = fmin(fmax(p * (n + 1) - 1, 0), n - 1);
  int below = (int)rank, above = below + 1 < n ? below + 1 : below;
  if (sorted[below] == sorted[above]) return sorted[below];
  return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
}

bool bootstrap_interval(double *ratios, int replicates, int blocks, Interval *interval) {
  assert(replicates > 0 && blocks > 1);
  double tail = erfc(student_975(blocks - 1) * sqrt(blocks / (blocks - 1.0)) / sqrt(2)) / 2;
  qsort(ratios, (size_t)replicates, sizeof *ratios, compare);
  *interval = (Interval){quantile(ratios, replicates, tail), quantile(ratios, replicates, 1 - tail)};
  return isfinite(interval->low) && isfinite(interval->high);
}
