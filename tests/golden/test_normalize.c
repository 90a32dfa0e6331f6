/* The english normalisation on pairs checked by hand (tests/golden/normalize/english.tsv), each also applied
 * twice. */
#include "tests/unit/support.h"

#include "src/text/normalize.h"

static void pairs(void **state) {
  (void)state;
  Normalizer *english;
  assert_ok(normalizer_new(&english, "english"));
  assert_string_equal(normalizer_version(english), "english-1");
  char *file = text_of("tests/golden/normalize/english.tsv"), *rest = file;
  int count = 0, wrong = 0;
  for (char *line; (line = strsep(&rest, "\n"));) {
    char *expected = strchr(line, '\t'), *once, *twice;
    if (*line == '#' || !expected) continue;
    *expected++ = 0;
    assert_ok(normalizer_apply(english, line, &once));
    assert_ok(normalizer_apply(english, once, &twice));
    if (strcmp(once, expected) || strcmp(once, twice))
      wrong++, print_error("'%s' gave '%s', then '%s', not '%s'\n", line, once, twice, expected);
    count++;
    free(once);
    free(twice);
  }
  assert_int_equal(wrong, 0);
  assert_true(count >= 190);
  free(file);
  normalizer_free(english);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pairs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
