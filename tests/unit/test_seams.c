/* References with marks, through a normalisation that joins words: what a hypothesis that says one of the
 * ways is scored. */
#include "tests/unit/support.h"

#include "eval/alignment.h"
#include "eval/seams.h"

static Normalizer *english, *basic;

static void closes(const Normalizer *normalizer, const char *text, const char *expected) {
  char *out;
  assert_ok(seams_close(text, normalizer, &out));
  assert_string_equal(out, expected);
  free(out);
}

static void as_described(void **state) {
  (void)state;
  closes(english, "in twenty (uh) three", "in twenty uh three");
  closes(english, "twenty (uh) (um) three", "twenty uh um three");
  closes(english, "two { hundred / thousand } ten", "{ two hundred ten / two thousand ten }");
  closes(english, "two thousand (and) ten", "two thousand and ten");
  closes(english, "page { twenty / @ } three", "page { twenty three / three }");
  closes(english, "page (twenty) three", "page { twenty three / three }");
  closes(english, "{two/three} hundred (and) five",
         "{ two hundred and five / two hundred five / three hundred and five / three hundred five }");
}

/* Marks that join nothing stay as they were written, and so does everything where words are taken singly. */
static void left_alone(void **state) {
  (void)state;
  static const char *const texts[] = {"i've { um / uh / @ } as far (uh) as",
                                      "{ gini / genie } index",
                                      "{ { a / b } / c } d",
                                      "so { twenty / { x / y } } three",
                                      "x / y @ z",
                                      "",
                                      "a { b",
                                      "a } b",
                                      "{ (uh) / b } twenty (km/h) three"};
  for (int k = 0; k < 9; k++) {
    closes(english, texts[k], texts[k]);
    closes(basic, texts[k], texts[k]);
  }
  closes(basic, "twenty (uh) three { hundred / thousand } one",
         "twenty (uh) three { hundred / thousand } one");
  closes(english, "and/or two { hundred / thousand } ten", "and/or two { hundred / thousand } ten");
}

/* Of many words only those next to a mark are drawn in. */
static void long_stretches(void **state) {
  (void)state;
  closes(english,
         "red blue pink red blue pink red blue pink two { hundred / thousand } ten red blue pink red blue "
         "pink red blue pink",
         "red blue { pink red blue pink red blue pink two hundred ten red blue pink red blue pink red / "
         "pink red blue pink red blue pink two thousand ten red blue pink red blue pink red } blue pink");
}

/* Errors of a hypothesis against a reference. */
static int64_t errors(const char *ref, const char *hyp) {
  Utterance reference = {.text = (char *)ref};
  Hypothesis item = {.reference = &reference, .text = hyp, .alternatives = true};
  Alignment alignment;
  assert_ok(alignment_make(&alignment, &item, false, english, &ALIGN_PLAIN));
  int64_t count = align_errors(alignment.counts);
  alignment_free(&alignment);
  return count;
}

static void scored(void **state) {
  (void)state;
  assert_int_equal(errors("he paid twenty (uh) three dollars", "he paid twenty three dollars"), 0);
  assert_int_equal(errors("he paid twenty (uh) three dollars", "he paid $23"), 0);
  assert_int_equal(errors("he paid twenty (uh) three dollars", "he paid twenty uh three dollars"), 0);
  assert_int_equal(errors("he paid twenty (uh) three dollars", "he paid thirty dollars"), 1);
  assert_int_equal(errors("two { hundred / thousand } (and) ten", "two thousand and ten"), 0);
  assert_int_equal(errors("two { hundred / thousand } (and) ten", "210"), 0);
  assert_int_equal(errors("two { hundred / thousand } (and) ten", "2020"), 1);
  assert_int_equal(errors("{ cash flow / cashflow } of u { s / k }", "cashflow of us"), 0);
  assert_int_equal(errors("{ cash flow / cashflow } of u { s / k }", "cash flow of UK"), 0);
}

static int make(void **state) {
  (void)state;
  return normalizer_new(&english, "english") != OK || normalizer_new(&basic, "basic") != OK;
}

static int unmake(void **state) {
  (void)state;
  normalizer_free(english), normalizer_free(basic);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_described), cmocka_unit_test(left_alone),
                                     cmocka_unit_test(long_stretches), cmocka_unit_test(scored)};
  return cmocka_run_group_tests(tests, make, unmake);
}
