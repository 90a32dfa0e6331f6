/* sclite's rules: words, switches, files; and alternatives in ctm files without them.
 * tests/golden/test_sclite.c has sclite's own reports. */
#include "tests/unit/matched.h"

#include "eval/alignment.h"

static const char *rewritten(const char *as, const char *text) {
  ScliteRules rules;
  Record record = {.reference = text};
  static Records one;
  records_free(&one);
  one = (Records){
      .format = RECORD_TEXT, .items = memcpy(xcalloc(1, sizeof record), &record, sizeof record), .count = 1};
  assert_ok(sclite_rules_parse(&rules, as));
  sclite_rules_apply(&rules, &one);
  return one.items[0].reference;
}

static void words(void **state) {
  (void)state;
  static const char *const texts[][3] = {
      {"sclite", "  The\tGINI ", "the gini"},
      {"sclite", "caf\xc3\x89 \xc3\x89", "caf\xc3\x89 \xc3\x89"},
      {"sclite -s", "The GINI;Tag", "The GINI"},
      {"sclite", "a;x;y b\\;c;z d;; ;e f\\g", "a b;c d  fg"},
      {"sclite", "a* b** * c*;t", "a b* * c"},
      {"sclite", "{A;t/B} a/b;c/d {{@}/(X);y}", "{ a / b } a/b { { @ } / (x) }"},
      {"sclite -c", "ab (cd) {e/fg} caf\xc3\xa9", "a b ( c d ) { e / f g } c a f \xc3\xa9"},
      {"sclite -D -c", "(cd) ()", "(c) (d) ( )"},
      {"sclite -c NOASCII",
       "ab\xe4\xb8\xad\xe5\x9b\xbd"
       "cd",
       "ab \xe4\xb8\xad \xe5\x9b\xbd cd"},
      {"sclite -c NOASCII DH", "x-ray - a-\xe4\xb8\xad", "xray - a \xe4\xb8\xad"},
      {"sclite -c DH", "x-r", "x r"}};
  for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
    assert_string_equal(rewritten(texts[k][0], texts[k][1]), texts[k][2]);
  rewritten("sclite", "");
  static const char *const bad[][2] = {{"sclite -T", "sclite's -T is not known here"},
                                       {"sclite DH", "sclite's DH is not known here"},
                                       {"sclite -c -D NOASCII", "sclite's NOASCII is not known here"},
                                       {"asclite", "is not sclite and its switches"},
                                       {"", "is not sclite and its switches"}};
  ScliteRules rules;
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
    assert_fails(sclite_rules_parse(&rules, bad[k][0]), ERR_USAGE, bad[k][1]);
}

static Status match_as(const char *as, const char *ref_name, const char *ref, const char *hyp_name,
                       const char *hyp) {
  static ScliteRules rules;
  assert_ok(sclite_rules_parse(&rules, as));
  const char *path = put(ref_name, ref);
  return hypotheses_read(&hypotheses,
                         &(HypothesesFiles){.ref = path, .hyp = put(hyp_name, hyp), .as = &rules});
}

static void files(void **state) {
  (void)state;
  /* Names fold; alternatives stay together and belong where the last of their words' middles is. */
  assert_ok(
      match_as("sclite", "r.stm", "F1 A S1 0 2 <O> One\nf1 a s1 2 9 TWO;t\n", "h.ctm",
               "f1 A 0.5 0.2 UM\nf1 A * * <ALT_BEGIN>\nf1 A 1.8 0.2 We\nf1 A * * <ALT>\nf1 A 1.7 1 yes\n"
               "f1 A * * <alt_end>\nF1 a 1.9 0 Then\n"));
  assert_string_equal(json_string_value(json_object_get(hypotheses.items[0].reference->fields, "speaker")),
                      "s1");
  assert_string_equal(json_string_value(json_object_get(hypotheses.items[0].reference->fields, "label1")),
                      "o");
  assert_true(hypotheses.items[1].alternatives && !hypotheses.items[0].alternatives);
  assert_pairs(2, (const char *const[][2]){{"one", "um"}, {"two", "{ we / yes } then"}});
  /* Nothing is an alternative, too. */
  assert_ok(match_as("sclite", "r.ctm",
                     "f A 0 1 a\nf A * * <ALT_BEGIN>\nf A 1 1 b\nf A * * <ALT>\nf A * * <ALT_END>\n", "h.ctm",
                     "f A 0 1 A\n"));
  Normalizer *normalizer;
  assert_ok(normalizer_new(&normalizer, "none"));
  assert_ok(hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE));
  assert_int_equal(align_errors(hypotheses.items[0].rates.words), 0);
  hypotheses_free(&hypotheses);
  /* -c: characters are the words, so both rates are the same. */
  assert_ok(match_as("sclite -c", "r.trn", "The (a-1)\n", "h.trn", "ten (A-1)\n"));
  assert_ok(hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE));
  assert_int_equal(align_reference(hypotheses.items[0].rates.words), 3);
  assert_int_equal(align_reference(hypotheses.items[0].rates.characters), 3);
  assert_int_equal(align_errors(hypotheses.items[0].rates.words), 2);
  hypotheses_free(&hypotheses);
  /* An optional word that was recognised and is not in the reference is right, and in neither text's
   * characters. */
  assert_ok(match_as("sclite -D", "r.trn", "a b (a-1)\n", "h.trn", "a (uh) b (a-1)\n"));
  assert_ok(hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE));
  assert_int_equal(hypotheses.items[0].rates.words.match, 3);
  assert_int_equal(align_reference(hypotheses.items[0].rates.characters), 3);
  assert_int_equal(align_errors(hypotheses.items[0].rates.characters), 0);
  hypotheses_free(&hypotheses);
  assert_ok(match_as("sclite", "r.trn", "a (a-1)\n", "h.trn", "{ a / b (a-1)\n"));
  assert_fails(hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE), ERR_DATA,
               "r.trn:1: what was recognised: ");
  hypotheses_free(&hypotheses);
  normalizer_free(normalizer);
}

