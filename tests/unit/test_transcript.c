/* From frames to words: the collapse of CTC, times, confidence, and transcripts joined window by window. */
#include "tests/unit/support.h"

#include <math.h>

#include "src/decode/transcript.h"

/* ids: 0 <unk>, 1 _, 2 _a, 3 b, 4 c, 5 _d; 6 is the blank */
static const char TOKENIZER[] =
    "{\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"},"
    "\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":6,\"content\":\"<pad>\","
    "\"special\":true}],"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"merges\":[],"
    "\"vocab\":{\"<unk>\":0,\"_\":1,\"_a\":2,\"b\":3,\"c\":4,\"_d\":5}}}";
enum { BLANK = 6 };
static Tokenizer *tokenizer;

static int setup(void **state) {
  if (folder_setup(state)) return -1;
  if (file_write(in_folder("t.json"), TOKENIZER, sizeof TOKENIZER - 1) != OK) return -1;
  return tokenizer_load(&tokenizer, in_folder("t.json"));
}

static int teardown(void **state) {
  tokenizer_free(tokenizer);
  return folder_teardown(state);
}

/* Frames written as digits, '-' for the blank; every posterior `p`. */
static Transcript decode(const char *frames, double p) {
  int32_t best[64];
  float logs[64];
  int T = (int)strlen(frames);
  for (int t = 0; t < T; t++) best[t] = frames[t] == '-' ? BLANK : frames[t] - '0', logs[t] = (float)log(p);
  return transcript_greedy(best, logs, T, BLANK, 0.04, tokenizer);
}

static void collapses(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""},          {"-", ""},           {"----", ""},        {"2", "a"},
      {"-22-", "a"},     {"223344", "abc"},   {"2-2", "a a"},      {"33", "b"},
      {"3-3", "bb"},     {"33-33-33", "bbb"}, {"2--3--5", "ab d"}, {"25", "a d"},
      {"2323", "ab ab"}, {"0", ""},           {"200003", "ab"},    {"303", "bb"},
      {"1", ""},         {"13", "b"},         {"2-1-3", "a b"},    {"2-1-1-5", "a d"},
      {"1111", ""},      {"34-5", "bc d"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Transcript t = decode(cases[i][0], 0.5);
    if (strcmp(t.text, cases[i][1])) fail_msg("%s: '%s', not '%s'", cases[i][0], t.text, cases[i][1]);
    int words = 0; /* the words are those of the text */
    char *joined = xstrdup("");
    for (; words < t.count; words++) {
      char *more = xprintf("%s%s%s", joined, words ? " " : "", t.words[words].text);
      free(joined);
      joined = more;
      assert_true(t.words[words].end > t.words[words].start);
    }
    assert_string_equal(joined, t.text);
    free(joined);
    transcript_free(&t);
    assert_null(t.words);
    transcript_free(&t); /* again */
  }
}

static void near(double a, double b) {
  if (fabs(a - b) > 1e-6) fail_msg("%g is not %g", a, b);
}

static void words_have_times(void **state) {
  (void)state;
  Transcript t = decode("--223-3--5-", 0.5); /* abb d: frames 2 to 6, frame 9 */
  assert_int_equal(t.count, 2);
  near(t.words[0].start, 2 * 0.04), near(t.words[0].end, 7 * 0.04);
  near(t.words[1].start, 9 * 0.04), near(t.words[1].end, 10 * 0.04);
  transcript_free(&t);
  t = decode("-1--3-", 0.5); /* a boundary mark alone begins the word */
  assert_int_equal(t.count, 1);
  assert_string_equal(t.words[0].text, "b");
  near(t.words[0].start, 0.04), near(t.words[0].end, 5 * 0.04);
  transcript_free(&t);
}

static void confidence(void **state) {
  (void)state;
  const int32_t best[] = {2, 2, 3, 3, 6, 5, 6};
  const float p[] = {0.5f, 0.9f, 0.3f, 0.6f, 0.99f, 0.8f, 0.2f};
  float logs[7];
  for (int i = 0; i < 7; i++) logs[i] = logf(p[i]);
  Transcript t = transcript_greedy(best, logs, 7, BLANK, 0.04, tokenizer);
  near((double)t.words[0].confidence, 0.6); /* the weaker of the tokens' best frames, 0.9 and 0.6 */
  near((double)t.words[1].confidence, 0.8);
  near((double)t.confidence, 0.7); /* their mean */
  transcript_free(&t);
  const int32_t nothing[] = {6, 6};
  t = transcript_greedy(nothing, logs, 2, BLANK, 0.04, tokenizer);
  near((double)t.confidence, 0.7); /* without words the frames' mean */
  transcript_free(&t);
  t = transcript_greedy(nothing, logs, 0, BLANK, 0.04, tokenizer);
  near((double)t.confidence, 0);
  assert_string_equal(t.text, "");
  transcript_free(&t);
}

static void windows_are_joined(void **state) {
  (void)state;
  Transcript all = {0}, part = decode("--", 0.25);
  transcript_append(&all, &part, 0);
  assert_string_equal(all.text, "");
  near((double)all.confidence, 0.25);
  assert_null(part.text);
  part = decode("23", 0.5);
  transcript_append(&all, &part, 10);
  part = decode("--", 0.1); /* silence changes nothing */
  transcript_append(&all, &part, 20);
  part = decode("-5-2", 0.8);
  transcript_append(&all, &part, 30);
  assert_string_equal(all.text, "ab d a");
  assert_int_equal(all.count, 3);
  near((double)all.confidence, (0.5 + 0.8 + 0.8) / 3);
  near(all.words[0].start, 10), near(all.words[0].end, 10.08);
  near(all.words[1].start, 30.04), near(all.words[2].end, 30.16);
  transcript_free(&all);
  part = decode("223", 0.5); /* the last frame is longer than what was left of the window */
  transcript_append(&all, &part, 1);
  part = decode("2", 0.5);
  transcript_append(&all, &part, 1.1);
  near(all.words[0].start, 1), near(all.words[0].end, 1.1), near(all.words[1].start, 1.1);
  transcript_free(&all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(collapses),
      cmocka_unit_test(words_have_times),
      cmocka_unit_test(confidence),
      cmocka_unit_test(windows_are_joined),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
