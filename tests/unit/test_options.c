/* Options: every type on the command line, as key=value and in YAML; who wins; what each mistake is told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/options.h"
#include "src/base/settings.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* The values of one parse, with a table of every type. */
typedef struct Values {
  bool quiet;
  int count;
  double rate;
  const char *out, *kind, *input;
  StringList freeze, files, model;
  Option table[10];
  Options options;
} Values;

static char config[] = "/tmp/jargon-options-XXXXXX";

static Status parse(Values *v, const char *line) {
  static char copy[1024];
  char *argv[32], *rest = copy, *word;
  int argc = 0;
  *v = (Values){.count = 3, .rate = 0.5, .kind = "bpe"};
  const Option table[] = {{"out", OPTION_TEXT, &v->out, "DIR", "output", .required = true, .neutral = true},
                          {"quiet", OPTION_BOOL, &v->quiet, "", "no line"},
                          {"item-count", OPTION_INT, &v->count, "N", "items", .min = 1, .max = 10},
                          {"rate", OPTION_REAL, &v->rate, "RATE", "rate", .max = 1},
                          {"kind", OPTION_TEXT, &v->kind, "", "kind", .choices = "bpe|unigram|char"},
                          {"freeze", OPTION_LIST, &v->freeze, "PATTERN", "patterns"},
                          {"model", OPTION_GROUP, &v->model, "", "settings of the model"},
                          {"input", OPTION_TEXT, &v->input, "FILE", "input", .positional = true},
                          {"files", OPTION_LIST, &v->files, "FILE", "more", .positional = true},
                          {0}};
  memcpy(v->table, table, sizeof table);
  v->options = (Options){.verb = "try", .summary = "tries", .example = "jargon try", .table = v->table};
  snprintf(copy, sizeof copy, "try %s", line);
  while ((word = strsep(&rest, " "))) argv[argc++] = word;
  argv[argc] = NULL;
  return options_parse(&v->options, argc, argv);
}

static void put_config(const char *text) { assert_int_equal(file_write(config, text, strlen(text)), OK); }

/* Parses `line` after "--config FILE" when `yaml` is given, and expects an error that has all of `said` in
 * it. */
static void expect_error(const char *yaml, const char *line, Status code, const char *said) {
  Values v;
  char *full = yaml ? xprintf("--config %s %s", config, line) : xstrdup(line);
  if (yaml) put_config(yaml);
  assert_int_equal(parse(&v, full), code);
  if (!strstr(fail_text(), said)) fail_msg("'%s' was told '%s', not '%s'", line, fail_text(), said);
  options_free(&v.options);
  free(full);
}

static void every_type_on_the_command_line(void **state) {
  (void)state;
  Values v;
  assert_int_equal(
      parse(&v, "--out o --quiet --item-count 7 --rate=1e-3 --kind char --freeze a,b --freeze c in x y=z "
                "model.layers=2"),
      ERR_USAGE); /* y=z is no setting */
  assert_non_null(strstr(fail_text(), "y is no setting"));
  options_free(&v.options);
  assert_int_equal(
      parse(&v, "--out o --quiet --item-count 7 --rate=1e-3 --kind char --freeze a,b --freeze c in x,1 "
                "model.layers=2 -- y=z"),
      OK);
  assert_string_equal(v.out, "o");
  assert_true(v.quiet);
  assert_int_equal(v.count, 7);
  assert_true(v.rate == 1e-3);
  assert_string_equal(v.kind, "char");
  assert_int_equal(v.freeze.count, 3);
  assert_string_equal(v.freeze.items[1], "b");
  assert_string_equal(v.freeze.items[2], "c");
  assert_string_equal(v.input, "in");
  assert_int_equal(v.files.count, 2);
  assert_string_equal(v.files.items[0], "x,1"); /* a file's name may hold a comma */
  assert_string_equal(v.files.items[1], "y=z"); /* after -- */
  assert_int_equal(v.model.count, 1);
  assert_string_equal(v.model.items[0], "layers=2");
  options_free(&v.options);
}

