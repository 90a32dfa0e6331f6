/* The reports' parts: tables for the terminal, relative paths, redaction, escaping. */
#include "eval/compare.h"
#include "eval/html.h"
#include "eval/markdown.h"
#include "eval/redact.h"
#include "eval/report.h"
#include "eval/text_table.h"
#include "tests/unit/support.h"

static json_t *cell(const char *key, const char *value, double wer, double low, double high,
                    const char *why) {
  json_t *values = json_object(), *interval = why ? json_null() : json_pack("[f, f]", low, high);
  if (key) json_object_set_new(values, key, value ? json_string(value) : json_null());
  return json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:o, s:s?, s:f, s:o}", "values",
                   values, "utterances", 8, "words", 80, "characters", 400, "speakers", 3, "substitutions",
                   10, "deletions", 6, "insertions", 4, "wer", wer, "cer", wer / 2, "interval", interval,
                   "no_interval", why, "minutes", 1.5, "power",
                   value ? json_pack("{s:i}", "more", 7) : json_null());
}

/* Two keys, large and small groups, terms, one utterance. */
static json_t *document_make(void) {
  json_t *slices =
      json_pack("[{s:[], s:[o]}, {s:[s], s:[o, o, o]}, {s:[s], s:[o]}]", "keys", "cells",
                cell(NULL, NULL, 0.25, 0.2, 0.3, NULL), "keys", "who", "cells",
                cell("who", "ann", 0.125, 0.1, 0.2, NULL), cell("who", "bob", 0.5, 0, 0, "too few speakers"),
                cell("who", NULL, 0.5, 0, 0, "too few words"), "keys", "place", "cells",
                cell("place", "a|b<c>\n*d*", 0.125, 0.1, 0.2, NULL));
  json_t *gaps = json_pack("[{s:[s], s:{s:s}, s:{s:s}, s:f, s:[f, f], s:f, s:f, s:n}]", "keys", "who", "a",
                           "who", "bob", "b", "who", "ann", "difference", 0.375, "difference_interval", 0.1,
                           0.5, "ratio", 4.0, "q", 0.01, "matched");
  json_t *models = json_pack("[{s:[s], s:[{s:s, s:s, s:s}]}]", "keys", "who", "terms", "key", "who", "value",
                             "bob", "baseline", "ann");
  json_t *jargon = json_pack(
      "{s:s, s:[{s:n, s:b, s:f}], s:[{s:s, s:i, s:i, s:f, s:[{s:s, s:i}, {s:s, s:i}]}]}", "source",
      "secret/terms", "domains", "domain", "all", 1, "recall", 0.5, "terms", "term", "gini", "reference", 4,
      "correct", 2, "recall", 0.5, "confusions", "text", "genie", "count", 2, "text", "", "count", 1);
  json_t *utterances =
      json_pack("[{s:s, s:s, s:f, s:f, s:{s:s, s:s}, s:[s], s:[s], s:s}]", "id", "u1", "audio",
                "secret/u1.wav", "offset", 0.0, "duration", 1.5, "meta", "who", "bob", "note", "private",
                "ref", "gini", "hyp", "</script><!--", "path", "S");
  json_t *document =
      json_pack("{s:s, s:{s:s}, s:s, s:{s:s, s:i, s:i, s:i, s:s}, s:s, s:{s:s, s:i, s:i}, s:{s:i, s:f, s:f}, "
                "s:o, s:o, s:o, s:o, s:o}",
                "tool", "jargon", "files", "hyp", "secret/hyp.jsonl", "normalization", "basic-1", "costs",
                "name", "plain", "substitution", 1, "insertion", 1, "deletion", 1, "ties", "from the end",
                "speaker_key", "who", "bootstrap", "method", "bootstrap", "replicates", 1000, "seed", 1,
                "thresholds", "least_speakers", 10, "false_discovery_rate", 0.05, "gap", 0.05, "slices",
                slices, "gaps", gaps, "models", models, "jargon", jargon, "utterances", utterances);
  assert_non_null(document);
  return document;
}

static char *printed(const json_t *document, int width) {
  char *text;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  report_print(stream, document, width);
  fclose(stream);
  return text;
}

