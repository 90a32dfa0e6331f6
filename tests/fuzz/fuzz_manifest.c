/* Fuzz target: any bytes as a manifest, for every use, with bad lines skipped or not. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "src/corpus/manifest.h"

/* /proc/self/exe is a file that is there. */
#define LINE(rest)                                                                                           \
  "{\"audio_filepath\": \"/proc/self/exe\", \"duration\": 1.5, \"text\": \"one caf\xc3\xa9\"" rest "}"

FUZZ_TEXTS(
    LINE("") "\n" LINE(", \"offset\": 0.25, \"speaker\": \"s1\", \"n\": [1, 2.5, null, {\"a\": true}]") "\n",
    "\xef\xbb\xbf" LINE(", \"note\": \"\\u00e9\\ud83d\\ude00 \\\" \\\\ \\n\"") "\r\n\r\n\t\n" LINE(""),
    "{\"text\": \"x\"}\n{\"audio_filepath\": \"a.wav\"}\n" LINE(", \"text2\": \"\""))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(data, size);
  for (int use = MANIFEST_TRAIN; use <= MANIFEST_SCORE; use++) {
    bool skip = size % 2;
    Manifest manifest;
    Status status = manifest_read(&manifest, path, (ManifestUse)use, skip);
    if (status == OK && (!manifest.count || (manifest.bad_count && !skip))) abort();
    if (status != OK && status != ERR_DATA) abort();
    for (int i = 0; i < manifest.count; i++) {
      const Utterance *u = &manifest.items[i];
      if (!u->text || !(u->offset >= 0) || !json_is_object(u->fields)) abort();
      if (use == MANIFEST_TRAIN && (!u->audio || !(u->duration > 0))) abort();
    }
    fuzz_accepted += status == OK && use == MANIFEST_TRAIN;
    manifest_free(&manifest);
  }
  return 0;
}
