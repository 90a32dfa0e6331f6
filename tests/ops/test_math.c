/* kernels/cpu/math.h against the C library in double, over floats that cover every exponent and sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/cpu/math.h"

enum { BLOCK = 1024 };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define BLOCK_OF(name)                                                                                       \
  static void name##_block(float *y, const float *x) {                                                       \
    for (int i = 0; i < BLOCK; i++) y[i] = name(x[i]);                                                       \
  }
BLOCK_OF(fast_exp)
BLOCK_OF(fast_log)
BLOCK_OF(fast_sigmoid)

/* The spacing of floats around the exact value. */
static double ulp(double exact) {
  int exponent;
  frexp(exact, &exponent);
  return ldexp(1, exponent - 24 > -149 ? exponent - 24 : -149);
}

/* The largest error in ulp over every `step`-th float. smallest: exact values nearer to 0 may come out as 0.
 */
static double worst(void (*block)(float *, const float *), double (*exact)(double), uint64_t step,
                    double smallest) {
  double most = 0;
#pragma omp parallel for schedule(static) reduction(max : most)
  for (uint64_t first = 0; first < (uint64_t)1 << 32; first += step * BLOCK) {
    float x[BLOCK], y[BLOCK];
    for (uint64_t i = 0; i < BLOCK; i++) x[i] = bits_float((uint32_t)(first + i * step));
    block(y, x);
    for (int i = 0; i < BLOCK; i++) {
      double want = exact(x[i]);
      double error = fabs(y[i] - want) / ulp(want);
      if (isnan(want) || isinf((float)want))
        error = (isnan(want) ? isnan(y[i]) : y[i] == (float)want) ? 0 : INFINITY;
      if (isinf(y[i]) && isinf((float)want)) error = 0;
      if (fabs(want) < smallest && y[i] == 0) error = 0;
      if (!(error <= most)) most = error;
    }
  }
  return most;
}

/* Prints what was measured; JARGON_MATH_STEP=1 goes over every float. */
static void test_errors(void **state) {
  (void)state;
  const char *chosen = getenv("JARGON_MATH_STEP");
  uint64_t step = chosen ? strtoull(chosen, NULL, 10) : 131;
  double exp_worst = worst(fast_exp_block, exp, step, 0), log_worst = worst(fast_log_block, log, step, 0);
  double sigmoid_worst = worst(fast_sigmoid_block, sigmoid, step, 0x1p-126);
  printf("largest error in ulp: exp %.3f, log %.3f, sigmoid %.3f\n", exp_worst, log_worst, sigmoid_worst);
  assert_true(exp_worst <= 1.1);
  assert_true(log_worst <= 0.9);
  assert_true(sigmoid_worst <= 2.5);
}

/* Single values that the steps above may miss. */
static void test_special(void **state) {
  (void)state;
  assert_true(fast_exp(0) == 1 && fast_exp(-INFINITY) == 0 && fast_exp(INFINITY) == INFINITY &&
              isnan(fast_exp(NAN)));
  assert_true(fast_log(1) == 0 && fast_log(0) == -INFINITY && fast_log(INFINITY) == INFINITY);
  assert_true(isnan(fast_log(-1)) && isnan(fast_log(-INFINITY)) && isnan(fast_log(NAN)));
  assert_true(fast_sigmoid(0) == 0.5f && fast_sigmoid(INFINITY) == 1 && fast_sigmoid(-INFINITY) == 0);
  assert_true(isnan(fast_sigmoid(NAN)));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors), cmocka_unit_test(test_special)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
