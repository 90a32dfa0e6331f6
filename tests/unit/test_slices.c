/* Cells, their intervals, ranks and comparison; gaps and matched utterances. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/alike.h"
#include "eval/gaps.h"
#include "tests/unit/simulated.h"

static const Bootstrap BOOTSTRAP = {1, 2000};

/* Three groups: 12 speakers at 10 %, 11 at 20 % and 9 at 50 %, two utterances of 50 words each; one utterance
 * without group, one without speaker, one without words. The system before has twice the errors. */
static Hypotheses example(void) {
  Hypotheses hypotheses = {0};
  for (int s = 0; s < 32; s++)
    for (int u = 0; u < 2; u++) {
      const char *group = s < 12 ? "a" : s < 23 ? "b" : "c";
      int errors = s < 12 ? 5 : s < 23 ? 10 : 25;
      simulated_add(&hypotheses, s, group, 50, errors + s % 3 - 1);
    }
  simulated_add(&hypotheses, 0, "N/A", 10, 1);
  simulated_add(&hypotheses, 0, "c", 20, 20);
  json_object_set_new(hypotheses.items[65].reference->fields, "speaker", json_string("unknown"));
  simulated_add(&hypotheses, 31, "c", 0, 3);
  for (int i = 0; i < hypotheses.count; i++) {
    hypotheses.items[i].before = "";
    hypotheses.items[i].before_rates.words = hypotheses.items[i].rates.words;
    hypotheses.items[i].before_rates.words.ins += align_errors(hypotheses.items[i].rates.words);
  }
  return hypotheses;
}

static void cells(void **state) {
  (void)state;
  Hypotheses hypotheses = example();
  Slices slices;
  const char *groups[] = {"group"};
  assert_ok(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &THRESHOLDS);
  assert_int_equal(slices.count, 2);
  assert_int_equal(slices.speakers, 32);
  const Cell *all = slices.items[0].cells, *group = slices.items[1].cells;
  assert_int_equal(all->utterances, 67);
  assert_int_equal(all->speakers, 32);
  assert_int_equal(all->unknown_speaker, 1);
  assert_int_equal(all->empty_references, 1);
  assert_int_equal(all->empty_insertions, 3);
  assert_int_equal(align_reference(all->rates.words), 3230);
  assert_int_equal(slices.items[1].count, 4); /* unknown is a row, the last */
  assert_null(group[3].values[0]);
  assert_int_equal(group[3].utterances, 1);
  assert_string_equal(group[1].values[0], "b");
  assert_int_equal(group[0].speakers, 12);
  assert_int_equal(group[2].speakers, 9);
  assert_null(group[0].no_interval);
  assert_string_equal(group[2].no_interval, "too few speakers");
  assert_int_equal(group[2].rank, 0);
  assert_int_equal(group[0].rank, 1);
  assert_int_equal(group[1].rank, 2);
  /* speakers 20, 21, 22 of b have 11, 9, 10: mean 0.2 less what s % 3 makes of 11 speakers */
  assert_float_equal(group[0].speaker_wer, 0.1, 1e-12);
  assert_float_equal(rates_error(group[0].rates.words), 0.1, 1e-12);
  assert_true(group[0].interval.low < 0.1 && group[0].interval.high > 0.1);
  const Before *before = &group[0].before;
  assert_float_equal(before->speaker_wer, 0.2, 1e-12);
  assert_true(before->difference.high < 0 && before->difference.low < -0.1 &&
              before->difference.high > -0.12);
  assert_float_equal(before->improvement, 1, 0);
  assert_true(before->p < 0.01 && before->q >= before->p);
  assert_true(isnan(group[2].before.p));
  assert_int_equal(group[2].power.of_all, true);
  assert_int_equal(group[0].power.of_all, false);
  slices_free(&slices);
  simulated_free(&hypotheses);
}

