/* The matched pairs test against NIST's sc_stats (make_mapsswe.py wrote what it said), and by hand. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/alignments.h"

static const char FOLDER[] = "tests/golden/mapsswe";

static void sc_stats(void **state) {
  (void)state;
  char hyp[64], ref[64], before[64], name[64];
  Hypotheses hypotheses = {0};
  Alignments alignments = {0};
  Normalizer *normalizer;
  PairSums sum = {0, 0, 0};
  snprintf(hyp, sizeof hyp, "%s/a.trn", FOLDER);
  snprintf(ref, sizeof ref, "%s/ref.trn", FOLDER);
  snprintf(before, sizeof before, "%s/b.trn", FOLDER);
  snprintf(name, sizeof name, "%s/expected.txt", FOLDER);
  assert_ok(normalizer_new(&normalizer, "none"));
  assert_ok(hypotheses_read(&hypotheses, &(HypothesesFiles){.hyp = hyp, .ref = ref, .before = before}));
  assert_ok(alignments_make(&alignments, &hypotheses, normalizer, &ALIGN_SCLITE));
  PairSums *pairs = alignments_pairs(&alignments);
  for (int i = 0; i < alignments.count; i++) pair_sums_add(&sum, pairs[i]);
  MatchedPairs got = matched_pairs(sum);
  long segments;
  double mean, sd, z;
  FILE *expected = fopen(name, "r");
  assert_non_null(expected);
  assert_int_equal(fscanf(expected, "%ld %lf %lf %lf", &segments, &mean, &sd, &z), 4);
  fclose(expected);
  assert_int_equal(got.segments, segments);
  assert_float_equal(got.mean, mean, 0.0005001); /* it prints three places */
  assert_float_equal(got.sd, sd, 0.0005001);
  assert_float_equal(got.z, z, 0.0005001);
  free(pairs);
  alignments_free(&alignments);
  hypotheses_free(&hypotheses);
  normalizer_free(normalizer);
}

static PairSums of(const char *hyp, const char *before) {
  uint8_t paths[2][64];
  const char *texts[2] = {hyp, before};
  for (int side = 0; side < 2; side++)
    for (size_t i = 0; i < strlen(texts[side]); i++)
      paths[side][i] = (uint8_t)(strchr("=SID", texts[side][i]) - "=SID");
  return pair_sums(paths[0], (int)strlen(hyp), paths[1], (int)strlen(before));
}

static void expect(const char *hyp, const char *before, int64_t segments, int64_t sum, int64_t squares) {
  PairSums got = of(hyp, before);
  if (got.segments != segments || got.sum != sum || got.squares != squares)
    fail_msg("%s %s: %d segments, %d, %d", hyp, before, (int)got.segments, (int)got.sum, (int)got.squares);
}

static void by_hand(void **state) {
  (void)state;
  expect("====", "====", 0, 0, 0);
  expect("S===", "====", 1, 1, 1);
  expect("===D", "====", 1, 1, 1);
  expect("S=S=", "====", 1, 2, 4);   /* one good word does not part */
  expect("S==S", "====", 2, 2, 2);   /* two do */
  expect("S===", "===S", 2, 0, 2);   /* one error each, apart */
  expect("S=I=S", "====", 1, 3, 9);  /* an insertion between the good words */
  expect("S=I=S", "S=I=S", 1, 0, 0); /* alike: a segment all the same */
  expect("==I", "==II", 1, -1, 1);   /* at the end */
  expect("I", "", 1, 1, 1);          /* an empty reference */
  expect("", "", 0, 0, 0);
  assert_true(isnan(matched_pairs(of("S===", "====")).z)); /* one segment */
  assert_true(isnan(matched_pairs(of("S==S", "====")).p)); /* no spread */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand),
      cmocka_unit_test(sc_stats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
