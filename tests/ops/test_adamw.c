/* The optimiser: kernels/adamw.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_adamw.h"

enum { SEGMENTS = 5 };

/* Segments over n floats with gaps between them, one frozen, one empty, one without decay. */
static void segments_over(AdamwSegment *segments, size_t n) {
  static const AdamwSegment kinds[SEGMENTS] = {{.lr_scale = 1, .decay = 0.01F},
                                               {.lr_scale = 0, .decay = 0.5F},
                                               {.lr_scale = 0.1F, .decay = 0},
                                               {.lr_scale = 1, .decay = 0.1F},
                                               {.lr_scale = 3, .decay = 0}};
  for (size_t s = 0; s < SEGMENTS; s++) {
    segments[s] = kinds[s];
    segments[s].offset = n * s / SEGMENTS;
    segments[s].count = n * (s + 1) / SEGMENTS - segments[s].offset;
    if (segments[s].count > 1) segments[s].count--; /* the float after it is nobody's */
  }
  segments[3].count = 0;
}

typedef struct State {
  Tensor *w, *m, *v, *g, *norm;
} State;

static State state_new(Ops *t, size_t n, double norm) {
  double *squares = ops_host(t, n * sizeof *squares);
  State s = {.w = ops_updated(t, "w", n), .m = ops_updated(t, "m", n), .v = ops_updated(t, "v", n)};
  for (size_t i = 0; i < n; i++) { /* v is a mean of squares: not negative */
    s.v->initial[i] *= s.v->initial[i];
    s.v->want[i] = (double)s.v->initial[i];
  }
  t->backend->memory_upload(t->stream, s.v->data, s.v->initial, n * sizeof(float));
  for (size_t i = 0; i < n; i++) squares[i] = ops_random(t);
  s.g = ops_given(t, "g", squares, n);
  s.norm = ops_given(t, "norm", &norm, 1);
  return s;
}

/* Of a run with that many updates, this one included. */
static const Tally *tally_of(Ops *t, bool updated, int updates) {
  Tally tally = {.updated = updated, .updates = updates};
  return ops_bytes(t, "tally", &tally, sizeof tally);
}

static void check_step(Ops *t, size_t n, double norm, int updates, AdamwConfig config) {
  AdamwSegment segments[SEGMENTS];
  segments_over(segments, n);
  State s = state_new(t, n, norm);
  t->backend->adamw_step(t->stream, s.w->data, NULL, s.m->data, s.v->data, s.g->data, s.norm->data,
                         tally_of(t, true, updates), segments, SEGMENTS, config);
  ref_adamw_step(s.w->want, s.m->want, s.v->want, s.g->want, s.norm->want[0], updates, segments, SEGMENTS,
                 config);
}

static void step_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  AdamwConfig config = {.lr = 0.1F, .beta1 = 0.9F, .beta2 = 0.98F, .eps = 1e-3F, .clip = 0};
  check_step(t, n, 7, 1, config); /* the first step's corrections are the largest */
  check_step(t, n, 7, 1000, config);
  config.clip = 2;
  check_step(t, n, 7, 1000, config);   /* clips */
  check_step(t, n, 1.5, 1000, config); /* is within the bound */
  check_step(t, n, 0, 1000, config);
}

/* A step that is skipped: w, m and v keep their bits. */
static void skipped_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  AdamwSegment segments[SEGMENTS];
  segments_over(segments, n);
  State s = state_new(t, n, 1);
  AdamwConfig config = {.lr = 0.1F, .beta1 = 0.9F, .beta2 = 0.98F, .eps = 1e-8F, .clip = 1};
  t->backend->adamw_step(t->stream, s.w->data, NULL, s.m->data, s.v->data, s.g->data, s.norm->data,
                         tally_of(t, false, 3), segments, SEGMENTS, config);
  const Tensor *kept[] = {s.w, s.m, s.v};
  for (int k = 0; k < 3; k++)
    assert_memory_equal(ops_download(t, kept[k]->data, n), kept[k]->initial, n * sizeof(float));
}