static void defaults_stay(void **state) {
  (void)state;
  Values v;
  assert_int_equal(parse(&v, "out=o quiet=no"), OK);
  assert_false(v.quiet);
  assert_int_equal(v.count, 3);
  assert_true(v.rate == 0.5);
  assert_string_equal(v.kind, "bpe");
  assert_null(v.input);
  assert_int_equal(v.freeze.count, 0);
  options_free(&v.options);
}

static void command_line_wins_over_yaml(void **state) {
  (void)state;
  Values v;
  char line[200];
  put_config("# all of it\nout: \"from file\"\nitem_count: 5\nrate: 0.25\nquiet: yes\nfreeze: [a, 'b,c']\n"
             "model:\n  layers: 4\n  sub: {k: v}\nkind: unigram\n");
  snprintf(line, sizeof line, "item-count=6 --config %s --kind=char model.layers=8", config);
  assert_int_equal(parse(&v, line), OK);
  assert_string_equal(v.out, "from file");
  assert_int_equal(v.count, 6);
  assert_true(v.rate == 0.25);
  assert_true(v.quiet);
  assert_string_equal(v.kind, "char");
  assert_int_equal(v.freeze.count, 2);
  assert_string_equal(v.freeze.items[1], "b,c"); /* an item of a sequence stays whole */
  assert_int_equal(v.model.count, 3);
  assert_string_equal(v.model.items[0], "layers=4");
  assert_string_equal(v.model.items[1], "sub.k=v");
  assert_string_equal(v.model.items[2], "layers=8"); /* later wins */
  options_free(&v.options);
  snprintf(line, sizeof line, "--config %s --freeze z", config);
  assert_int_equal(parse(&v, line), OK);
  assert_int_equal(v.freeze.count, 1); /* the list of the command line replaces the file's */
  assert_string_equal(v.freeze.items[0], "z");
  options_free(&v.options);
}

static void command_line_mistakes(void **state) {
  (void)state;
  expect_error(NULL, "--quiet", ERR_USAGE, "--out is missing");
  expect_error(NULL, "--out o --item-count 0", ERR_USAGE, "--item-count: 0 is out of range; give 1 to 10");
  expect_error(NULL, "--out o --item-count 11", ERR_USAGE, "give 1 to 10");
  expect_error(NULL, "--out o --item-count 1.5", ERR_USAGE, "'1.5' is not a whole number");
  expect_error(NULL, "--out o --item-count 99999999999999999999", ERR_USAGE, "is not a whole number");
  expect_error(NULL, "--out o item_count=", ERR_USAGE, "item_count: '' is not a whole number");
  expect_error(NULL, "--out o --rate nan", ERR_USAGE, "'nan' is not a number");
  expect_error(NULL, "--out o --rate 1x", ERR_USAGE, "'1x' is not a number");
  expect_error(NULL, "--out o --rate -0.1", ERR_USAGE, "give 0 to 1");
  expect_error(NULL, "--out o --quiet=maybe", ERR_USAGE, "neither yes nor no");
  expect_error(NULL, "--out o --kind bp", ERR_USAGE, "'bp' is none of bpe|unigram|char");
  expect_error(NULL, "--out o --kind gram", ERR_USAGE, "'gram' is none of");
  expect_error(NULL, "--out o --freeze a,,b", ERR_USAGE, "has an empty item");
  expect_error(NULL, "--out", ERR_USAGE, "--out needs a value, DIR");
  expect_error(NULL, "--out o --itm-count 3", ERR_USAGE, "did you mean item-count?");
  expect_error(NULL, "--out o itemcount=3", ERR_USAGE, "did you mean item-count?");
  expect_error(NULL, "--out o completely_else=3", ERR_USAGE, "see `jargon try --help`");
  expect_error(NULL, "--out o -x", ERR_USAGE, "-x is no option");
  expect_error(NULL, "--out o --model.layers 3", ERR_USAGE, "model.layers=VALUE");
  expect_error(NULL, "--out o model=3", ERR_USAGE, "model is a group of settings");
  expect_error(NULL, "--out o --config /nowhere.yaml", ERR_IO, "/nowhere.yaml");
}

