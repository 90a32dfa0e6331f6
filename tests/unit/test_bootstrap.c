/* The bootstrap over speakers: known answers, coverage of its intervals, agreement of p with them. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/bootstrap.h"
#include "eval/power.h"
#include "tests/unit/simulated.h"

enum { STUDIES = 1000, REPLICATES = 500 };

static Block speaker_block(Dice *dice, double low, double high) {
  Block block = {0, 100 + (int64_t)(200 * dice_uniform(dice))};
  double rate = low + (high - low) * dice_uniform(dice);
  block.errors = dice_poisson(dice, rate * (double)block.words);
  return block;
}

static void within(double share, double low, double high) {
  if (!(share >= low && share <= high)) fail_msg("%g is not in %g .. %g", share, low, high);
}

/* True WER 0.15: rates are uniform in 0.05 .. 0.25 and independent of the number of words. */
static void interval_covers(int speakers) {
  static double ratios[REPLICATES];
  int covered = 0;
  Block *blocks = xcalloc((size_t)speakers, sizeof *blocks);
  for (int study = 0; study < STUDIES; study++) {
    Dice dice = dice_new(study);
    Bootstrap bootstrap = {(uint64_t)study, REPLICATES};
    Interval interval;
    for (int s = 0; s < speakers; s++) blocks[s] = speaker_block(&dice, 0.05, 0.25);
    bootstrap_ratios(&bootstrap, blocks, speakers, ratios);
    assert_true(bootstrap_interval(ratios, REPLICATES, blocks_spread(blocks, speakers), &interval));
    covered += interval.low <= 0.15 && 0.15 <= interval.high;
  }
  free(blocks);
  within((double)covered / STUDIES, 0.93, 0.97);
}

static void intervals_cover(void **state) {
  (void)state;
  interval_covers(10);
  interval_covers(40);
}

/* Groups of 10 and 30 speakers, of whom `both` speak in both; true rates 0.15 and 0.1. */
static void gap_covers(int both) {
  static double differences[REPLICATES], ratios[REPLICATES];
  int covered = 0, ratio_covered = 0, excluded = 0, called = 0;
  GapBlock blocks[40];
  for (int study = 0; study < STUDIES; study++) {
    Dice dice = dice_new(study);
    Bootstrap bootstrap = {(uint64_t)study, REPLICATES};
    Interval interval;
    memset(blocks, 0, sizeof blocks);
    for (int s = 0; s < 40 - both; s++) {
      Dice same = dice;
      if (s < 10) blocks[s].a = speaker_block(&dice, 0.05, 0.25);
      if (s < 10 && s >= 10 - both) dice = same; /* the same voice is hard in both */
      if (s >= 10 - both) blocks[s].b = speaker_block(&dice, 0.0333333, 0.1666667);
    }
    Spread spread = gap_spread(blocks, 40 - both);
    bootstrap_gap(&bootstrap, blocks, 40 - both, differences, ratios);
    assert_true(bootstrap_interval(differences, REPLICATES, spread, &interval));
    covered += interval.low <= 0.05 && 0.05 <= interval.high;
    excluded += interval.low > 0 || interval.high < 0;
    called += bootstrap_p(differences, REPLICATES, spread, 0) < 0.05;
    assert_true(bootstrap_interval(ratios, REPLICATES, spread, &interval));
    ratio_covered += interval.low <= 1.5 && 1.5 <= interval.high;
  }
  within((double)covered / STUDIES, 0.93, 0.97);
  within((double)ratio_covered / STUDIES, 0.93, 0.97);
  assert_true(abs(excluded - called) <= STUDIES / 500);
  assert_true(called > STUDIES / 4 && called < STUDIES);
}

static void gaps_cover(void **state) {
  (void)state;
  gap_covers(0);
  gap_covers(10);
  gap_covers(1); /* one speaker in both: a stratum of its own could not vary */
}

/* With no gap, p is below 0.05 in 5 % of studies. */
static void false_alarms(void **state) {
  (void)state;
  static double differences[REPLICATES], ratios[REPLICATES];
  int called = 0;
  GapBlock blocks[24];
  for (int study = 0; study < STUDIES; study++) {
    Dice dice = dice_new(study);
    Bootstrap bootstrap = {(uint64_t)study, REPLICATES};
    memset(blocks, 0, sizeof blocks);
    for (int s = 0; s < 24; s++) *(s < 12 ? &blocks[s].a : &blocks[s].b) = speaker_block(&dice, 0.05, 0.25);
    Spread spread = gap_spread(blocks, 24);
    Interval interval;
    bootstrap_gap(&bootstrap, blocks, 24, differences, ratios);
    bootstrap_interval(differences, REPLICATES, spread, &interval);
    called += bootstrap_p(differences, REPLICATES, spread, 0) < 0.05;
  }
  within((double)called / STUDIES, 0.03, 0.07);
}

/* Linearised variance by hand: rates 0.1, 0.2, 0.3 of 100 words each. */
static void spread_by_hand(void **state) {
  (void)state;
  const Block blocks[] = {{10, 100}, {20, 100}, {30, 100}};
  Spread spread = blocks_spread(blocks, 3);
  assert_float_equal(spread.variance, 0.01 / 3, 1e-12); /* sd 0.1, over 3 */
  assert_float_equal(spread.freedom, 2, 1e-9);
  assert_float_equal(spread.widen, sqrt(1.5), 1e-9);
  GapBlock gap[] = {
      {{10, 100}, {0, 0}}, {{0, 0}, {5, 50}}, {{30, 100}, {0, 0}}, {{0, 0}, {20, 50}}, {{20, 100}, {0, 0}}};
  spread = gap_spread(gap, 5);
  double a = 0.01 / 3, b = 0.045 / 2;
  assert_float_equal(spread.variance, a + b, 1e-12);
  assert_float_equal(spread.freedom, (a + b) * (a + b) / (a * a / 2 + b * b), 1e-9); /* Welch */
}

