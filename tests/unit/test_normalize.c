/* Normalisation: names and versions, files of rules and their errors, twice as once, several threads. */
#include "tests/unit/support.h"

#include <inttypes.h>
#include <omp.h>
#include <xxhash.h>

#include "kernels/random.h"
#include "src/text/normalize.h"
#include "src/text/rewrite.h"
#include "src/text/rules.h"
#include "src/text/unicode.h"

static void becomes(const Normalizer *normalizer, const char *text, const char *expected) {
  char *out;
  assert_ok(normalizer_apply(normalizer, text, &out));
  assert_string_equal(out, expected);
  free(out);
}

static void names(void **state) {
  (void)state;
  static const char *const known[][2] = {
      {"none", "none-1"}, {"basic", "basic-1"}, {"english", "english-1"}, {"english-1", "english-1"}};
  Normalizer *normalizer;
  for (int k = 0; k < 4; k++) {
    assert_ok(normalizer_new(&normalizer, known[k][0]));
    assert_string_equal(normalizer_version(normalizer), known[k][1]);
    normalizer_free(normalizer);
  }
  assert_fails(normalizer_new(&normalizer, "french"), ERR_USAGE, "none, basic, english");
  assert_fails(normalizer_new(&normalizer, in_folder("missing.txt")), ERR_IO, "missing.txt");
}

/* A rate is known by the name of its normalisation, so what a name does never changes. Of english the tables
 * are pinned; basic and none have none: what they make of characters, alone and within a word. */
static void versions_are_pinned(void **state) {
  (void)state;
  static const struct {
    const char *version;
    uint64_t hash;
  } PINNED[] = {
      {"none-1", 0xcc897ff1f5bc72ce}, {"basic-1", 0xb7d952d3a83476fc}, {"english-1", 0x16dd91aaa3ccf05c}};
  for (int k = 0; k < 3; k++) {
    Normalizer *normalizer;
    XXH3_state_t *hash = XXH3_createState();
    XXH3_64bits_reset(hash);
    assert_ok(normalizer_new(&normalizer, PINNED[k].version));
    assert_string_equal(normalizer_version(normalizer), PINNED[k].version);
    for (int32_t c = ' '; k < 2 && c < 0x2100; c = c == 0x24F ? 0x2000 : c + 1) { /* Latin, punctuation */
      Buffer text = {0};
      char *out;
      buffer_append_codepoint(&text, c);
      buffer_append(&text, " a", 2);
      buffer_append_codepoint(&text, c);
      buffer_append(&text, "B", 1);
      assert_ok(normalizer_apply(normalizer, text.data, &out));
      XXH3_64bits_update(hash, out, strlen(out) + 1);
      free(text.data), free(out);
    }
    for (const RuleTable *table = RULE_TABLES; k == 2 && table->name; table++) {
      XXH3_64bits_update(hash, table->name, strlen(table->name) + 1);
      XXH3_64bits_update(hash, table->text, strlen(table->text) + 1);
    }
    uint64_t now = XXH3_64bits_digest(hash);
    if (now != PINNED[k].hash)
      fail_msg("what %s makes of a text has changed (0x%016" PRIx64
               "): rates under that name would no longer be "
               "comparable. Take the change back, or give the normalisation the next version (english: in "
               "eval/normalization/english/words.txt; all: in src/text/normalize.c and eval/README.md) and "
               "pin that "
               "one here. A comment in a table counts too, but is no new version: pin the hash alone.",
               PINNED[k].version, now);
    XXH3_freeState(hash);
    normalizer_free(normalizer);
  }
}

static void bad_text(void **state) {
  (void)state;
  Normalizer *english;
  char *out;
  assert_ok(normalizer_new(&english, "english"));
  assert_fails(normalizer_apply(english, "ab\xff", &out), ERR_DATA, "byte 2");
  becomes(english, "", "");
  normalizer_free(english);
}

/* A user's file: on its own, and over english, whose rules it replaces. */
static void files(void **state) {
  (void)state;
  static const char alone[] =
      "version = clinic-2\n# a comment\n[words]\nbp = blood pressure\n[fillers]\nfoo\n"
      "[phrases]\nx ray = xray\n[symbols]\n& = and\n";
  static const char over[] = "version = mine\nbase = english\n[words]\ncolour = colour\n";
  Normalizer *normalizer;
  char version[64];
  const char *path = in_folder("rules.txt");
  assert_ok(file_write(path, alone, sizeof alone - 1));
  assert_ok(normalizer_new(&normalizer, path));
  assert_true(strlen(normalizer_version(normalizer)) == strlen("clinic-2@0123456789abcdef"));
  assert_int_equal(strncmp(normalizer_version(normalizer), "clinic-2@", 9), 0);
  strcpy(version, normalizer_version(normalizer));
  becomes(normalizer, "The BP & foo X-ray: twenty one, won't",
          "the blood pressure and xray twenty one won't");
  /* not as basic has it: what needs no table is done as in english */
  becomes(normalizer, "Caf\xc3\xa9 [laugh] 10:30 1,234 U.S.", "cafe 1030 1234 us");
  normalizer_free(normalizer);
  assert_ok(file_write(path, alone, sizeof alone - 6)); /* another content, another version */
  assert_ok(normalizer_new(&normalizer, path));
  assert_string_not_equal(normalizer_version(normalizer), version);
  normalizer_free(normalizer);
  assert_ok(file_write(path, over, sizeof over - 1));
  assert_ok(normalizer_new(&normalizer, path));
  becomes(normalizer, "colour honour twenty one", "colour honor 21");
  normalizer_free(normalizer);
}

