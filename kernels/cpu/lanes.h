/* Eight neighbouring channels at once, by the compiler's vector extension: the convolutions keep several of
 * these in registers. The last channels of a row may be fewer than eight: those lanes are loaded as 0 and not
 * stored. */
#ifndef JARGON_KERNELS_CPU_LANES_H
#define JARGON_KERNELS_CPU_LANES_H

#include <string.h>

enum { LANES = 8 };

typedef float Lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* How many of the eight channels from `first` on exist. */
static inline int lanes_left(int C, int first) { return C - first < LANES ? C - first : LANES; }

static inline Lanes lanes_load(const float *x, int n) {
  if (n == LANES) return *(const Lanes *)x;
  Lanes v = {0};
  memcpy(&v, x, sizeof(float) * (size_t)n);
  return v;
}

static inline void lanes_store(float *y, Lanes v, int n) {
  if (n == LANES)
    *(Lanes *)y = v;
  else
    memcpy(y, &v, sizeof(float) * (size_t)n);
}

/* The same value in every lane. */
static inline Lanes lanes_all(float x) { return (Lanes){x, x, x, x, x, x, x, x}; }

/* Adds the lanes to sums kept in double. */
static inline void lanes_add(double *sum, Lanes v) {
  for (int i = 0; i < LANES; i++) sum[i] += (double)v[i];
}

#endif
