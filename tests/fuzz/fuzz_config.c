/* Fuzz target: any bytes as a preset (first byte even) or as config.json; what is accepted must pass its own
 * check. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/model/config.h"
#include "src/model/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char features[] = "{\"feature_size\": 80}";

static void read_as(const char *folder, const char *name, const uint8_t *data, size_t size) {
  ModelConfig config;
  char *path = path_join(folder, name);
  if (file_write(path, data, size) != OK) abort();
  Status status = name[0] == 'p' ? preset_read(&config, path) : config_read(&config, folder);
  if (status == OK && model_config_check(&config) != OK) abort();
  if (status != OK && !fail_text()[0]) abort();
  unlink(path);
  free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char folder[] = "/tmp/jargon-fuzz-XXXXXX";
  static int ready;
  if (!ready) {
    if (!mkdtemp(folder)) abort();
    char *path = path_join(folder, "preprocessor_config.json");
    if (file_write(path, features, sizeof features - 1) != OK) abort();
    free(path);
    ready = 1;
  }
  if (size == 0) return 0;
  read_as(folder, data[0] % 2 ? "config.json" : "preset.yaml", data + 1, size - 1);
  return 0;
}
