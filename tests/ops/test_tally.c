/* What a training run counts on the device: kernels/tally.h. Counters and doubles, so equal to the last bit.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"

/* In backend memory, with another one after it that nothing may touch. */
static Tally *tally_new(Ops *t, Tally first) {
  Tally both[2] = {first, {.step_nll = 7, .updates = 7}}, *tally = t->backend->memory_new(sizeof both);
  t->backend->memory_upload(t->stream, tally, both, sizeof both);
  t->backend->stream_sync(t->stream);
  return tally;
}

static Tally tally_get(Ops *t, Tally *tally) {
  Tally both[2], guard = {.step_nll = 7, .updates = 7};
  t->backend->memory_download(t->stream, both, tally, sizeof both);
  t->backend->stream_sync(t->stream);
  t->backend->memory_free(tally);
  assert_memory_equal(&both[1], &guard, sizeof guard);
  return both[0];
}

/* The tally is compared here; what ops_run() compares is one number of it. */
static void tally_same(Ops *t, const Tally *got, const Tally *want, const char *what, double number) {
  Tensor *out = ops_output(t, what, 1);
  float value = (float)number;
  t->backend->memory_upload(t->stream, out->data, &value, sizeof value);
  t->backend->stream_sync(t->stream);
  out->want[0] = number;
  if (memcmp(got, want, sizeof *want) != 0) fail_msg("%s on %s: another tally", what, t->backend->name);
}

static void batch_case(Ops *t, const Shape *shape) {
  int U = shape->U;
  double *values = ops_host(t, ((size_t)U + 1) * sizeof *values), sum = 0.1;
  for (int u = 0; u < U; u++) values[u] = ops_random(t) * (u % 2 ? 1e6 : 1);
  Tensor *nll = ops_given(t, "nll", values, (size_t)U);
  for (int u = 0; u < U; u++) sum += nll->want[u];
  Tally *tally = tally_new(t, (Tally){.step_nll = 0.1, .sum_nll = 5});
  t->backend->tally_batch(t->stream, tally, nll->data, U);
  Tally got = tally_get(t, tally), want = {.step_nll = sum, .sum_nll = 5};
  tally_same(t, &got, &want, "nll of a batch", sum);
}

static void step_case(Ops *t, const Shape *shape) {
  (void)shape;
  static const struct {
    const char *what;
    double nll, norm;
    int64_t in_row, updated;
  } cases[] = {{"an update", 3, 2, 0, 1},
               {"the last chance", 3, 2, 3, 1},
               {"as many skipped as may be", 3, 2, 4, 0},
               {"an infinite loss", INFINITY, 2, 0, 0},
               {"a loss of NaN", NAN, 2, 1, 0},
               {"a loss of -infinity", -INFINITY, 2, 0, 0},
               {"a norm of NaN", 3, NAN, 0, 0},
               {"an infinite norm", 3, INFINITY, 2, 0},
               {"large", 1e300, 1e38, 0, 1},
               {"nothing", 0, 0, 0, 1},
               {"all bad", NAN, NAN, 9, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Tally before = {.step_nll = cases[i].nll,
                    .updated = 5,
                    .updates = 10,
                    .batches = 30,
                    .skipped = 9,
                    .skipped_in_row = cases[i].in_row,
                    .sum_updates = 4,
                    .sum_labels = 100,
                    .sum_nll = 50,
                    .sum_norm = 20};
    Tally want = before, *tally = tally_new(t, before);
    Tensor *norm = ops_given(t, "norm", &cases[i].norm, 1);
    t->backend->tally_step(t->stream, tally, norm->data,
                           (TallyStepInfo){.labels = 17, .batches = 2, .most_in_row = 4});
    want.step_nll = 0;
    want.updated = cases[i].updated;
    if (want.updated) {
      want.updates = 11;
      want.batches = 32;
      want.skipped_in_row = 0;
      want.sum_updates = 5;
      want.sum_labels = 117;
      want.sum_nll += cases[i].nll;
      want.sum_norm += norm->want[0];
    } else {
      want.skipped = 10;
      want.skipped_in_row++;
    }
    Tally got = tally_get(t, tally);
    tally_same(t, &got, &want, cases[i].what, (double)want.updates);
  }
}

static void keep_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  for (int updated = 0; updated < 2; updated++) {
    Tally *tally = tally_new(t, (Tally){.updated = updated});
    Tensor *x = ops_updated(t, "x", n), *kept = ops_updated(t, "kept", n);
    t->backend->tally_keep(t->stream, tally, x->data, kept->data, n);
    memcpy(updated ? kept->want : x->want, updated ? x->want : kept->want, n * sizeof *x->want);
    assert_int_equal(tally_get(t, tally).updated, updated);
  }
}

static void test_batch(void **state) { (void)state, ops_run("tally_batch", batch_case); }
static void test_step(void **state) { (void)state, ops_run("tally_step", step_case); }
static void test_keep(void **state) { (void)state, ops_run("tally_keep", keep_case); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_batch), cmocka_unit_test(test_step),
                                     cmocka_unit_test(test_keep)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
