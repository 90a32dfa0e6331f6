/* Settings files: any bytes are either settings or a refusal. */
#include "tests/fuzz/fuzz.h"

#include "src/base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Settings settings;
  if (settings_parse(&settings, "fuzz.yaml", (const char *)data, size) == OK) {
    fuzz_accepted++;
    settings_free(&settings);
  }
  return 0;
}