/* Two speakers of a alone and ten of b alone without a mistake, and one in both, wrong throughout in a. Alone
 * it could not vary: with the two of a it does. The rates of a's three are 0, 0 and 1: variance 1 / 3,
 * over 3. */
static void stratum_of_one(void **state) {
  (void)state;
  enum { BLOCKS = 13, MANY = 20000 };
  static double differences[MANY], ratios[MANY];
  GapBlock blocks[BLOCKS] = {{{0, 100}, {0, 0}}, {{100, 100}, {0, 100}}, {{0, 100}, {0, 0}}};
  for (int s = 3; s < BLOCKS; s++) blocks[s].b = (Block){0, 100};
  Spread spread = gap_spread(blocks, BLOCKS);
  assert_float_equal(spread.variance, 1.0 / 9, 1e-12);
  assert_float_equal(spread.freedom, 2, 1e-9);
  bootstrap_gap(&(Bootstrap){7, MANY}, blocks, BLOCKS, differences, ratios);
  int none = 0, all = 0;
  for (int r = 0; r < MANY; r++) none += differences[r] == 0, all += differences[r] == 1;
  within((double)none / MANY, 8.0 / 27 - 0.01, 8.0 / 27 + 0.01); /* drawn by none of three */
  within((double)all / MANY, 1.0 / 27 - 0.005, 1.0 / 27 + 0.005);
}

/* 2 t.sf(norm.isf(0.025) / widen, freedom) of scipy.stats: 0.025 of these values lie below the null. */
static void p_of_scipy(void **state) {
  (void)state;
  enum { VALUES = 999 };
  double sorted[VALUES];
  for (int i = 0; i < VALUES; i++) sorted[i] = i;
  assert_float_equal(bootstrap_p(sorted, VALUES, (Spread){1, 4, 1.25}, 24), 0.1919610983856499, 1e-9);
  assert_float_equal(bootstrap_p(sorted, VALUES, (Spread){1, 9.5, sqrt(10.0 / 9)}, 24), 0.09417146418380765,
                     1e-9);
  assert_float_equal(bootstrap_p(sorted, VALUES, (Spread){1, 4, 1.25}, VALUES - 1 - 24), 0.1919610983856499,
                     1e-9);
}

static void shares_and_ties(void **state) {
  (void)state;
  const double sorted[] = {-1, -0.5, 0, 0, 1};
  assert_float_equal(bootstrap_share_below(sorted, 5, 0), 0.6, 1e-12);
  assert_float_equal(bootstrap_share_below(sorted, 5, 2), 1, 1e-12);
  assert_float_equal(bootstrap_share_below(sorted, 5, -2), 0, 1e-12);
}

/* Studies with as many speakers as planned find the gap about as often as planned. */
static void power_holds(void **state) {
  (void)state;
  static double differences[REPLICATES], ratios[REPLICATES];
  const int rest = 60;
  enum { MOST = 400 };
  GapBlock blocks[MOST];
  Dice dice = dice_new(12345);
  Block *pilot = xcalloc(20000, sizeof *pilot);
  for (int s = 0; s < 20000; s++) pilot[s] = speaker_block(&dice, 0.07, 0.27);
  double sd = sqrt(20000 * blocks_spread(pilot, 20000).variance);
  for (int s = 0; s < 20000; s++) pilot[s] = speaker_block(&dice, 0.02, 0.22);
  double variance = blocks_spread(pilot, 20000).variance * 20000 / rest;
  free(pilot);
  int needed = power_speakers(sd, 0.05, (PowerRest){variance, rest - 1}, 0.8), found = 0;
  assert_true(needed > 5 && needed + rest <= MOST);
  for (int study = 0; study < STUDIES; study++) {
    dice = dice_new(study);
    Bootstrap bootstrap = {(uint64_t)study, REPLICATES};
    Interval interval;
    memset(blocks, 0, sizeof blocks);
    for (int s = 0; s < needed + rest; s++)
      *(s < needed ? &blocks[s].a : &blocks[s].b) =
          s < needed ? speaker_block(&dice, 0.07, 0.27) : speaker_block(&dice, 0.02, 0.22);
    Spread spread = gap_spread(blocks, needed + rest);
    bootstrap_gap(&bootstrap, blocks, needed + rest, differences, ratios);
    bootstrap_interval(differences, REPLICATES, spread, &interval);
    found += bootstrap_p(differences, REPLICATES, spread, 0) < 0.05;
  }
  within((double)found / STUDIES, 0.76, 0.85);
}

static void power_limits(void **state) {
  (void)state;
  PowerRest none = {0, 1e9}, wide = {0.0004, 9};
  /* (1.95996 + 0.84162)^2 0.2^2 / 0.05^2 = 125.6 with the normal distribution; t asks for two more */
  assert_int_equal(power_speakers(0.2, 0.05, none, 0.8), 128);
  assert_int_equal(power_speakers(0.2, 0.05, wide, 0.8), 0); /* the rest alone varies by 2 points */
  assert_true(isnan(power_detectable(0.2, 1, none, 0.8)));
  assert_true(power_detectable(0.2, 128, none, 0.8) <= 0.05 && power_detectable(0.2, 127, none, 0.8) > 0.05);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spread_by_hand), cmocka_unit_test(shares_and_ties), cmocka_unit_test(intervals_cover),
      cmocka_unit_test(gaps_cover),     cmocka_unit_test(false_alarms),    cmocka_unit_test(power_limits),
      cmocka_unit_test(power_holds),    cmocka_unit_test(stratum_of_one),  cmocka_unit_test(p_of_scipy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
