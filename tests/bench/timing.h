/* What the benchmarks share: the clock, and the order of doubles for qsort(). */
#ifndef JARGON_TESTS_BENCH_TIMING_H
#define JARGON_TESTS_BENCH_TIMING_H

#include <time.h>

/* Seconds, from any start. */
static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

#endif
