/* Fuzz target: any bytes as tokenizer.json; what loads must encode and decode within its own ids. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/text/tokenizer.h"

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  static const char *const lines[] = {"the cat sat on the mat", "a dog's caf\xc3\xa9",
                                      "the theme then there that cat",
                                      "mats on dogs and cats and then coffee for the cat that sat"};
  if (number > VOCABULARY_CHAR) return 0;
  char *path = path_join(fuzz_folder(), "tokenizer.json");
  if (vocabulary_train(lines, 4, (VocabularyKind)number, 26, path) != OK)
    fprintf(stderr, "%s\n", fail_text()), abort();
  size_t size = fuzz_load(path, data, room);
  free(path);
  return size;
}

static void use(const Tokenizer *tokenizer, const char *text) {
  int32_t *ids;
  int count, unknown;
  Status status = tokenizer_encode(tokenizer, text, &ids, &count, &unknown);
  if (status != OK) return;
  for (int i = 0; i < count; i++)
    if (ids[i] < 0 || ids[i] >= tokenizer_size(tokenizer) || !tokenizer_token(tokenizer, ids[i])) abort();
  free(tokenizer_decode(tokenizer, ids, count));
  free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const texts[] = {"",
                                      " ",
                                      "the cat's mat",
                                      "  caf\xc3\xa9 \xf0\x9f\x98\x80\xe2\x96\x81x\xcc\x81 ",
                                      "<unk><pad><0x41>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      "\xff"};
  Tokenizer *tokenizer;
  Status status = tokenizer_load(&tokenizer, fuzz_file(data, size));
  if (status != OK) return 0;
  fuzz_accepted++;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) use(tokenizer, texts[i]);
  int32_t *all = xcalloc((unsigned long)tokenizer_size(tokenizer) + 1, sizeof *all);
  for (int i = 0; i <= tokenizer_size(tokenizer); i++) all[i] = i;
  free(tokenizer_decode(tokenizer, all, tokenizer_size(tokenizer) + 1));
  free(all);
  tokenizer_free(tokenizer);
  return 0;
}
