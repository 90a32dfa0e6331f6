/* The four reports against NIST's sclite, byte for byte: plain words, alternatives and optional words, and
 * words of a ctm file put into the segments of an stm file (make_sclite.py wrote them). */
#include "tests/unit/support.h"

#include "eval/sclite.h"

static void compare(const char *name, const char *ref_suffix, const char *hyp_suffix) {
  static const char *const REPORTS[] = {"sys", "raw", "pra", "dtl"};
  char *ref = xprintf("tests/golden/sclite/%s%s", name, ref_suffix);
  char *hyp = xprintf("tests/golden/sclite/%s%s", name, hyp_suffix), *title = strrchr(hyp, '/') + 1;
  Hypotheses hypotheses = {0};
  Alignments alignments = {0};
  Normalizer *normalizer;
  assert_ok(normalizer_new(&normalizer, "none"));
  assert_ok(hypotheses_read(&hypotheses, &(HypothesesFiles){.hyp = hyp, .ref = ref}));
  assert_ok(hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE));
  assert_ok(alignments_make(&alignments, &hypotheses, normalizer, &ALIGN_SCLITE));
  assert_ok(sclite_write(in_folder("out"), &hypotheses, &alignments, "speaker", title));
  for (int i = 0; i < hypotheses.count; i++) /* the rates are of these alignments */
    assert_memory_equal(&hypotheses.items[i].rates.words, &alignments.hyp[i].counts, sizeof(AlignCounts));
  for (int k = 0; k < 4; k++) {
    char *theirs = xprintf("tests/golden/sclite/%s.%s", name, REPORTS[k]),
         *ours = xprintf("out.%s", REPORTS[k]);
    char *expected = text_of(theirs), *text = text_of(in_folder(ours));
    assert_string_equal(text, expected);
    free(expected), free(text), free(theirs), free(ours);
  }
  alignments_free(&alignments);
  hypotheses_free(&hypotheses);
  normalizer_free(normalizer);
  free(ref), free(hyp);
}

static void plain(void **state) {
  (void)state;
  compare("plain", ".ref.trn", ".hyp.trn");
}

static void alternatives(void **state) {
  (void)state;
  compare("alternatives", ".ref.trn", ".hyp.trn");
}

static void segments(void **state) {
  (void)state;
  compare("segments", ".stm", ".ctm");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(plain, folder_setup, folder_teardown),
      cmocka_unit_test_setup_teardown(alternatives, folder_setup, folder_teardown),
      cmocka_unit_test_setup_teardown(segments, folder_setup, folder_teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
