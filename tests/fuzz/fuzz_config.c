/* Fuzz target: any bytes as a preset (first byte even) or as config.json; what is accepted must pass its own
 * check. */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>

#include "src/base/file.h"
#include "src/model/config.h"
#include "src/model/preset.h"

static const char features[] = "{\"feature_size\": 80}";

static void read_as(const char *folder, const char *name, const uint8_t *data, size_t size) {
  ModelConfig config;
  char *path = path_join(folder, name);
  fuzz_put(path, data, size);
  Status status = name[0] == 'p' ? preset_read(&config, path) : config_read(&config, folder);
  if (status == OK && model_config_check(&config) != OK) abort();
  if (status != OK && !fail_text()[0]) abort();
  fuzz_accepted += status == OK;
  free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool ready;
  if (!ready) {
    char *path = path_join(fuzz_folder(), "preprocessor_config.json");
    if (file_write(path, features, sizeof features - 1) != OK) abort();
    free(path);
    ready = true;
  }
  if (size == 0) return 0;
  read_as(fuzz_folder(), data[0] % 2 ? "config.json" : "preset.yaml", data + 1, size - 1);
  return 0;
}