/* Two gaps of one size are two lines, the wider one first. */
static void gaps_of_one_size(void **state) {
  (void)state;
  json_t *document = document_make(), *gaps = json_object_get(document, "gaps");
  const double differences[] = {-0.375, 0.5};
  for (int g = 0; g < 2; g++) {
    json_t *gap = json_deep_copy(json_array_get(gaps, 0));
    json_object_set_new(gap, "difference", json_real(differences[g]));
    json_array_append_new(gaps, gap);
  }
  char *text = printed(document, 120);
  assert_non_null(strstr(text, "3 of 3 gaps between groups are significant (q <= 0.05):\n  +50.00 points"));
  assert_non_null(strstr(text, "  +37.50 points"));
  assert_non_null(strstr(text, "  -37.50 points"));
  free(text);
  json_decref(document);
}

/* A figure that does not exist is not printed as one. */
static void no_entropy(void **state) {
  (void)state;
  json_t *document = document_make();
  json_object_set_new(document, "confidence", json_pack("{s:f, s:n}", "ece", 0.25, "nce"));
  char *text = printed(document, 120);
  assert_non_null(strstr(text, "error 0.2500, no normalised cross-entropy: every word"));
  assert_null(strstr(text, "nan"));
  free(text);
  json_object_set_new(document, "confidence", json_pack("{s:f, s:f}", "ece", 0.25, "nce", 0.5));
  text = printed(document, 120);
  assert_non_null(strstr(text, "normalised cross-entropy 0.500"));
  free(text);
  json_decref(document);
}

/* Where nothing could be compared none is corrected for, and why is said. */
static void nothing_compared(void **state) {
  (void)state;
  json_t *document = document_make();
  char *text;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  compare_print(stream, document, 0);
  fclose(stream);
  assert_non_null(strstr(text, "Too small: fewer than 10 known speakers"));
  assert_null(strstr(text, "corrected for"));
  assert_int_equal(text[size - 1], '\n');
  free(text);
  json_decref(document);
}

