/* Elementary functions that the compiler vectorises inside loops: no calls, no branches, no tables;
 * polynomials after the usual reduction of the argument (Muller, "Elementary Functions", 2016). Good without
 * -ffast-math. Largest errors, measured over every float by tests/ops/test_math.c: fast_exp 0.9 ulp, fast_log
 * 0.9 ulp, fast_sigmoid 2.4 ulp. Infinities, NaN and subnormal numbers are as from the C library. */
#ifndef JARGON_KERNELS_CPU_MATH_H
#define JARGON_KERNELS_CPU_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2. 2^n is applied in two halves, so that results that are
 * subnormal or close to the largest float come out right. */
static inline float fast_exp(float x) {
  const float shift =
      12582912.0f; /* 1.5 2^23: adding it rounds to an integer, which then stands in the low bits */
  float clamped = x > 89.0f ? 89.0f : x;
  clamped = clamped < -104.0f ? -104.0f : clamped; /* NaN passes both */
  float shifted = clamped * 1.44269504f + shift;
  float n = shifted - shift;
  float r = fmaf(n, -0.693145752f, clamped); /* ln 2 in two parts: n times the first is exact */
  r = fmaf(n, -1.42860677e-6f, r);
  float p = 1.381982584e-3f; /* (e^r - 1 - r) / r^2 */
  p = fmaf(p, r, 8.368686773e-3f);
  p = fmaf(p, r, 4.166827723e-2f);
  p = fmaf(p, r, 1.666652113e-1f);
  p = fmaf(p, r, 4.999999404e-1f);
  p = fmaf(p * r, r, r) + 1.0f;
  int32_t exponent = (int32_t)(float_bits(shifted) - float_bits(shift)), half = exponent >> 1;
  return p * bits_float((uint32_t)(half + 127) << 23) * bits_float((uint32_t)(exponent - half + 127) << 23);
}

/* log x = e ln 2 + log(1 + f), x = 2^e (1 + f), 1 + f within a factor sqrt(2) of 1. */
static inline float fast_log(float x) {
  const uint32_t low = 0x3f3504f3; /* sqrt(1/2) */
  float lifted = x < 0x1p-126f ? x * 0x1p23f : x;
  uint32_t from_low = float_bits(lifted) - low;
  float e = (float)((int32_t)from_low >> 23) - (x < 0x1p-126f ? 23.0f : 0.0f);
  float f = bits_float((from_low & 0x7fffff) + low) - 1.0f;
  float p = -7.636439055e-2f; /* (log(1 + f) - f + f^2 / 2) / f^3 */
  p = fmaf(p, f, 1.276221722e-1f);
  p = fmaf(p, f, -1.315961033e-1f);
  p = fmaf(p, f, 1.420157999e-1f);
  p = fmaf(p, f, -1.662340909e-1f);
  p = fmaf(p, f, 2.000124156e-1f);
  p = fmaf(p, f, -2.500081956e-1f);
  p = fmaf(p, f, 3.333333135e-1f);
  float tail = fmaf(f * f, fmaf(p, f, -0.5f), e * 1.42860677e-6f);
  float y = fmaf(e, 0.693145752f, f + tail);
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return x < INFINITY ? y : x; /* +infinity and NaN are their own logarithms */
}

/* 1 / (1 + e^-x); 0 below -88.7, where it would be subnormal. */
static inline float fast_sigmoid(float x) { return 1.0f / (1.0f + fast_exp(-x)); }

#endif
