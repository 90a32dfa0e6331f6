/* Term lists, their recognition, mining, vocabulary; and confidence: known answers. */
#include "tests/unit/support.h"

#include <math.h>

#include "eval/confidence.h"
#include "eval/jargon.h"
#include "eval/term_finder.h"

static const Bootstrap BOOTSTRAP = {1, 1000};

static Normalizer *basic(void) {
  Normalizer *normalizer;
  assert_ok(normalizer_new(&normalizer, "basic"));
  return normalizer;
}

typedef struct Pair {
  const char *ref, *hyp, *domain;
} Pair;

/* An evaluation of a few texts, one speaker each. */
typedef struct Texts {
  Hypotheses hypotheses;
  Alignments alignments;
  Slices slices;
  Column domains;
  Normalizer *normalizer;
} Texts;

static Texts texts_make(const Pair *pairs, int count) {
  Texts t = {.normalizer = basic()};
  t.hypotheses.items = xcalloc((size_t)count, sizeof(Hypothesis));
  t.hypotheses.count = count;
  for (int i = 0; i < count; i++) {
    Utterance *utterance = xcalloc(1, sizeof *utterance);
    utterance->text = (char *)pairs[i].ref;
    utterance->fields = json_pack("{s:s?, s:i}", "domain", pairs[i].domain, "speaker", i);
    t.hypotheses.items[i] = (Hypothesis){.reference = utterance, .text = pairs[i].hyp};
  }
  assert_ok(hypotheses_score(&t.hypotheses, t.normalizer, &ALIGN_PLAIN));
  assert_ok(alignments_make(&t.alignments, &t.hypotheses, t.normalizer, &ALIGN_PLAIN));
  assert_ok(slices_make(&t.slices, &t.hypotheses, NULL, 0, false, "speaker"));
  column_make(&t.domains, "domain", &t.hypotheses);
  return t;
}

static void texts_free(Texts *t) {
  column_free(&t->domains);
  slices_free(&t->slices);
  alignments_free(&t->alignments);
  for (int i = 0; i < t->hypotheses.count; i++) {
    json_decref(t->hypotheses.items[i].reference->fields);
    free((Utterance *)t->hypotheses.items[i].reference);
  }
  free(t->hypotheses.items);
  normalizer_free(t->normalizer);
}

static Terms parse(const char *text) {
  Terms terms;
  Normalizer *normalizer = basic();
  assert_ok(terms_parse(&terms, "terms.txt", text, strlen(text), normalizer));
  normalizer_free(normalizer);
  return terms;
}

static void list(void **state) {
  (void)state;
  Terms terms =
      parse("\xef\xbb\xbfGini coefficient\tpoverty\n# a comment\n\n  gini   COEFFICIENT \tpoverty\r\nRails");
  assert_int_equal(terms.count, 2);
  assert_string_equal(terms.items[0].text, "gini coefficient");
  assert_int_equal(terms.items[0].words, 2);
  assert_string_equal(terms.items[0].domain, "poverty");
  assert_string_equal(terms.items[1].text, "rails");
  assert_null(terms.items[1].domain);
  terms_free(&terms);
}

static void refuse(const char *text, const char *said) {
  Terms terms;
  Normalizer *normalizer = basic();
  assert_fails(terms_parse(&terms, "terms.txt", text, strlen(text), normalizer), ERR_DATA, said);
  terms_free(&terms);
  normalizer_free(normalizer);
}

static void bad_lists(void **state) {
  (void)state;
  refuse("", "terms.txt: no term");
  refuse("# only this\n", "no term");
  refuse("good\n...\n", "terms.txt:2: nothing is left");
  refuse("good\na\tb\tc\n", "terms.txt:2: two tabs");
  refuse("good\na\t\n", "terms.txt:2: nothing after the tab");
  refuse("a\nb\n\xff\xfe\n", "terms.txt:3: ");
  refuse("a b c d e f g h i j k l m n o p q", "terms.txt:1: 17 words");
}

static void longest_first(void **state) {
  (void)state;
  Terms terms = parse("gini\ngini index\tpoverty\nindex of gini\nindex");
  TermFinder finder;
  Occurrence found[8];
  const char *words[] = {"gini", "index", "of", "gini", "x", "gini", "gini", "index"};
  term_finder_init(&finder, &terms);
  assert_int_equal(terms_find(&finder, words, 8, "poverty", found), 4);
  assert_int_equal(found[0].last, 1); /* from the left: "gini index", not "index of gini" */
  assert_int_equal(found[1].first, 3);
  assert_int_equal(found[2].first, 5);
  assert_int_equal(found[3].first, 6);
  assert_int_equal(found[3].last, 7);
  assert_int_equal(terms_find(&finder, words, 8, NULL, found), 5);
  assert_int_equal(found[1].last, 3); /* without the domain: "gini", "index of gini", gini, gini, index */
  term_finder_free(&finder);
  terms_free(&terms);
}