static void paths(void **state) {
  (void)state;
  static const struct {
    const char *folder, *to, *expected;
  } cases[] = {{"/a", "/a/b.wav", "b.wav"},
               {"/a/b", "/a/c/d.wav", "../c/d.wav"},
               {"/a/b", "/a/bc/d.wav", "../bc/d.wav"},
               {"/a/b/", "/a/./x/../b//c.wav", "c.wav"},
               {"/", "/c.wav", "c.wav"},
               {"/a/b", "/c.wav", "../../c.wav"},
               {".", "x/y.wav", "x/y.wav"},
               {"x", "y.wav", "../y.wav"},
               {".", "https://h/y.wav", "https:/h/y.wav"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *got = path_relative(cases[i].folder, cases[i].to);
    assert_string_equal(got, cases[i].expected);
    free(got);
  }
}

static void printable(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int most;
    const char *expected;
    int width;
  } cases[] = {{"plain", 80, "plain", 5},
               {"a\033[2Jb\n", 80, "a?[2Jb?", 7},
               {"\xe2\x80\xae"
                "exe",
                80, "?exe", 4},
               {"日本語", 80, "日本語", 6},
               {"日本語", 5, "日本…", 5},
               {"日本語", 4, "日…", 3},
               {"abcdef", 4, "abc…", 4},
               {"\xff\xfe", 80, "??", 2},
               {"e\xcc\x81", 80, "e\xcc\x81", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int width;
    char *got = text_printable(cases[i].text, cases[i].most, &width);
    assert_string_equal(got, cases[i].expected);
    assert_int_equal(width, cases[i].width);
    free(got);
  }
}

static void wrapping(void **state) {
  (void)state;
  static const struct {
    int width;
    const char *text, *expected;
  } cases[] = {{0, "one two three\n", "one two three\n"},
               {9, "one two three\n\nfour", "one two\n  three\n\nfour"},
               {4, "abcdefgh ij", "abcdefgh\n  ij"},
               {9, "  in set", "  in set"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    text_wrap(stream, cases[i].text, cases[i].width);
    fclose(stream);
    assert_string_equal(text, cases[i].expected);
    free(text);
  }
}

/* The table is no wider than asked for, down to the columns that always stay; a small group has no interval.
 */
static void terminal(void **state) {
  (void)state;
  json_t *document = document_make();
  for (int width = 40; width <= 130; width += 9) {
    char *text = printed(document, width), *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
      int shown;
      free(text_printable(line, 1 << 20, &shown));
      if (shown > width) fail_msg("at %d columns: '%s'", width, line);
    }
    free(text);
  }
  char *text = printed(document, 0);
  assert_non_null(strstr(text, "  ann"));
  assert_non_null(strstr(text, "10.00-20.00"));
  assert_non_null(strstr(text, "50.00  too few speakers"));
  assert_non_null(strstr(text, "  a|b<c>?*d*"));
  assert_non_null(strstr(text, "1 of 1 gaps between groups are significant"));
  assert_non_null(strstr(text, "+37.50 points (+10.00 to +50.00), q 0.010: bob against ann"));
  assert_null(strstr(text, "too narrow"));
  free(text);
  json_decref(document);
}

static void card(void **state) {
  (void)state;
  json_t *document = document_make();
  const char *path = in_folder("card.md");
  assert_ok(markdown_write(path, document));
  char *text = text_of(path);
  assert_non_null(strstr(text, "| a\\|b&lt;c\\> \\*d\\* | 8 | 3 | 80 | 12.50 % | 10.00 to 20.00 |"));
  assert_non_null(strstr(text, "| bob | 8 | 3 | 80 | 50.00 % | too few speakers | – |"));
  assert_non_null(strstr(text, "About one word in 4 is wrong"));
  assert_non_null(strstr(text, "bob (who): 3 speakers, 80 words; 7 more to show a gap of 5 points"));
  assert_non_null(strstr(text, "80 words; not a group: its metadata is unknown"));
  assert_non_null(strstr(text, "| gini | 4 | 2 | 50.00 % | genie (2×) |"));
  free(text);
  json_decref(document);
}

/* The page's data cannot end its script element, and is the document. */
static void page(void **state) {
  (void)state;
  json_t *document = document_make();
  const char *path = in_folder("page.html");
  assert_ok(html_write(path, document));
  char *text = text_of(path);
  const char *data = strstr(text, "id=\"document\">");
  assert_non_null(data);
  data = strchr(data, '>') + 1;
  size_t length = strcspn(data, "<"); /* no other one before its end */
  assert_int_equal(strncmp(data + length, "</script>\n<script>", 18), 0);
  json_t *inside = json_loadb(data, length, 0, NULL);
  assert_non_null(inside);
  json_t *utterance = json_array_get(json_object_get(inside, "utterances"), 0);
  assert_string_equal(json_string_value(json_array_get(json_object_get(utterance, "hyp"), 0)),
                      "</script><!--");
  assert_true(json_equal(json_object_get(inside, "slices"), json_object_get(document, "slices")));
  json_decref(inside);
  free(text);
  assert_fails(html_write(in_folder("absent/page.html"), document), ERR_IO, "absent/page.html");
  json_decref(document);
}

static void redaction(void **state) {
  (void)state;
  static const char *const WORDS[] = {"secret", "gini", "genie", "ann", "bob", "u1", "private", "script"};
  json_t *document = document_make();
  document_redact(document);
  char *text = json_dumps(document, 0), *table = printed(document, 0);
  const char *path = in_folder("card.md");
  assert_ok(markdown_write(path, document));
  char *written = text_of(path);
  for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
    const char *where = strstr(text, WORDS[i]);
    if (where) fail_msg("'%s' is in the document: %.60s", WORDS[i], where);
    assert_null(strstr(table, WORDS[i]));
    assert_null(strstr(written, WORDS[i]));
  }
  json_t *slice = json_array_get(json_object_get(document, "slices"), 1),
         *cells = json_object_get(slice, "cells");
  json_t *utterance = json_array_get(json_object_get(document, "utterances"), 0);
  const char *second =
      json_string_value(json_object_get(json_object_get(json_array_get(cells, 1), "values"), "who"));
  assert_string_equal(second, "2"); /* bob, everywhere */
  assert_string_equal(json_string_value(json_object_get(json_object_get(utterance, "meta"), "who")), "2");
  assert_true(json_is_null(json_object_get(json_object_get(json_array_get(cells, 2), "values"), "who")));
  assert_non_null(strstr(text, "\"path\": \"S\""));
  assert_non_null(strstr(text, "\"wer\": 0.5"));
  assert_non_null(strstr(text, "a|b<c>"));                         /* a value of a slice stays */
  assert_non_null(strstr(text, "{\"text\": \"\", \"count\": 1}")); /* nothing written is no word */
  free(text), free(table), free(written);
  json_decref(document);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(paths),
                                     cmocka_unit_test(gaps_of_one_size),
                                     cmocka_unit_test(nothing_compared),
                                     cmocka_unit_test(no_entropy),
                                     cmocka_unit_test(printable),
                                     cmocka_unit_test(wrapping),
                                     cmocka_unit_test(terminal),
                                     cmocka_unit_test(card),
                                     cmocka_unit_test(page),
                                     cmocka_unit_test(redaction)};
  return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