static void refusals(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "rules.txt:1: the version is missing"},
      {"[words]\na = b\n", "rules.txt:1: the version is missing"},
      {"version = a b\n", "rules.txt:1: a version is"},
      {"version = a\ncolour = red\n", "rules.txt:2: 'colour' is no setting"},
      {"version = a\nbase = french\n", "rules.txt:2: there is no base 'french': give english"},
      {"version = a\nbase = basic\n", "rules.txt:2: there is no base 'basic'"},
      {"version = a\n\n[wards]\n", "rules.txt:3: there is no section [wards]"},
      {"version = a\n[words]\nfoo\n", "rules.txt:3: [words] needs"},
      {"version = a\n[fillers]\nfoo = bar\n", "rules.txt:3: [fillers] lists words"},
      {"version = a\n[words]\nfoo bar = baz\n", "rules.txt:3: [words] takes single words"},
      {"version = a\n[words]\nFoo = bar\n", "rules.txt:3: 'Foo' has 'F'"},
      {"version = a\n[words]\nfoo = bar\nfoo = baz\n", "rules.txt:4: 'foo' stands here for the second time"},
      {"version = a\n[words]\nfoo = bar\nbar = baz\n",
       "rules.txt:3: 'foo' becomes 'bar', and that becomes 'baz'"},
      {"version = a\n[phrases]\nx y = z w\nz w = v\n", "becomes 'z w', and that becomes 'v'"},
      {"version = a\n[phrases]\nfoo bar = bar foo\nbar foo baz = foo bar baz\n",
       "rules.txt:4: 'bar' becomes 'foo bar baz': the rules of a@"},
      {"version = a\n[numbers]\ndozen = 144\n", "rules.txt:3: '144' is not a whole number from 0 to 99"},
      {"version = a\n[symbols]\n&& = and\n", "rules.txt:3: '&&' is not one character"},
      {"version = a\n[currencies]\n$ = dollar\n", "rules.txt:3: a currency has two or four words"},
      {"version = a\n[number-words]\nfoo = bar\n", "rules.txt:3: 'bar' is none of"},
      {"version = a\n[fractions]\n1/2 = 50\n", "rules.txt:3: the words for 1/2"},
      {"version = a\n[words]\n\xff = b\n", "rules.txt:3: the text is not UTF-8"},
      {"version = a\n[words]\n = b\n", "rules.txt:3: "},
      {"version = a\n[words]\na = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
       "rules.txt:3: more than 16 words"},
      {"version = a\nbase = english\nbase = english\n", "rules.txt:3: the base is named twice"}};
  const char *path = in_folder("rules.txt");
  Normalizer *normalizer;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    assert_ok(file_write(path, cases[k][0], strlen(cases[k][0])));
    assert_fails(normalizer_new(&normalizer, path), ERR_DATA, cases[k][1]);
  }
  char *line = xprintf("version = a\n[words]\n%01100d = b\n", 7);
  assert_ok(file_write(path, line, strlen(line)));
  free(line);
  assert_fails(normalizer_new(&normalizer, path), ERR_DATA,
               "rules.txt:3: the line is longer than 1000 bytes");
}

/* Any words the tables know, in any order, with any mark between them. */
static char *random_text(uint32_t number) {
  static const char *const marks[] = {" ",  " ", " ", " ",  "-",  ".",  ", ",  "'",
                                      " $", "/", ":", "% ", " 5", "1 ", " I ", ". A"};
  static const char *const words[] = {
      "one",   "two",      "twenty",   "nineteen",  "ninety", "hundred", "thousand", "million",
      "and",   "a",        "half",     "point",     "oh",     "zero",    "first",    "second",
      "fifth", "nineties", "minus",    "dollars",   "cents",  "percent", "uh",       "huh",
      "he's",  "been",     "i'd",      "gone",      "u",      "s",       "p",        "i",
      "b",     "to",       "health",   "care",      "e",      "mail",    "colour",   "won't",
      "'s",    "n't",      "Mr",       "St",        "10:30",  "1,234",   "2.50",     "1990",
      "march", "of",       "k",        "m",         "bn",     "007",     "3",        "quarter",
      "three", "1/2",      "hundreds", "hundredth", "pounds", "dogs",    "café",     "'em"};
  uint64_t key = random_row(3, number, 0, 0, 0);
  Buffer text = {0};
  uint32_t next = 0, count = 1 + (uint32_t)(random_bits(key, next++) % 12);
  for (uint32_t w = 0; w < count; w++) {
    const char *word = words[random_bits(key, next++) % (sizeof words / sizeof *words)];
    const char *mark = marks[random_bits(key, next++) % (sizeof marks / sizeof *marks)];
    buffer_append(&text, word, strlen(word));
    buffer_append(&text, mark, strlen(mark));
  }
  return text.data;
}