static const TermScore *score_of(const Jargon *jargon, const char *text) {
  for (int t = 0; t < jargon->term_count; t++)
    if (strcmp(jargon->terms[t].term->text, text) == 0) return &jargon->terms[t];
  fail_msg("no term %s", text);
  return NULL;
}

static void recognition(void **state) {
  (void)state;
  const Pair pairs[] = {
      {"the gini coefficient rose", "the genie coefficient rose", "poverty"},
      {"a gini coefficient of ten", "a gini coefficient of ten", "poverty"},
      {"that gini coefficient fell", "that genie coefficient fell", "poverty"},
      {"one gini coefficient more", "one gini of coefficient more", "poverty"}, /* torn apart: missed */
      {"said genie to him", "said gini coefficient to him", "poverty"},         /* a false alarm */
      {"the patient had sepsis", "the patient had sep sis", "medicine"},
      {"rails is not sepsis", "rails is not", NULL},
  };
  Texts t = texts_make(pairs, 7);
  Terms terms = parse("gini coefficient\tpoverty\nsepsis\nrails\truby\n");
  Jargon jargon;
  jargon_make(&jargon, &terms, &t.alignments, &t.domains, &t.slices, &BOOTSTRAP, &THRESHOLDS);
  const TermScore *gini = score_of(&jargon, "gini coefficient"), *sepsis = score_of(&jargon, "sepsis");
  assert_ptr_equal(gini, &jargon.terms[0]); /* missed most often */
  assert_int_equal(gini->reference, 4);
  assert_int_equal(gini->hyp.hypothesis, 2);
  assert_int_equal(gini->hyp.correct, 1);
  assert_int_equal(gini->confusion_count, 2);
  assert_string_equal(gini->confusions[0].text, "genie coefficient");
  assert_int_equal(gini->confusions[0].count, 2);
  assert_string_equal(gini->confusions[1].text, "gini of coefficient");
  assert_int_equal(sepsis->reference, 2);
  assert_int_equal(sepsis->confusion_count, 2);
  assert_string_equal(sepsis->confusions[0].text, "");
  assert_string_equal(sepsis->confusions[1].text, "sep sis"); /* with the insertion beside it */
  assert_int_equal(score_of(&jargon, "rails")->reference, 0); /* another domain's */
  assert_int_equal(jargon.domain_count, 4);                   /* all, medicine, poverty, unknown */
  const JargonDomain *all = &jargon.domains[0], *poverty = &jargon.domains[2];
  assert_true(all->all && all->terms == 2);
  assert_int_equal(all->reference, 6);
  assert_int_equal(all->jargon_words, 10);
  assert_int_equal(all->jargon_words + all->other_words, 29);
  /* genie twice, the torn one's insertion, sepsis twice; outside: the false alarm's two errors, one of "sep
   * sis" */
  assert_int_equal(all->hyp_errors.jargon, 5);
  assert_int_equal(all->hyp_errors.other, 3);
  assert_string_equal(poverty->domain, "poverty");
  assert_int_equal(poverty->reference, 4);
  assert_float_equal(counts_recall(poverty->hyp, poverty->reference), 0.25, 1e-12);
  assert_float_equal(counts_precision(poverty->hyp), 0.5, 1e-12);
  assert_float_equal(counts_f1(poverty->hyp, poverty->reference), 1 / 3.0, 1e-12);
  assert_string_equal(poverty->no_interval, "too few speakers");
  assert_null(jargon.domains[3].domain);
  jargon_free(&jargon);
  terms_free(&terms);
  texts_free(&t);
}

static void part_of_a_longer_term(void **state) {
  (void)state;
  const Pair pairs[] = {{"the gini rose", "the gini index rose", NULL}};
  Texts t = texts_make(pairs, 1);
  Terms terms = parse("gini\ngini index\n");
  Jargon jargon;
  jargon_make(&jargon, &terms, &t.alignments, &t.domains, &t.slices, &BOOTSTRAP, &THRESHOLDS);
  assert_int_equal(jargon.domain_count, 1);
  assert_int_equal(jargon.domains[0].reference, 1);
  const TermScore *gini = score_of(&jargon, "gini");
  assert_int_equal(gini->hyp.correct, 0);
  assert_string_equal(gini->confusions[0].text, "gini index");
  jargon_free(&jargon);
  terms_free(&terms);
  texts_free(&t);
}

static void lexicon_of(Lexicon *lexicon, const char *text) { lexicon_take(lexicon, xstrdup(text)); }

