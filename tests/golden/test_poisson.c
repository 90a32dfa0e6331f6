/* The Poisson mixed model against fits by scipy (make_poisson.py), and on simulated speakers. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/models.h"
#include "tests/unit/simulated.h"

typedef struct Table {
  MixedData data;
  double *x, *errors, *words;
  int *speaker;
} Table;

static Table table_new(int rows, int terms) {
  Table t = {{0},
             xcalloc((size_t)rows * (size_t)terms, sizeof(double)),
             xcalloc((size_t)rows, sizeof(double)),
             xcalloc((size_t)rows, sizeof(double)),
             xcalloc((size_t)rows, sizeof(int))};
  t.data = (MixedData){rows, terms, t.x, t.errors, t.words, t.speaker};
  return t;
}

static void table_free(Table *t) { free(t->x), free(t->errors), free(t->words), free(t->speaker); }

static void near(const char *what, double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("%s: %.9f instead of %.9f", what, got, want);
}

static double number(FILE *stream) {
  double value;
  assert_int_equal(fscanf(stream, "%lf", &value), 1);
  return value;
}

/* What make_poisson.py wrote. */
typedef struct Golden {
  Table table;
  double beta[MIXED_TERMS_MOST], error[MIXED_TERMS_MOST], sd, log_likelihood;
} Golden;

static Golden golden_read(const char *name) {
  char path[64];
  Golden golden;
  snprintf(path, sizeof path, "tests/golden/poisson/%s.txt", name);
  FILE *stream = fopen(path, "r");
  assert_non_null(stream);
  int rows = (int)number(stream), terms = (int)number(stream);
  for (int k = 0; k < terms; k++) golden.beta[k] = number(stream);
  for (int k = 0; k < terms; k++) golden.error[k] = number(stream);
  golden.sd = number(stream), golden.log_likelihood = number(stream);
  Table *t = &golden.table;
  *t = table_new(rows, terms);
  for (int i = 0; i < rows; i++) {
    t->speaker[i] = (int)number(stream);
    t->errors[i] = number(stream);
    t->words[i] = number(stream);
    for (int k = 0; k < terms; k++) t->x[i * terms + k] = number(stream);
  }
  fclose(stream);
  return golden;
}

static void against_scipy(const char *name) {
  MixedFit fit;
  Golden golden = golden_read(name);
  assert_ok(mixed_fit(&golden.table.data, &fit));
  for (int k = 0; k < golden.table.data.terms; k++) {
    near(name, fit.beta[k], golden.beta[k], 2e-5);
    near(name, fit.error[k], golden.error[k], 2e-4 * golden.error[k]);
  }
  near(name, fit.sd, golden.sd, 2e-5);
  near(name, fit.log_likelihood, golden.log_likelihood, 2e-7);
  table_free(&golden.table);
}

static void nested(void **state) {
  (void)state;
  against_scipy("nested");
}

static void crossed(void **state) {
  (void)state;
  against_scipy("crossed");
}

static void alike(void **state) {
  (void)state;
  against_scipy("alike");
}

/* The same from utterances and their metadata, as evaluation makes it. The value with the most words is the
 * one compared with: of the first key 1, which turns its term around. */