static void twice_as_once(void **state) {
  (void)state;
  Normalizer *english;
  int wrong = 0;
  assert_ok(normalizer_new(&english, "english"));
  for (uint32_t number = 0; number < 20000; number++) {
    char *text = random_text(number), *once, *twice;
    assert_ok(normalizer_apply(english, text, &once));
    assert_ok(normalizer_apply(english, once, &twice));
    if (strcmp(once, twice) && wrong++ < 20) print_error("'%s' -> '%s' -> '%s'\n", text, once, twice);
    free(text);
    free(once);
    free(twice);
  }
  assert_int_equal(wrong, 0);
  normalizer_free(english);
}

/* Rules that move a word by one place a round: what is not finished is an error, never a text half done. */
static void unsettled(void **state) {
  (void)state;
  static const char rules[] = "version = mover\n[phrases]\nfoo bar = bar foo\n";
  const char *path = in_folder("rules.txt");
  Normalizer *normalizer;
  char *out;
  assert_ok(file_write(path, rules, sizeof rules - 1));
  assert_ok(normalizer_new(&normalizer, path));
  becomes(normalizer, "so foo bar bar bar bar end", "so bar bar bar bar foo end");
  assert_fails(normalizer_apply(normalizer, "so foo bar bar bar bar bar end", &out), ERR_DATA,
               "do not settle: after 4 rounds 'foo bar end' still becomes 'bar foo end'");
  normalizer_free(normalizer);
}

/* Words and phrases of all of english's tables, in any order. */
static void english_settles(void **state) {
  (void)state;
  Rules *rules;
  assert_ok(rules_read(&rules, NULL));
  const Rule **known = xcalloc(rules_places(rules), sizeof *known);
  uint32_t count = 0;
  for (size_t i = 0; i < rules_places(rules); i++)
    if (rules_at(rules, i)) known[count++] = rules_at(rules, i);
  for (uint32_t number = 0; number < 50000; number++) {
    uint64_t key = random_row(5, number, 0, 0, 0);
    Buffer text = {0};
    char *out;
    const char *pieces[1];
    for (uint32_t w = 0, next = 0; w < 8; w++) {
      const Rule *rule = known[random_bits(key, next++) % count];
      buffer_append(&text, rule->text, rule->length);
      if (rule->phrase_count) {
        const Phrase *phrase = &rule->phrases[random_bits(key, next++) % (uint32_t)rule->phrase_count];
        buffer_append(&text, " ", 1);
        rule_text_append(&text, &(RuleText){phrase->rest, phrase->count});
      }
      buffer_append(&text, &" -' "[random_bits(key, next++) % 4], 1);
    }
    pieces[0] = text.data;
    assert_ok(rules_apply(rules, pieces, 1, &out, NULL));
    free(text.data), free(out);
  }
  free(known);
  rules_free(rules);
}

static void threads(void **state) {
  (void)state;
  enum { TEXTS = 500 };
  Normalizer *english;
  char *alone[TEXTS];
  int wrong = 0;
  assert_ok(normalizer_new(&english, "english"));
  for (uint32_t t = 0; t < TEXTS; t++) {
    char *text = random_text(t);
    assert_ok(normalizer_apply(english, text, &alone[t]));
    free(text);
  }
#pragma omp parallel for num_threads(4) schedule(dynamic, 1) reduction(+ : wrong)
  for (int k = 0; k < 4 * TEXTS; k++) {
    char *text = random_text((uint32_t)(k % TEXTS)), *out = NULL;
    wrong += normalizer_apply(english, text, &out) != OK || strcmp(out, alone[k % TEXTS]) != 0;
    free(text);
    free(out);
  }
  assert_int_equal(wrong, 0);
  for (int t = 0; t < TEXTS; t++) free(alone[t]);
  normalizer_free(english);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names),     cmocka_unit_test(versions_are_pinned),
                                     cmocka_unit_test(bad_text),  cmocka_unit_test(files),
                                     cmocka_unit_test(refusals),  cmocka_unit_test(twice_as_once),
                                     cmocka_unit_test(unsettled), cmocka_unit_test(english_settles),
                                     cmocka_unit_test(threads)};
  return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
