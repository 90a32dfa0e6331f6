/* tokenizer.json files of every kind against what Hugging Face's tokenizers make of a few hundred lines of
 * nasty text; make_tokenizer.py has made both. */
#include "tests/unit/support.h"

#include <jansson.h>

#include "src/text/tokenizer.h"

#define FOLDER "tests/golden/tokenizer/"

static char *next_line(char **at) {
  char *line = *at, *end = strchr(line, '\n');
  if (!*line || !end) return NULL;
  *end = 0;
  *at = end + 1;
  return line;
}

static char *unquote(const char *text) {
  json_error_t error;
  json_t *string = json_loads(text, JSON_DECODE_ANY, &error);
  if (!string) fail_msg("%s: %s", text, error.text);
  char *out = xstrdup(json_string_value(string));
  json_decref(string);
  return out;
}

static char *join(const int32_t *ids, int count) {
  char *text = xstrdup("");
  for (int i = 0; i < count; i++) {
    char *more = xprintf("%s%s%d", text, i ? " " : "", (int)ids[i]);
    free(text);
    text = more;
  }
  return text;
}

static void agrees(void **state) {
  const char *name = *state;
  Tokenizer *tokenizer;
  char *path = xprintf(FOLDER "%s.json", name), *expected = xprintf(FOLDER "%s.expected", name);
  char *lines = text_of(FOLDER "lines.txt"), *right = text_of(expected), *at = lines, *right_at = right,
       *quoted;
  int count = 0, wrong = 0;
  assert_ok(tokenizer_load(&tokenizer, path));
  while ((quoted = next_line(&at))) {
    char *ids_right = next_line(&right_at), *text = unquote(quoted), *back_right = NULL;
    int32_t *ids;
    int length, unknown;
    assert_non_null(ids_right);
    char *tab = strchr(ids_right, '\t');
    *tab = 0;
    back_right = unquote(tab + 1);
    assert_ok(tokenizer_encode(tokenizer, text, &ids, &length, &unknown));
    char *joined = join(ids, length), *back = tokenizer_decode(tokenizer, ids, length);
    if (strcmp(joined, ids_right) || strcmp(back, back_right)) {
      print_error("%s\n  ids   %s\n  not   %s\n  text '%s' not '%s'\n", quoted, joined, ids_right, back,
                  back_right);
      wrong++;
    }
    free(joined), free(back), free(back_right), free(ids), free(text);
    count++;
  }
  assert_null(next_line(&right_at));
  assert_true(count > 250);
  if (wrong) fail_msg("%d of %d lines differ", wrong, count);
  tokenizer_free(tokenizer);
  free(path), free(expected), free(lines), free(right);
}

int main(void) {
#define CASE(name)                                                                                           \
  { #name, agrees, NULL, NULL, #name }
  const struct CMUnitTest tests[] = {
      CASE(bpe),      CASE(bpe_normalized), CASE(bpe_bytes),    CASE(char_nfc),
      CASE(char_nfd), CASE(char_nfkd),      CASE(unigram),      CASE(unigram_bytes),
      CASE(ours_bpe), CASE(ours_char),      CASE(ours_unigram),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
