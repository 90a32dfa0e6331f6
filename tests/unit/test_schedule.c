/* The learning rate's schedule, and the optimiser's groups by name pattern. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/train/groups.h"
#include "src/train/schedule.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void warmup_then_cosine(void **state) {
  (void)state;
  Schedule s = {.peak = 2, .floor = 0.2, .warmup = 10, .total = 110};
  assert_float_equal(schedule_rate(&s, 1), 0.2, 1e-12);
  assert_float_equal(schedule_rate(&s, 5), 1, 1e-12);
  assert_float_equal(schedule_rate(&s, 10), 2, 1e-12);
  assert_float_equal(schedule_rate(&s, 35), 0.2 + 1.8 * 0.5 * (1 + sqrt(0.5)), 1e-12); /* a quarter */
  assert_float_equal(schedule_rate(&s, 60), 1.1, 1e-12);
  assert_float_equal(schedule_rate(&s, 110), 0.2, 1e-12);
  assert_float_equal(schedule_rate(&s, 500), 0.2, 1e-12);
  for (int step = 11; step <= 110; step++) assert_true(schedule_rate(&s, step) < schedule_rate(&s, step - 1));
}

static void no_warmup_and_only_warmup(void **state) {
  (void)state;
  Schedule none = {.peak = 1, .floor = 0, .warmup = 0, .total = 4},
           only = {.peak = 1, .floor = 0, .warmup = 4, .total = 4};
  assert_float_equal(schedule_rate(&none, 2), 0.5, 1e-12);
  assert_float_equal(schedule_rate(&none, 4), 0, 1e-12);
  assert_float_equal(schedule_rate(&only, 4), 1, 1e-12);
  assert_float_equal(schedule_rate(&only, 5), 0, 1e-12);
}

static Param params[] = {
    {.name = "encoder.layers.0.feed_forward1.linear1.weight", .offset = 0, .count = 64, .decay = true},
    {.name = "encoder.layers.0.norm_out.bias", .offset = 64, .count = 8},
    {.name = "encoder.layers.7.conv.depthwise_conv.weight", .offset = 128, .count = 24, .decay = true},
    {.name = "encoder.layers.10.norm_out.bias", .offset = 192, .count = 8},
    {.name = "ctc_head.weight", .offset = 256, .count = 80, .decay = true},
};
enum { PARAMS = sizeof params / sizeof *params };
static const Param *const list[PARAMS] = {&params[0], &params[1], &params[2], &params[3], &params[4]};

static const char *rates[] = {"encoder.*=0.5", "encoder.layers.[0-7].*=0.1", "ctc_head.weight=2"};
static const char *freeze[] = {"*.norm_out.?ias"};

static void patterns_in_order(void **state) {
  (void)state;
  AdamwSegment segments[PARAMS];
  char *report;
  GroupRules rules = {.rates = {rates, 3}, .freeze = {freeze, 1}, .decay = 0.25};
  assert_int_equal(groups_make(segments, list, PARAMS, &rules, &report), OK);
  const float scales[PARAMS] = {0.1f, 0, 0.1f, 0, 2}, decays[PARAMS] = {0.25f, 0, 0.25f, 0, 0.25f};
  for (int i = 0; i < PARAMS; i++) {
    assert_true(segments[i].lr_scale == scales[i]);
    assert_true(segments[i].decay == decays[i]);
    assert_true(segments[i].offset == params[i].offset && segments[i].count == params[i].count);
  }
  assert_non_null(
      strstr(report, "encoder.layers.[0-7].*: learning rate x 0.1: 3 tensors")); /* layer 10 is not [0-7] */
  assert_non_null(strstr(report, "*.norm_out.?ias: frozen: 2 tensors"));
  free(report);
}

static void refuse(const char *rate, const char *frozen, const char *said) {
  AdamwSegment segments[PARAMS];
  char *report;
  GroupRules rules = {.rates = {&rate, rate != NULL}, .freeze = {&frozen, frozen != NULL}};
  assert_int_equal(groups_make(segments, list, PARAMS, &rules, &report), ERR_USAGE);
  if (!strstr(fail_text(), said)) fail_msg("'%s' does not say '%s'", fail_text(), said);
  assert_null(report);
}

static void wrong_rules(void **state) {
  (void)state;
  refuse(NULL, "encoder.layer.*", "'encoder.layer.*' matches no parameter");
  refuse("decoder.*=0.5", NULL, "'decoder.*' matches no parameter");
  refuse("encoder.*", NULL, "not PATTERN=SCALE");
  refuse("encoder.*=", NULL, "not PATTERN=SCALE");
  refuse("encoder.*=-1", NULL, "not PATTERN=SCALE");
  refuse("encoder.*=nan", NULL, "not PATTERN=SCALE");
  refuse("encoder.*=0.5x", NULL, "not PATTERN=SCALE");
  refuse(NULL, "*", "every parameter is frozen");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(warmup_then_cosine),
      cmocka_unit_test(no_warmup_and_only_warmup),
      cmocka_unit_test(patterns_in_order),
      cmocka_unit_test(wrong_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
