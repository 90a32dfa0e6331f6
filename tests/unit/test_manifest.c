/* Manifests: what each use asks for, and that every bad line is named by file and line. */
#include "tests/unit/support.h"

#include "src/corpus/manifest.h"

#include <math.h>

static const char *put(const char *text, size_t size) {
  const char *path = in_folder("m.jsonl");
  assert_ok(file_write(path, text, size));
  return path;
}

static Status read_text(Manifest *manifest, const char *text, ManifestUse use, bool skip_bad) {
  return manifest_read(manifest, put(text, strlen(text)), use, skip_bad);
}

static void put_audio(void) {
  assert_ok(folder_make(in_folder("audio")));
  assert_ok(file_write(in_folder("a.wav"), "x", 1));
  assert_ok(file_write(in_folder("audio/b.wav"), "x", 1));
}

#define A "{\"audio_filepath\": \"a.wav\", \"duration\": 1.5, \"text\": \"one two\"}"

static void good_lines(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  char *absolute =
      xprintf("{\"text\": \"x\", \"duration\": 2, \"audio_filepath\": \"%s\", \"offset\": 0.25}\r\n"
              "\n  \t\r\n" A,
              in_folder("audio/b.wav"));
  char *text =
      xprintf("\xef\xbb\xbf" A "\n%s", absolute); /* byte-order mark, CRLF, empty lines, no last newline */
  assert_ok(read_text(&m, text, MANIFEST_TRAIN, false));
  assert_int_equal(m.count, 3);
  assert_int_equal(m.bad_count, 0);
  assert_string_equal(m.items[0].audio, in_folder("a.wav"));
  assert_string_equal(m.items[1].audio, in_folder("audio/b.wav"));
  assert_string_equal(m.items[0].text, "one two");
  assert_true(m.items[0].offset == 0 && m.items[0].duration == 1.5);
  assert_true(m.items[1].offset == 0.25 && m.items[1].duration == 2);
  assert_int_equal(m.items[0].line, 1);
  assert_int_equal(m.items[1].line, 2);
  assert_int_equal(m.items[2].line, 5);
  uint64_t hash = m.hash;
  manifest_free(&m);
  manifest_free(&m); /* again */
  text[strlen(text) - 2] = 'X';
  assert_fails(read_text(&m, text, MANIFEST_TRAIN, false), ERR_DATA, "m.jsonl:5: column");
  assert_true(m.hash != hash);
  manifest_free(&m);
  free(text), free(absolute);
}

static void metadata_is_kept(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  assert_ok(
      read_text(&m,
                "{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"caf\\u00e9 \\ud83d\\ude00\", "
                "\"speaker\": \"s1\", \"gender\": null, \"age\": 31, \"deep\": {\"x\": [1, 2.5, true]}}",
                MANIFEST_TRAIN, false));
  assert_string_equal(m.items[0].text, "caf\xc3\xa9 \xf0\x9f\x98\x80");
  const json_t *fields = m.items[0].fields;
  assert_string_equal(json_string_value(json_object_get(fields, "speaker")), "s1");
  assert_true(json_is_null(json_object_get(fields, "gender")));
  assert_int_equal(json_integer_value(json_object_get(fields, "age")), 31);
  assert_int_equal(json_array_size(json_object_get(json_object_get(fields, "deep"), "x")), 3);
  manifest_free(&m);
}

