/* Fuzz target: any bytes as lines of text, normalised and made into a vocabulary (of the kind that the first
 * byte says); what is written must load and give the lines back. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/text/normalize.h"
#include "src/text/tokenizer.h"

enum { LINES = 64 };

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  static const char text[] =
      "xThe patient's blood-pressure was 120/80, he said.\nCaf\xc3\xa9 na\xc3\xafve \xf0\x9f\x98\x80 ok\n"
      "\xe2\x96\x81mark <unk> <pad> <0x41>\nthe theme then there\n\n  spaces   here \t\n"
      "\xe4\xb8\xad\xe6\x96\x87 \xd0\xbf\xd1\x80\xd0\xb8 e\xcc\x81\xcc\x81\n";
  if (number > VOCABULARY_CHAR || sizeof text > room) return 0;
  memcpy(data, text, sizeof text - 1);
  data[0] = (uint8_t)number;
  return sizeof text - 1;
}

static void check(const char *path, char *const *lines, int count) {
  Tokenizer *tokenizer;
  if (tokenizer_load(&tokenizer, path) != OK) abort();
  for (int i = 0; i < count; i++) {
    int32_t *ids;
    int length, unknown;
    if (tokenizer_encode(tokenizer, lines[i], &ids, &length, &unknown) != OK) abort();
    char *back = tokenizer_decode(tokenizer, ids, length);
    if (!unknown && strcmp(back, lines[i])) abort();
    free(back), free(ids);
  }
  tokenizer_free(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Normalizer *normalizer;
  char *lines[LINES], *text, *path = path_join(fuzz_folder(), "vocab.json");
  int count = 0;
  if (!normalizer && normalizer_new(&normalizer, "basic") != OK) abort();
  if (size < 1 || size > 4096) return free(path), 0;
  text = xcalloc(size, 1);
  memcpy(text, data + 1, size - 1);
  for (char *line = strtok(text, "\n"); line && count < LINES; line = strtok(NULL, "\n"))
    if (normalizer_apply(normalizer, line, &lines[count]) == OK) count++;
  if (vocabulary_train((const char *const *)lines, count, (VocabularyKind)(data[0] % 3), 40 + data[0],
                       path) == OK) {
    fuzz_accepted++;
    check(path, lines, count);
  }
  for (int i = 0; i < count; i++) free(lines[i]);
  free(text), free(path);
  return 0;
}
