/* Distribution functions against tables, and Benjamini-Hochberg against its paper's example. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/distributions.h"

static void near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("%.12g instead of %.12g", got, want);
}

/* scipy.stats: norm.sf, norm.isf, t.sf, t.isf. */
static void tables(void **state) {
  (void)state;
  near(normal_tail(1.959963984540054), 0.025, 1e-15);
  near(normal_upper(0.025), 1.959963984540054, 1e-12);
  near(normal_upper(0.9), -1.2815515655446004, 1e-12);
  near(student_tail(1, 1), 0.25, 1e-14);
  near(student_tail(-1, 1), 0.75, 1e-14);
  near(student_tail(0, 7), 0.5, 1e-14);
  near(student_tail(4, 2), (1 - 4 / sqrt(18)) / 2, 1e-14);
  near(student_upper(0.025, 9), 2.2621571627982053, 1e-11);
  near(student_upper(0.025, 2.5), 3.5746548420036834, 1e-11);
  near(student_upper(0.2, 30), 0.853767261471298, 1e-12);
  near(student_upper(0.025, 1e7), 1.9599642217672055, 1e-8);
  near(student_tail(30, 100), 4.190166279344164e-52, 1e-62);
}

/* Benjamini and Hochberg 1995, section 3.2: fifteen p-values, of which four are called at 0.05. */
static void paper(void **state) {
  (void)state;
  const double p[15] = {0.0001, 0.3240, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298,
                        0.0344, 0.0459, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  double q[15];
  int called = 0;
  benjamini_hochberg(p, 15, q);
  for (int i = 0; i < 15; i++) called += q[i] <= 0.05;
  assert_int_equal(called, 4);
  near(q[0], 0.0015, 1e-12);
  near(q[4], 0.0095 * 15 / 4, 1e-12);
  near(q[6], 0.0298 * 15 / 7 < 0.0278 * 15 / 6 ? 0.0298 * 15 / 7 : 0.0278 * 15 / 6, 1e-12); /* never falls */
  near(q[14], 1, 0);
}

static void gaps_in_the_list(void **state) {
  (void)state;
  double p[4] = {NAN, 0.02, 0.5, NAN};
  benjamini_hochberg(p, 4, p);
  assert_true(isnan(p[0]) && isnan(p[3]));
  near(p[1], 0.04, 1e-15);
  near(p[2], 0.5, 1e-15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables),
      cmocka_unit_test(paper),
      cmocka_unit_test(gaps_in_the_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