/* The copy of the weights in the activation type, of frozen ones too. */
static void copy_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  AdamwSegment segments[2] = {{.offset = 0, .count = n / 2, .lr_scale = 1},
                              {.offset = n / 2, .count = n - n / 2, .lr_scale = 0}};
  AdamwConfig config = {.lr = 0.1F, .beta1 = 0.9F, .beta2 = 0.98F, .eps = 1e-3F};
  State s = state_new(t, n, 1);
  Tensor *copy = ops_output(t, "copy of w", n);
  t->backend->adamw_step(t->stream, s.w->data, copy->data, s.m->data, s.v->data, s.g->data, s.norm->data,
                         tally_of(t, true, 1), segments, 2, config);
  ref_adamw_step(s.w->want, s.m->want, s.v->want, s.g->want, 1, 1, segments, 2, config);
  memcpy(copy->want, s.w->want, n * sizeof *copy->want);
}

static void norm_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C + 40000; /* more than one tile of the sums */
  AdamwSegment segments[SEGMENTS];
  segments_over(segments, n);
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = ops_random(t) * (i % 1000 == 0 ? 1e4 : 1);
  Tensor *g = ops_given(t, "g", values, n), *norm = ops_output(t, "norm", 1),
         *none = ops_output(t, "norm of none", 1);
  t->backend->gradient_norm(t->stream, norm->data, g->data, segments, SEGMENTS);
  t->backend->gradient_norm(t->stream, none->data, g->data, segments, 0);
  norm->want[0] = ref_gradient_norm(g->want, segments, SEGMENTS);
  none->want[0] = 0;
}

/* One infinite or NaN gradient shows in the norm; a frozen one does not. */
static void bad_gradient_case(Ops *t, const Shape *shape) {
  (void)shape;
  const double bad[] = {INFINITY, -INFINITY, NAN};
  AdamwSegment segments[2] = {{.offset = 0, .count = 20000, .lr_scale = 1},
                              {.offset = 20000, .count = 10, .lr_scale = 0}};
  for (int i = 0; i < 3; i++)
    for (int frozen = 0; frozen < 2; frozen++) {
      double *values = ops_host(t, 20010 * sizeof *values);
      values[3] = 2;
      values[frozen ? 20003 : 17003] = bad[i];
      Tensor *g = ops_given(t, "g", values, 20010), *norm = ops_output(t, "norm", 1);
      t->backend->gradient_norm(t->stream, norm->data, g->data, segments, 2);
      float got = *ops_download(t, norm->data, 1);
      assert_true(frozen ? got == 2 : !isfinite(got));
      t->backend->memory_zero(t->stream, norm->data, sizeof(float)); /* what a NaN is compared with */
      norm->want[0] = 0;
    }
}

static void test_step(void **state) { (void)state, ops_run("adamw_step", step_case); }
static void test_skipped(void **state) { (void)state, ops_run("adamw_step, skipped", skipped_case); }
static void test_copy(void **state) { (void)state, ops_run("adamw_step with a copy", copy_case); }
static void test_norm(void **state) { (void)state, ops_run("gradient_norm", norm_case); }
static void test_bad_gradient(void **state) {
  (void)state, ops_run("gradient_norm, not finite", bad_gradient_case);
}

static void bench(Ops *t) {
  size_t n = 1000000;
  AdamwSegment segments[SEGMENTS];
  segments_over(segments, n);
  AdamwConfig config = {.lr = 1e-3F, .beta1 = 0.9F, .beta2 = 0.98F, .eps = 1e-8F, .clip = 1};
  State s = state_new(t, n, 1);
  const Tally *tally = tally_of(t, true, 1000);
  for (OpsTimer timer = ops_timer(t, "gradient_norm", "n=1000000", 4.0 * (double)n, 0); ops_again(&timer);)
    t->backend->gradient_norm(t->stream, s.norm->data, s.g->data, segments, SEGMENTS);
  for (OpsTimer timer = ops_timer(t, "adamw_step", "n=1000000", 28.0 * (double)n, 0); ops_again(&timer);)
    t->backend->adamw_step(t->stream, s.w->data, NULL, s.m->data, s.v->data, s.g->data, s.norm->data, tally,
                           segments, SEGMENTS, config);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_step), cmocka_unit_test(test_skipped),
                                     cmocka_unit_test(test_copy), cmocka_unit_test(test_norm),
                                     cmocka_unit_test(test_bad_gradient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
