/* YAML settings: what is accepted, in what order, and that every refusal names file and line. */
#include "tests/unit/support.h"

#include "src/base/settings.h"

static Status parse(Settings *settings, const char *text) {
  return settings_parse(settings, "a.yaml", text, strlen(text));
}

static void expect(const Settings *settings, int i, const char *key, const char *value, bool item, int line) {
  assert_true(i < settings->count);
  assert_string_equal(settings->items[i].key, key);
  assert_string_equal(settings->items[i].value, value);
  assert_int_equal(settings->items[i].item, item);
  assert_int_equal(settings->items[i].line, line);
}

static void flattens(void **state) {
  (void)state;
  Settings s;
  assert_ok(parse(&s, "# comment\nseed: 1\nmodel: {hidden_size: 144, name: 'a b'}\n\ncorpus: [x, \"y\"]\n"
                      "more:\n  list:\n  - 1\n  - ~\n  deep:\n    key: \"\"\nempty: []\nnone: {}\n"));
  assert_int_equal(s.count, 8);
  expect(&s, 0, "seed", "1", false, 2);
  expect(&s, 1, "model.hidden_size", "144", false, 3);
  expect(&s, 2, "model.name", "a b", false, 3);
  expect(&s, 3, "corpus", "x", true, 5);
  expect(&s, 4, "corpus", "y", true, 5);
  expect(&s, 5, "more.list", "1", true, 8);
  expect(&s, 6, "more.list", "~", true, 9);
  expect(&s, 7, "more.deep.key", "", false, 11);
  settings_free(&s);
  assert_int_equal(s.count, 0);
  settings_free(&s); /* again */
  static const char *const nothing[] = {"", "\n", "# comment\n", "{}"};
  for (int i = 0; i < 4; i++) {
    assert_ok(parse(&s, nothing[i]));
    assert_int_equal(s.count, 0);
    settings_free(&s);
  }
  assert_ok(parse(&s, "\xef\xbb\xbfkey: \xc3\xa9\r\nb: 2\r\n")); /* byte-order mark, CRLF */
  expect(&s, 0, "key", "\xc3\xa9", false, 1);
  expect(&s, 1, "b", "2", false, 2);
  settings_free(&s);
}

static void refuses(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } bad[] = {
      {"a: 1\nb 2\n", "(in what begins at line 2)"},
      {"a: [1, 2\n", "not valid YAML"},
      {"a: 1\n\tb: 2\n", "a.yaml:2: not valid YAML"},
      {"a: 'x\n", "not valid YAML"},
      {"a: \xff\n", "not valid YAML"},
      {"a: \x01\n", "not valid YAML"},
      {"- a\n- b\n", "a.yaml:1: settings are lines of the form `key: value`"},
      {"text\n", "a.yaml:1: settings are lines"},
      {"a: 1\nb: 2\na: 3\n", "a.yaml:3: a is given twice"},
      {"a-b: 1\na_b: 3\n", "a.yaml:2: a_b is given twice"},
      {"m: {k: 1}\nm.k: 2\n", "a.yaml:2: m.k is given twice"},
      {"a:\n", "a.yaml:1: a has no value"},
      {"a: 1\nb:   # nothing\nc: 2\n", "a.yaml:2: b has no value"},
      {"a: &x 1\n", "a.yaml:1: a: anchors and tags are not accepted"},
      {"a: !!int 1\n", "a.yaml:1: a: anchors and tags are not accepted"},
      {"a: &x {b: 1}\n", "a.yaml:1: a: anchors and tags are not accepted"},
      {"a: !t {b: 1}\n", "a.yaml:1: a: anchors and tags are not accepted"},
      {"a: &x [1]\n", "a.yaml:1: a: anchors and tags are not accepted"},
      {"&x a: 1\n", "a key must be a plain name"},
      {"!!str a: 1\n", "a key must be a plain name"},
      {"a: 1\nb: *x\n", "a.yaml:2: b: aliases are not accepted"},
      {"b: [*x]\n", "b: a list holds plain values only"},
      {"? [a]\n: 1\n", "a key must be a plain name"},
      {"\"\": 1\n", "a key must be a plain name"},
      {"\"a\\0b\": 1\n", "a key must be a plain name"},
      {"a: \"x\\0y\"\n", "a.yaml:1: a: the value contains a zero byte"},
      {"a:\n- [1]\n", "a.yaml:2: a: a list holds plain values only"},
      {"a:\n- b: 1\n", "a.yaml:2: a: a list holds plain values only"},
      {"a: 1\n---\nb: 2\n", "a.yaml:2: a second document"},
      {"{a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}}\n", "a.yaml:1: nested deeper than 8 levels"},
  };
  Settings s;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_fails(parse(&s, bad[i].text), ERR_USAGE, bad[i].words);
    assert_null(s.items); /* nothing to free */
  }
  assert_ok(parse(&s, "{a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}}\n"));
  expect(&s, 0, "a.b.c.d.e.f.g.h", "1", false, 1);
  settings_free(&s);
}