static void vocabulary(void **state) {
  (void)state;
  const Pair pairs[] = {{"the gini the ruby gini", "", "a"}, {"the ruby", "the ruby", "b"}};
  Texts t = texts_make(pairs, 2);
  Lexicon words;
  Unknowns unknowns;
  lexicon_of(&words, "the of the");
  assert_int_equal(words.total, 3);
  assert_int_equal(lexicon_count(&words, "the"), 2);
  assert_int_equal(lexicon_count(&words, "gini"), 0);
  unknowns_make(&unknowns, &words, &t.alignments, &t.domains);
  assert_int_equal(unknowns.count, 3);
  assert_int_equal(unknowns.domains[0].words, 7);
  assert_int_equal(unknowns.domains[0].unknown, 4);
  assert_int_equal(unknowns.domains[0].distinct, 2);
  assert_int_equal(unknowns.domains[1].unknown, 3);
  assert_string_equal(unknowns.domains[1].examples[0].text, "gini");
  assert_int_equal(unknowns.domains[1].examples[0].count, 2);
  assert_int_equal(unknowns.domains[2].unknown, 1);
  unknowns_free(&unknowns);
  lexicon_free(&words);
  texts_free(&t);
}

/* One domain's word stands out; "the", frequent in both, does not, nor does a word that general text has
 * often. */
static void mining(void **state) {
  (void)state;
  Pair pairs[40];
  for (int i = 0; i < 40; i++)
    pairs[i] = (Pair){i < 20 ? "the sepsis of the people" : "the people of the nation", "",
                      i < 20 ? "medicine" : "news"};
  Texts t = texts_make(pairs, 40);
  Lexicon general;
  Terms terms;
  char *text = xcalloc(200000, 1), *end = text;
  for (int i = 0; i < 5000; i++)
    end = stpcpy(end, i % 10 ? "the of house street " : "the people nation tree ");
  lexicon_take(&general, text);
  terms_mine(&terms, &t.alignments, &t.domains, &general);
  assert_int_equal(terms.count, 1);
  assert_string_equal(terms.items[0].text, "sepsis");
  assert_string_equal(terms.items[0].domain, "medicine");
  assert_true(terms.items[0].score > TERMS_SCORE_LEAST);
  terms_free(&terms);
  lexicon_free(&general);
  texts_free(&t);
}

/* As the alignments are made of the texts' words, with the confidences that these now have. */
static Status confidence_again(Confidence *got, Texts *t) {
  alignments_free(&t->alignments);
  assert_ok(alignments_make(&t->alignments, &t->hypotheses, t->normalizer, &ALIGN_PLAIN));
  return confidence_make(got, &t->alignments);
}

/* Ten words, the surest right; by hand. */
static void confidence(void **state) {
  (void)state;
  const Pair pairs[] = {{"a b c d e f g h i j k", "x b c d e f g h i j", NULL}};
  Texts t = texts_make(pairs, 1);
  HypWord words[10];
  for (int w = 0; w < 10; w++) {
    static const char *texts[] = {"x", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    words[w] = (HypWord){texts[w], 0, 0, w == 0 ? 0.2 : 0.95, false};
  }
  t.hypotheses.items[0].words = words;
  t.hypotheses.items[0].word_count = 10;
  Confidence got;
  assert_ok(confidence_again(&got, &t));
  assert_int_equal(got.words, 10);
  assert_int_equal(got.errors, 2);
  assert_int_equal(got.deletions, 1);
  assert_float_equal(got.accuracy, 0.9, 1e-12);
  assert_float_equal(got.mean, 0.875, 1e-12);
  assert_int_equal(got.bin_count, 2); /* words that are equally sure stay together */
  assert_float_equal(got.ece, (0.2 * 1 + 0.05 * 9) / 10, 1e-12);
  double most = -9 * log2(0.9) - log2(0.1);
  assert_float_equal(got.nce, (most + 9 * log2(0.95) + log2(0.8)) / most, 1e-12);
  assert_int_equal(got.shares[3].words, 1); /* 10 %: the one wrong word */
  assert_int_equal(got.shares[3].errors, 1);
  assert_int_equal(got.shares[5].words, 5);
  assert_int_equal(got.shares[5].errors, 1);
  words[3].confidence = 1.5;
  assert_int_equal(confidence_again(&got, &t), ERR_DATA);
  for (int w = 0; w < 10; w++) words[w].confidence = 0.9; /* all alike: one bin, errors shared out */
  assert_ok(confidence_again(&got, &t));
  assert_int_equal(got.bin_count, 1);
  assert_int_equal(got.shares[5].errors, 1); /* half of one, rounded */
  assert_float_equal(got.nce, 0, 1e-12);     /* as good as knowing the rate */
  texts_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(list),
      cmocka_unit_test(bad_lists),
      cmocka_unit_test(longest_first),
      cmocka_unit_test(recognition),
      cmocka_unit_test(part_of_a_longer_term),
      cmocka_unit_test(vocabulary),
      cmocka_unit_test(mining),
      cmocka_unit_test(confidence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