static void yaml_mistakes_name_file_and_line(void **state) {
  (void)state;
  char said[100];
  const struct {
    const char *yaml, *said;
    int line;
  } cases[] = {
      {"out: o\nitem_count: many\n", "item_count: 'many' is not a whole number", 2},
      {"out: o\n\nitm_count: 3\n", "itm_count is no setting of `jargon try`; did you mean item-count?", 3},
      {"out: o\nout: p\n", "out is given twice", 2},
      {"item-count: 1\nitem_count: 2\n", "item_count is given twice", 2},
      {"out: o\nrate: [1, 2]\n", "rate takes one value, not a list", 2},
      {"out:\n", "out has no value", 1},
      {"out: o\nrate: : 3\n", "not valid YAML", 2},
      {"- a\n- b\n", "settings are lines of the form", 1},
      {"out: &a o\n", "anchors and tags are not accepted", 1},
      {"out: !!str o\n", "anchors and tags are not accepted", 1},
      {"out: *a\n", "aliases are not accepted", 1},
      {"out: o\n---\nout: p\n", "a second document", 2},
      {"freeze: [[a]]\n", "a list holds plain values only", 1},
      {"? [a]\n: b\n", "a key must be a plain name", 1},
      {"out: \"a\\0b\"\n", "zero byte", 1},
      {"m: {m: {m: {m: {m: {m: {m: {m: {m: 1}}}}}}}}\n", "nested deeper than 8 levels", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(said, sizeof said, "%s:%d: ", config, cases[i].line);
    expect_error(cases[i].yaml, "", ERR_USAGE, said);
    expect_error(cases[i].yaml, "", ERR_USAGE, cases[i].said);
  }
}

static void large_yaml_is_refused(void **state) {
  (void)state;
  enum { SIZE = 70000 };
  char *text = xcalloc(SIZE, 1);
  Settings settings;
  memset(text, '[', SIZE);
  assert_int_equal(settings_parse(&settings, "deep.yaml", text, SIZE), ERR_USAGE);
  assert_non_null(strstr(fail_text(), "deep.yaml has 70000 bytes"));
  free(text);
}

static char *print(const Values *v, bool neutral) {
  char *text;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  options_print(&v->options, stream, neutral);
  fclose(stream);
  return text;
}

static void printed_settings_read_back(void **state) {
  (void)state;
  Values v;
  assert_int_equal(
      parse(&v, "out=a\"b\\c\001 rate=0.1 item-count=9 quiet=yes freeze=x,y model.k=1 model.k=2 in f1 f2"),
      OK);
  char *first = print(&v, true), *line = xprintf("--config %s", config), *part = print(&v, false);
  assert_null(strstr(part, "out:")); /* neutral */
  assert_non_null(strstr(part, "rate: 0.1\n"));
  options_free(&v.options);
  put_config(first);
  assert_int_equal(parse(&v, line), OK);
  assert_string_equal(v.out, "a\"b\\c\001");
  assert_true(v.rate == 0.1);
  assert_int_equal(v.files.count, 2);
  assert_int_equal(v.model.count, 1); /* the last k */
  char *second = print(&v, true);
  assert_string_equal(first, second);
  options_free(&v.options);
  free(first), free(second), free(part), free(line);
}

static void nearest_names(void **state) {
  (void)state;
  const char *const names[] = {"learning-rate", "warmup", "seed", "steps"};
  assert_string_equal(setting_nearest("lerning_rate", names, 4), "learning-rate");
  assert_string_equal(setting_nearest("stpes", names, 4), "steps");
  assert_string_equal(setting_nearest("sed", names, 4), "seed");
  assert_null(setting_nearest("batch", names, 4));
  assert_null(setting_nearest("x", names, 4));
}

static int make_config(void **state) {
  (void)state;
  int fd = mkstemp(config);
  return fd < 0 ? -1 : close(fd);
}

static int remove_config(void **state) {
  (void)state;
  return unlink(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_on_the_command_line),   cmocka_unit_test(defaults_stay),
      cmocka_unit_test(command_line_wins_over_yaml),      cmocka_unit_test(command_line_mistakes),
      cmocka_unit_test(yaml_mistakes_name_file_and_line), cmocka_unit_test(large_yaml_is_refused),
      cmocka_unit_test(printed_settings_read_back),       cmocka_unit_test(nearest_names),
  };
  return cmocka_run_group_tests(tests, make_config, remove_config);
}