static void common_time(void **state) {
  (void)state;
  static const char ref[] = "f A s 0 2 one\nf A s 2 4 two\nf A s 4 6 three\nf A s 6 8 four\nf B s 0 1 five\n";
  static const char hyp[] = "f A 2.5 0.5 a\nf A 3.9 0.3 b\nf A 5 0.5 c\nf B 0.5 0.1 d\nf B 1.5 0.1 e\n";
  assert_ok(match_as("sclite -m", "r.stm", ref, "h.ctm", hyp));
  assert_pairs(3, (const char *const[][2]){{"two", "a"}, {"three", "b c"}, {"five", "d e"}});
  assert_ok(match_as("sclite -m hyp", "r.stm", ref, "h.ctm", hyp));
  assert_pairs(
      5, (const char *const[][2]){{"one", ""}, {"two", "a"}, {"three", "b c"}, {"four", ""}, {"five", "d"}});
  assert_ok(match_as("sclite -m hyp ref", "r.stm", "f A s 2 4 two\nf A s 9 10 late\n", "h.ctm",
                     "f A 1 0.5 a\nf A 2.5 1 b\nf A 4 0.5 c\nf A 4.1 0.5 d\n"));
  assert_pairs(1, (const char *const[][2]){{"two", "b"}});
  assert_ok(match_as("sclite -m hyp ref", "r.stm", "f A s 0 1 early\nf A s 3 4 two\n", "h.ctm",
                     "f A 2 0.5 a\nf A 3.2 0.5 b\n"));
  assert_pairs(1, (const char *const[][2]){{"two", "b"}});
  assert_fails(match_as("sclite -m ref", "r.stm", "f A s 2 4 two\n", "h.ctm", "f A 1 0.5 a\n"), ERR_DATA,
               "has no segment in the time of");
  hypotheses_free(&hypotheses);
  const char *path = in_folder("h.ctm");
  ScliteRules rules;
  assert_ok(sclite_rules_parse(&rules, "sclite -m"));
  assert_fails(hypotheses_read(
                   &hypotheses,
                   &(HypothesesFiles){.ref = in_folder("r.stm"), .hyp = path, .before = path, .as = &rules}),
               ERR_USAGE, "cannot compare two");
  hypotheses_free(&hypotheses);
  assert_ok(match_as("sclite -i wsj", "r.trn", "a (4T0C0201)\n", "h.trn", "a (4t0c0201)\n"));
  assert_string_equal(json_string_value(json_object_get(hypotheses.items[0].reference->fields, "speaker")),
                      "4t0");
  hypotheses_free(&hypotheses);
}

static Status match(const char *ref_name, const char *ref, const char *hyp_name, const char *hyp) {
  const char *path = put(ref_name, ref);
  return hypotheses_read(&hypotheses, &(HypothesesFiles){.ref = path, .hyp = put(hyp_name, hyp)});
}

/* Without sclite's rules a hypothesis says one thing. */
static void alternatives(void **state) {
  (void)state;
  static const char ref[] = "f1 A s1 0 2 one\n";
  static const char hyp[] = "f1 A 0 1 a\nf1 A * * <ALT_BEGIN>\nf1 A 0 1 b\nf1 A * * <ALT_END>\n";
  assert_fails(match("r.stm", ref, "h.ctm", hyp), ERR_DATA, "h.ctm:1: what was recognised has alternatives");
  hypotheses_free(&hypotheses);
  assert_ok(match("r.ctm", hyp, "h.ctm", "f1 A 0 1 a\n"));
  assert_true(hypotheses.items[0].alternatives);
  hypotheses_free(&hypotheses);
  /* No word at all is recognised, and said so. */
  assert_fails(match("r.stm", ref, "h.ctm", ""), ERR_DATA, "h.ctm has no utterance");
  hypotheses_free(&hypotheses);
  assert_ok(hypotheses_read(&hypotheses, &(HypothesesFiles){.ref = in_folder("r.stm"),
                                                            .hyp = put("h.ctm", ";; nothing\n"),
                                                            .missing_empty = true}));
  assert_int_equal(hypotheses.missing, 0);
  assert_pairs(1, (const char *const[][2]){{"one", ""}});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(words), TEST(files), TEST(common_time), TEST(alternatives)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