static void from_utterances(void **state) {
  (void)state;
  Hypotheses hypotheses = {0};
  Slices slices;
  Models models;
  Golden golden = golden_read("crossed");
  const Table *t = &golden.table;
  const char *groups[] = {"group", "second"};
  Thresholds thresholds = THRESHOLDS;
  for (int i = 0; i < t->data.rows; i++) {
    simulated_add(&hypotheses, t->speaker[i], t->x[3 * i + 1] > 0 ? "1" : "0", (int64_t)t->words[i],
                  (int64_t)t->errors[i]);
    json_object_set_new(hypotheses.items[i].reference->fields, "second",
                        json_string(t->x[3 * i + 2] > 0 ? "1" : "0"));
  }
  assert_ok(slices_make(&slices, &hypotheses, groups, 2, false, "speaker"));
  models_make(&models, &slices, &hypotheses, &thresholds);
  assert_int_equal(models.count, 3);
  const ModelOf *both = &models.items[2];
  assert_null(both->failed);
  assert_int_equal(both->speakers, 24);
  assert_int_equal(both->left_out, 0);
  assert_int_equal(both->term_count, 2);
  assert_string_equal(both->terms[0].value, "0");
  assert_string_equal(both->terms[1].value, "1");
  near("first key", log(both->terms[0].rate_ratio), -golden.beta[1], 2e-5);
  near("second key", log(both->terms[1].rate_ratio), golden.beta[2], 2e-5);
  near("intercept", both->intercept, golden.beta[0] + golden.beta[1], 2e-5);
  near("sd", both->speaker_sd, golden.sd, 2e-5);
  near("log likelihood", both->log_likelihood, golden.log_likelihood, 2e-7);
  models_free(&models);
  slices_free(&slices);
  simulated_free(&hypotheses);
  table_free(&golden.table);
}

/* Speakers 0 .. n - 1, five utterances each; the odd ones have 1.5 times the errors. */
static Table simulate(Dice *dice, int speakers, double sd) {
  Table t = table_new(speakers * 5, 2);
  for (int i = 0; i < t.data.rows; i++) t.speaker[i] = i / 5;
  for (int s = 0; s < speakers; s++) {
    double intercept = -2 + sd * dice_normal(dice) + s % 2 * log(1.5);
    for (int i = 5 * s; i < 5 * s + 5; i++) {
      t.words[i] = 5 + floor(25 * dice_uniform(dice));
      t.errors[i] = (double)dice_poisson(dice, t.words[i] * exp(intercept));
      t.x[2 * i] = 1, t.x[2 * i + 1] = s % 2;
    }
  }
  return t;
}

static void intervals_cover(void **state) {
  (void)state;
  enum { STUDIES = 400, SPEAKERS = 40 };
  int covered = 0;
  double sd = 0, dispersion = 0;
  for (int study = 0; study < STUDIES; study++) {
    Dice dice = dice_new(study);
    Table t = simulate(&dice, SPEAKERS, 0.4);
    MixedFit fit;
    assert_ok(mixed_fit(&t.data, &fit));
    assert_int_equal(fit.speakers, SPEAKERS);
    covered += fabs(fit.beta[1] - log(1.5)) < mixed_reach(&fit, 2) * fit.error[1];
    sd += fit.sd / STUDIES, dispersion += fit.dispersion / STUDIES;
    table_free(&t);
  }
  near("coverage", (double)covered / STUDIES, 0.95, 0.02);
  near("sd", sd, 0.39, 0.03); /* maximum likelihood is a little too small */
  near("dispersion", dispersion, 1, 0.05);
}

static void refusals(void **state) {
  (void)state;
  Dice dice = dice_new(1);
  Table t = simulate(&dice, 20, 0.4);
  MixedFit fit;
  for (int i = 0; i < t.data.rows; i++)
    if (t.speaker[i] % 2) t.errors[i] = 0;
  assert_fails(mixed_fit(&t.data, &fit), ERR_DATA, "without errors");
  for (int i = 0; i < t.data.rows; i++) t.errors[i] = 1, t.x[2 * i + 1] = 1; /* the same column twice */
  assert_int_equal(mixed_fit(&t.data, &fit), ERR_DATA);
  memset(t.errors, 0, (size_t)t.data.rows * sizeof *t.errors);
  assert_fails(mixed_fit(&t.data, &fit), ERR_DATA, "no errors");
  table_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nested),          cmocka_unit_test(crossed),         cmocka_unit_test(alike),
      cmocka_unit_test(from_utterances), cmocka_unit_test(intervals_cover), cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