static void files_are_capped(void **state) {
  (void)state;
  Settings s;
  char *big = xcalloc(100001, 1);
  memset(big, ' ', 65536);
  memcpy(big, "a: 1\n#", 6);
  assert_ok(settings_parse(&s, "a.yaml", big, 65536));
  settings_free(&s);
  assert_fails(settings_parse(&s, "a.yaml", big, 65537), ERR_USAGE, "a.yaml has 65537 bytes");
  memset(big, '[', 65536); /* quadratic in libyaml: refused at the first bracket */
  assert_fails(settings_parse(&s, "a.yaml", big, 65536), ERR_USAGE, "a.yaml:1: ");
  memset(big, '{', 65536);
  assert_fails(settings_parse(&s, "a.yaml", big, 65536), ERR_USAGE, "a.yaml:1: ");
  const char *path = in_folder("big.yaml");
  assert_ok(file_write(path, big, 100000));
  assert_fails(settings_read(&s, path), ERR_USAGE, "big.yaml has 100000 bytes");
  assert_ok(file_write(path, "a: 1\nb", 6));
  assert_fails(settings_read(&s, path), ERR_USAGE, "big.yaml:");
  assert_ok(file_write(path, "a: 1", 4));
  assert_ok(settings_read(&s, path));
  expect(&s, 0, "a", "1", false, 1);
  settings_free(&s);
  assert_fails(settings_read(&s, in_folder("none.yaml")), ERR_IO, "cannot open");
  free(big);
}

static void keys_and_slips(void **state) {
  (void)state;
  static const char *const names[] = {"batch-seconds", "seed", "model", "max-seconds", "lr"};
  assert_true(setting_same_key("a-b_c", "a_b-c"));
  assert_false(setting_same_key("ab", "abc"));
  assert_false(setting_same_key("abc", "ab"));
  assert_false(setting_same_key("a", "b"));
  assert_string_equal(setting_nearest("batch_second", names, 5), "batch-seconds");
  assert_string_equal(setting_nearest("sede", names, 5), "seed");
  assert_string_equal(setting_nearest("modle", names, 5), "model");
  assert_string_equal(setting_nearest("min-seconds", names, 5), "max-seconds");
  assert_null(setting_nearest("threads", names, 5));
  assert_null(setting_nearest("xy", names, 5)); /* two edits make anything of two letters */
  assert_null(setting_nearest("", names, 5));
  char *big = xcalloc(1001, 1);
  memset(big, 'b', 1000);
  assert_null(setting_nearest(big, names, 5));
  free(big);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flattens),
      cmocka_unit_test(refuses),
      cmocka_unit_test_setup_teardown(files_are_capped, folder_setup, folder_teardown),
      cmocka_unit_test(keys_and_slips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