/* Line 2 of three is bad. */
static const struct {
  const char *line, *words;
} bad[] = {
    {"{", "column 1: "},
    {A "x", "column "},
    {A A, "column "},
    {"[]", "not a JSON object"},
    {"\"text\"", "'{' expected"},
    {"17", "'{' expected"},
    {"null", "'{' expected"},
    {"{'audio_filepath': 1}", "column "},
    {"{\"duration\": 1, \"text\": \"x\"}", "the key \"audio_filepath\" is missing"},
    {"{\"audio_filepath\": \"a.wav\", \"text\": \"x\"}", "the key \"duration\" is missing"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1}", "the key \"text\" is missing"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"x\", \"text\": \"y\"}",
     "duplicate object key"},
    {"{\"audio_filepath\": 1, \"duration\": 1, \"text\": \"x\"}", "\"audio_filepath\" must be a string"},
    {"{\"audio_filepath\": null, \"duration\": 1, \"text\": \"x\"}", "\"audio_filepath\" must be a string"},
    {"{\"audio_filepath\": \"\", \"duration\": 1, \"text\": \"x\"}", "\"audio_filepath\" is empty"},
    {"{\"audio_filepath\": \"none.wav\", \"duration\": 1, \"text\": \"x\"}", "cannot find the audio file"},
    {"{\"audio_filepath\": \"audio\", \"duration\": 1, \"text\": \"x\"}", "is not a regular file"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": \"1\", \"text\": \"x\"}",
     "\"duration\" must be a number"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": null, \"text\": \"x\"}", "\"duration\" must be a number"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": -1, \"text\": \"x\"}",
     "\"duration\" is -1; accepted are"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 0, \"text\": \"x\"}", "\"duration\" is 0; accepted are"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1e300, \"text\": \"x\"}",
     "\"duration\" is 1e+300; accepted"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1e999, \"text\": \"x\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": NaN, \"text\": \"x\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": Infinity, \"text\": \"x\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 99999999999999999999, \"text\": \"x\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"offset\": -0.1, \"text\": \"x\"}",
     "\"offset\" is -0.1"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"offset\": [], \"text\": \"x\"}",
     "\"offset\" must be a number"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": [\"x\"]}", "\"text\" must be a string"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"\"}", "\"text\" is empty"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \" \\t\\n\"}", "\"text\" is empty"},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"\xff\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"\xed\xa0\x80\"}",
     "column "}, /* a surrogate */
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"a\\u0000b\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"\\ud800\"}", "column "},
    {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"a\tb\"}",
     "column "}, /* a raw control character */
};
enum { BAD = sizeof bad / sizeof *bad };

static void bad_lines_are_named(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  for (int i = 0; i < BAD; i++) {
    char *text = xprintf(A "\n%s\n" A "\n", bad[i].line);
    assert_fails(read_text(&m, text, MANIFEST_TRAIN, false), ERR_DATA, bad[i].words);
    if (!strstr(fail_text(), "/m.jsonl:2: ")) fail_msg("'%s' does not name the line", fail_text());
    manifest_free(&m);
    assert_ok(read_text(&m, text, MANIFEST_TRAIN, true));
    assert_int_equal(m.count, 2);
    assert_int_equal(m.items[1].line, 3);
    assert_int_equal(m.bad_count, 1);
    assert_non_null(strstr(m.bad[0], "/m.jsonl:2: "));
    assert_non_null(strstr(m.bad[0], bad[i].words));
    manifest_free(&m);
    free(text);
  }
}

static void all_bad_lines_are_listed(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  char *text = xstrdup("");
  for (int i = 0; i < BAD; i++) {
    char *more = xprintf("%s%s\n", text, bad[i].line);
    free(text);
    text = more;
  }
  assert_fails(read_text(&m, text, MANIFEST_TRAIN, true), ERR_DATA, "has no good line; the first bad one: ");
  assert_int_equal(m.bad_count, BAD);
  manifest_free(&m);
  char *one = xprintf("%s" A "\n", text);
  assert_ok(read_text(&m, one, MANIFEST_TRAIN, true));
  assert_int_equal(m.bad_count, BAD);
  assert_int_equal(m.count, 1);
  for (int i = 0; i < BAD; i++) {
    char *place = xprintf("m.jsonl:%d: ", i + 1);
    assert_non_null(strstr(m.bad[i], place));
    free(place);
  }
  manifest_free(&m);
  free(text), free(one);
}

static void bytes_of_zero(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  static const char inside[] = A "\n{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"a\0b\"}\n" A;
  assert_fails(manifest_read(&m, put(inside, sizeof inside - 1), MANIFEST_TRAIN, false), ERR_DATA,
               "m.jsonl:2: column");
  manifest_free(&m);
  static const char alone[] = A "\n\0\n" A; /* not an empty line */
  assert_fails(manifest_read(&m, put(alone, sizeof alone - 1), MANIFEST_TRAIN, false), ERR_DATA,
               "m.jsonl:2: ");
  manifest_free(&m);
  static const char behind[] = A "\0rest\n";
  assert_fails(manifest_read(&m, put(behind, sizeof behind - 1), MANIFEST_TRAIN, false), ERR_DATA,
               "m.jsonl:1: ");
  manifest_free(&m);
}

