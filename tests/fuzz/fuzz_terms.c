/* Term lists: any bytes are either terms or a refusal with file and line; what is accepted is found again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eval/term_finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Normalizer *normalizer;
  Terms terms;
  if (!normalizer && normalizer_new(&normalizer, "basic") != OK) abort();
  Status status = terms_parse(&terms, "fuzz.txt", (const char *)data, size, normalizer);
  if (status != OK && strncmp(fail_text(), "fuzz.txt:", 9) != 0) abort();
  if (status == OK) {
    TermFinder finder;
    Occurrence found[1];
    const char *words[1] = {terms.items[0].text};
    term_finder_init(&finder, &terms);
    int count = terms_find(&finder, words, 1, terms.items[0].domain, found);
    if (count != (terms.items[0].words == 1)) abort();
    term_finder_free(&finder);
  }
  terms_free(&terms);
  return 0;
}
