/* The four reports against NIST's sclite, byte for byte: plain words, alternatives and optional words, words
 * of a ctm file put into the segments of an stm file; and with sclite's own rules: either case, tags, marks
 * in both texts, fragments, characters, alternatives in a ctm file (make_sclite.py wrote them). */
#include "tests/unit/support.h"

#include "eval/sclite.h"

static void compare(const char *name, const char *ref_suffix, const char *hyp_suffix, const char *as) {
  static const char *const REPORTS[] = {"sys", "raw", "pra", "dtl"};
  char *ref = xprintf("tests/golden/sclite/%s%s", name, ref_suffix);
  char *hyp = xprintf("tests/golden/sclite/%s%s", name, hyp_suffix), *title = strrchr(hyp, '/') + 1;
  Hypotheses hypotheses = {0};
  Alignments alignments = {0};
  Normalizer *normalizer;
  ScliteRules rules;
  if (as) assert_ok(sclite_rules_parse(&rules, as));
  assert_ok(normalizer_new(&normalizer, "none"));
  assert_ok(
      hypotheses_read(&hypotheses, &(HypothesesFiles){.hyp = hyp, .ref = ref, .as = as ? &rules : NULL}));
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
  compare("plain", ".ref.trn", ".hyp.trn", NULL);
  compare("plain", ".ref.trn", ".hyp.trn", "sclite -D");
}

static void alternatives(void **state) {
  (void)state;
  compare("alternatives", ".ref.trn", ".hyp.trn", NULL);
  compare("alternatives", ".ref.trn", ".hyp.trn", "sclite -D");
}

static void segments(void **state) {
  (void)state;
  compare("segments", ".stm", ".ctm", NULL);
  compare("segments", ".stm", ".ctm", "sclite -D");
}

static void rules(void **state) {
  (void)state;
  compare("rules", ".ref.trn", ".hyp.trn", "sclite -D -F");
}

static void cased(void **state) {
  (void)state;
  compare("cased", ".ref.trn", ".hyp.trn", "sclite -s");
}

static void characters(void **state) {
  (void)state;
  compare("characters", ".ref.trn", ".hyp.trn", "sclite -c NOASCII DH");
}

static void timed(void **state) {
  (void)state;
  compare("timed", ".stm", ".ctm", "sclite -D -F");
}

static void cut(void **state) {
  (void)state;
  compare("cut", ".stm", ".ctm", "sclite -D -m ref hyp");
}

/* A title that is wider than the columns: all lines of the table are as wide as it needs, as sclite's are. */
static void long_title(void **state) {
  (void)state;
  static const char title[] = "a hypothesis file with a name that is much longer than the table of the "
                              "speakers in it, of 100 columns";
  char *speakers[] = {(char *)"anna"};
  ScliteItem item = {.alignment = {.counts = {.match = 3, .sub = 1}}};
  Sclite sclite = {.title = title, .items = &item, .count = 1, .speakers = speakers, .speaker_count = 1};
  char *text = NULL, *rest, *line;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  sclite_table(stream, &sclite, true);
  fclose(stream);
  static const char row[] = "|   anna     |      1          4    |   75.0       25.0        0.0        0.0   "
                            "     25.0      100.0   |";
  int lines = 0, rows = 0;
  for (rest = text; (line = strsep(&rest, "\n"));) {
    if (!*line || !strchr("|,`", *line)) continue;
    assert_int_equal(strlen(line), strlen(title) + 2);
    lines++, rows += !strcmp(line, row); /* as sclite has it */
  }
  assert_int_equal(lines, 13);
  assert_int_equal(rows, 1);
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(plain), TEST(alternatives), TEST(segments),
                                     TEST(rules), TEST(cased),        TEST(characters),
                                     TEST(timed), TEST(cut),          TEST(long_title)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