static void sizes(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  size_t size = (1 << 20) + 200;
  char *big = xcalloc(size, 1),
       *at = stpcpy(big, "{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"");
  memset(at, 'x', 1 << 20);
  strcpy(at + (1 << 20), "\"}\n" A "\n");
  assert_fails(read_text(&m, big, MANIFEST_TRAIN, false), ERR_DATA, "m.jsonl:1: the line has 10486");
  manifest_free(&m);
  assert_ok(read_text(&m, big, MANIFEST_TRAIN, true));
  assert_int_equal(m.count, 1);
  manifest_free(&m);
  memset(big, '[', 1 << 20); /* deeper than any stack */
  assert_fails(read_text(&m, big, MANIFEST_TRAIN, false), ERR_DATA, "m.jsonl:1: ");
  manifest_free(&m);
  free(big);
  static const char *const nothing[] = {"", "\n\n", "\xef\xbb\xbf", " \t\r\n"};
  for (int i = 0; i < 4; i++) {
    assert_fails(read_text(&m, nothing[i], MANIFEST_TRAIN, false), ERR_DATA, "m.jsonl has no utterance");
    manifest_free(&m);
  }
  assert_fails(manifest_read(&m, in_folder("none"), MANIFEST_TRAIN, false), ERR_IO, "cannot open");
  manifest_free(&m);
  assert_fails(manifest_read(&m, test_folder, MANIFEST_TRAIN, false), ERR_DATA, "not a regular file");
  manifest_free(&m);
}

static void uses(void **state) {
  (void)state;
  Manifest m;
  put_audio();
  static const struct {
    const char *line;
    bool good[4]; /* TRAIN, FREE, TEXT, SCORE */
  } cases[] = {
      {A, {1, 1, 1, 1}},
      {"{\"audio_filepath\": \"a.wav\"}", {0, 1, 0, 1}},
      {"{\"audio_filepath\": \"a.wav\", \"duration\": 1, \"text\": \"\"}", {0, 1, 1, 1}},
      {"{\"audio_filepath\": \"none.wav\", \"duration\": 1, \"text\": \"x\"}", {0, 0, 1, 1}},
      {"{\"text\": \"x\"}", {0, 0, 1, 1}},
      {"{\"audio_filepath\": \"\", \"text\": \"x\"}", {0, 0, 0, 0}},
      {"{\"audio_filepath\": \"a.wav\", \"duration\": 0.0001, \"text\": \"x\"}", {0, 0, 0, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int use = 0; use < 4; use++) {
      Status status = read_text(&m, cases[i].line, (ManifestUse)use, false);
      if ((status == OK) != cases[i].good[use]) fail_msg("%s, use %d: %s", cases[i].line, use, fail_text());
      manifest_free(&m);
    }
  }
  assert_ok(read_text(&m, cases[1].line, MANIFEST_FREE, false));
  assert_true(m.items[0].duration < 0);
  assert_string_equal(m.items[0].text, "");
  manifest_free(&m);
  assert_ok(read_text(&m, cases[4].line, MANIFEST_TEXT, false));
  assert_null(m.items[0].audio);
  manifest_free(&m);
}

/* Paths in messages are as the user wrote them: a manifest in the current folder adds nothing. */
static void relative_to_the_manifest(void **state) {
  (void)state;
  Manifest m;
  char before[4096];
  put_audio();
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(test_folder), 0);
  assert_ok(file_write("m.jsonl", A, strlen(A)));
  assert_ok(manifest_read(&m, "m.jsonl", MANIFEST_TRAIN, false));
  assert_string_equal(m.items[0].audio, "a.wav");
  manifest_free(&m);
  assert_ok(folder_make("lists"));
  assert_ok(file_write("lists/m.jsonl", "{\"audio_filepath\": \"../a.wav\"}", 30));
  assert_ok(manifest_read(&m, "lists/m.jsonl", MANIFEST_FREE, false));
  assert_string_equal(m.items[0].audio, "lists/../a.wav");
  manifest_free(&m);
  assert_int_equal(chdir(before), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
  const struct CMUnitTest tests[] = {
      TEST(good_lines),
      TEST(metadata_is_kept),
      TEST(bad_lines_are_named),
      TEST(all_bad_lines_are_listed),
      TEST(bytes_of_zero),
      TEST(sizes),
      TEST(uses),
      TEST(relative_to_the_manifest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
