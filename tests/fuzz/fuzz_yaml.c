/* Settings files: any bytes are either settings or a refusal. */
#include <stddef.h>
#include <stdint.h>

#include "src/base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Settings settings;
  if (settings_parse(&settings, "fuzz.yaml", (const char *)data, size) == OK) settings_free(&settings);
  return 0;
}
