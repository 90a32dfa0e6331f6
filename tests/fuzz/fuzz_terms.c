/* Term lists: any bytes are either terms or a refusal with the file's name; what is accepted is found again.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "eval/term_finder.h"

FUZZ_TEXTS("gini coefficient\tpoverty\n# a comment\n\nsepsis\r\nsepsis\tmedicine\n",
           "\xef\xbb\xbf"
           "caf\xc3\xa9 au lait\nC++\tcode\na b c d e f g h i j k l m n o p\n")

/* The first term, said alone, is found, or a shorter list of words when it begins with a longer one. */
static void find_first(const Terms *terms) {
  TermFinder finder;
  Occurrence found[TERMS_WORDS_MOST];
  const char *words[TERMS_WORDS_MOST];
  char *text = xstrdup(terms->items[0].text), *rest = text;
  int count = 0;
  for (char *word; (word = strsep(&rest, " "));) words[count++] = word;
  term_finder_init(&finder, terms);
  if (count != terms->items[0].words ||
      terms_find(&finder, words, count, terms->items[0].domain, found) != 1 || found[0].last != count - 1)
    abort();
  term_finder_free(&finder);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Normalizer *normalizer;
  Terms terms;
  if (!normalizer && normalizer_new(&normalizer, "basic") != OK) abort();
  Status status = terms_parse(&terms, "fuzz.txt", (const char *)data, size, normalizer);
  if (status != OK && (status != ERR_DATA || strncmp(fail_text(), "fuzz.txt:", 9) != 0)) abort();
  if (status == OK) find_first(&terms);
  fuzz_accepted += status == OK;
  terms_free(&terms);
  return 0;
}