/* Utterances without the metadata: a rate and an interval, but neither the best group nor the worst. */
static void unknown_is_no_group(void **state) {
  (void)state;
  Hypotheses hypotheses = example();
  Slices slices;
  const char *groups[] = {"group", "group*speaker"};
  for (int s = 40; s < 52; s++) simulated_add(&hypotheses, s, "unknown", 50, 1 + s % 2);
  for (int i = 0; i < hypotheses.count; i++) hypotheses.items[i].before = NULL;
  assert_ok(slices_make(&slices, &hypotheses, groups, 2, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &THRESHOLDS);
  const Cell *cell = slices.items[1].cells;
  assert_int_equal(slices.items[1].count, 4);
  assert_null(cell[3].values[0]);
  assert_null(cell[3].no_interval);
  assert_int_equal(cell[3].rank, 0);
  assert_int_equal(cell[0].rank, 1);
  assert_int_equal(cell[1].rank, 2);
  assert_true(cell[3].power.speaker_sd == 0);
  assert_false(cell_is_group(&slices.items[1], &cell[3]));
  assert_false(cell_is_group(&slices.items[2], &slices.items[2].cells[slices.items[2].count - 1]));
  assert_true(cell_is_group(&slices.items[2], &slices.items[2].cells[0]));
  slices_free(&slices);
  simulated_free(&hypotheses);
}

/* No number of speakers is planned below that from which a gap is stated, nor a gap promised there. */
static void power_of_cells(void **state) {
  (void)state;
  Hypotheses hypotheses = example();
  Slices slices;
  const char *groups[] = {"group"};
  Thresholds thresholds = THRESHOLDS;
  thresholds.gap = 0.9;
  assert_ok(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &thresholds);
  const Cell *group = slices.items[1].cells;
  assert_int_equal(group[2].speakers, 9);
  assert_int_equal(group[2].power.needed, 10);
  assert_true(isnan(group[2].power.detectable));
  assert_int_equal(group[0].power.needed, 10); /* it has 12 */
  assert_true(group[0].power.detectable > 0 && group[0].power.detectable < 0.9);
  slices_free(&slices);
  simulated_free(&hypotheses);
  for (int s = 0; s < 21; s++) simulated_add(&hypotheses, s, s < 12 ? "a" : "c", 50, 5 + s % 3);
  assert_ok(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &thresholds);
  group = slices.items[1].cells; /* the rest of a are the nine of c: a has no gap, whatever its size */
  assert_int_equal(group[0].power.needed, 0);
  assert_true(isnan(group[0].power.detectable));
  assert_int_equal(group[1].power.needed, 10);
  assert_true(!group[0].no_interval && group[1].no_interval);
  assert_int_equal(group[0].rank, 0); /* the only one with an interval */
  slices_free(&slices);
  simulated_free(&hypotheses);
}

static void gap(void **state) {
  (void)state;
  Hypotheses hypotheses = example();
  Slices slices;
  Gaps gaps;
  const char *groups[] = {"group", "speaker"};
  assert_ok(slices_make(&slices, &hypotheses, groups, 2, true, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &THRESHOLDS);
  gaps_make(&gaps, &slices, &hypotheses, NULL, 0, &BOOTSTRAP, &THRESHOLDS);
  assert_int_equal(gaps.count, 1); /* c is too small, unknown is no group */
  const Gap *one = &gaps.items[0];
  assert_string_equal(one->a->values[0], "a");
  assert_string_equal(one->b->values[0], "b");
  assert_int_equal(one->figures.words[0], 1200);
  assert_float_equal(one->figures.difference, 0.1 - one->figures.wer[1], 1e-12);
  assert_true(one->figures.difference_interval.high < -0.08 && one->figures.p < 0.01);
  assert_true(one->figures.ratio_interval.low > 0.4 && one->figures.ratio_interval.high < 0.6);
  assert_float_equal(one->q, one->figures.p, 1e-15);
  assert_int_equal(one->pairs, 22); /* all of b: the utterances are alike */
  gaps_free(&gaps);
  slices_free(&slices);
  simulated_free(&hypotheses);
}

/* Longer utterances are harder, nothing else: the raw gap is large, the matched one is not. */
static void matching(void **state) {
  (void)state;
  Hypotheses hypotheses = {0};
  Dice dice = dice_new(5);
  for (int s = 0; s < 60; s++)
    for (int u = 0; u < 10; u++) {
      int64_t words = 5 + (int64_t)(30 * dice_uniform(&dice)) + (s < 30 ? 10 : 0);
      simulated_add(&hypotheses, s, s < 30 ? "a" : "b", words,
                    dice_poisson(&dice, 0.01 * (double)words * (double)words));
    }
  Slices slices;
  Gaps gaps;
  const char *groups[] = {"group"};
  assert_ok(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &THRESHOLDS);
  gaps_make(&gaps, &slices, &hypotheses, NULL, 0, &BOOTSTRAP, &THRESHOLDS);
  const Gap *one = &gaps.items[0];
  assert_true(one->figures.difference > 0.05 && one->figures.p < 0.01);
  assert_true(one->pairs > 150 && one->pairs < 300);
  assert_true(fabs(one->words[0] - one->words[1]) < 1);
  assert_true(one->matched.difference_interval.low < 0 && one->matched.difference_interval.high > 0);
  gaps_free(&gaps);
  slices_free(&slices);
  simulated_free(&hypotheses);
}

/* Every pair is within the caliper and the exact key, no utterance comes twice, and nobody near is left over.
 */
static void pairs_are_alike(void **state) {
  (void)state;
  Hypotheses hypotheses = {0};
  Dice dice = dice_new(6);
  enum { N = 400 };
  int items[N], pairs[N], seen[N] = {0};
  for (int i = 0; i < N; i++) {
    simulated_add(&hypotheses, i, i % 3 ? "x" : "y", 1 + (int64_t)(20 * dice_uniform(&dice)), 0);
    ((Utterance *)hypotheses.items[i].reference)->duration = 1 + 9 * dice_uniform(&dice);
    items[i] = i;
  }
  const char *exact[] = {"group"};
  int made = utterances_match(&hypotheses, (Group){items, 150}, (Group){items + 150, N - 150}, exact, 1, 0.25,
                              pairs);
  assert_true(made > 100 && made <= 150);
  double worst = 0;
  for (int k = 0; k < made; k++) {
    const Hypothesis *a = &hypotheses.items[pairs[2 * k]], *b = &hypotheses.items[pairs[2 * k + 1]];
    assert_true(pairs[2 * k] < 150 && pairs[2 * k + 1] >= 150);
    assert_false(seen[pairs[2 * k]]++ || seen[pairs[2 * k + 1]]++);
    assert_int_equal(pairs[2 * k] % 3 == 0, pairs[2 * k + 1] % 3 == 0);
    worst = fmax(worst, fabs(log(a->reference->duration / b->reference->duration)));
  }
  assert_true(worst < 0.25 && worst > 0.05); /* a quarter of the standard deviation of the logarithm, 0.6 */
  simulated_free(&hypotheses);
}

/* A group in which the new system makes no error has no interval of its own, but one of the difference. */
static void perfect_system(void **state) {
  (void)state;
  Hypotheses hypotheses = {0};
  Slices slices;
  for (int s = 0; s < 12; s++) {
    simulated_add(&hypotheses, s, "a", 50, 0);
    hypotheses.items[s].before = "";
    hypotheses.items[s].before_rates.words = (AlignCounts){.match = 45 - s % 3, .sub = 5 + s % 3};
  }
  for (int s = 12; s < 24; s++) {
    simulated_add(&hypotheses, s, "b", 50, 5);
    hypotheses.items[s].before = "";
    hypotheses.items[s].before_rates.words = (AlignCounts){.match = 40, .sub = 10};
  }
  const char *groups[] = {"group"};
  assert_ok(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"));
  cells_measure(&slices, &hypotheses, NULL, &BOOTSTRAP, &THRESHOLDS);
  const Cell *cell = slices.items[1].cells;
  assert_string_equal(cell[0].no_interval, "every speaker has the same rate");
  assert_true(cell[0].before.has_interval && cell[0].before.has_difference);
  assert_true(cell[0].before.difference.high < -0.1 && cell[0].before.p < 0.01);
  assert_false(cell[1].before.has_interval || cell[1].before.has_difference);
  assert_true(isnan(cell[1].before.p));
  slices_free(&slices);
  simulated_free(&hypotheses);
}

static void unknown_key(void **state) {
  (void)state;
  Hypotheses hypotheses = example();
  Slices slices;
  const char *groups[] = {"gruop"};
  assert_fails(slices_make(&slices, &hypotheses, groups, 1, false, "speaker"), ERR_USAGE,
               "there are: speaker, group");
  slices_free(&slices);
  simulated_free(&hypotheses);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cells),          cmocka_unit_test(power_of_cells),      cmocka_unit_test(gap),
      cmocka_unit_test(matching),       cmocka_unit_test(pairs_are_alike),     cmocka_unit_test(unknown_key),
      cmocka_unit_test(perfect_system), cmocka_unit_test(unknown_is_no_group),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
