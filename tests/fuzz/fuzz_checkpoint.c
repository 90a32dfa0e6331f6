/* Fuzz target: any bytes as a training checkpoint. HDF5 crashes on some damaged files: none may get so far.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/train/checkpoint.h"

enum { WEIGHTS = 1000, BUFFERS = 6 };
static float weights[WEIGHTS], moment1[WEIGHTS], moment2[WEIGHTS], buffers[BUFFERS];
static const TrainArrays arrays = {weights, moment1, moment2, buffers, WEIGHTS, BUFFERS};

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  TrainState state = {.step = 5 + number, .best_wer = 12.5};
  if (number > 1) return 0;
  for (int i = 0; i < WEIGHTS; i++) weights[i] = moment1[i] = (float)i, moment2[i] = (float)number;
  if (checkpoint_save(fuzz_folder(), &state, &arrays, "seed: 1\n") != OK) abort();
  char *path = xprintf("%s/checkpoint-%08d.h5", fuzz_folder(), 5 + number);
  size_t size = fuzz_load(path, data, room);
  remove(path);
  free(path);
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  TrainState state;
  char *identity, *notice, *path = path_join(fuzz_folder(), "checkpoint-00000009.h5");
  bool found;
  fuzz_put(path, data, size);
  Status status = checkpoint_load(fuzz_folder(), &found, &state, &arrays, &identity, &notice);
  if (status == OK && (!found || !identity || state.best_wer != 12.5)) abort();
  if (status != OK && status != ERR_DATA) abort();
  fuzz_accepted += status == OK;
  free(identity), free(notice), free(path);
  return 0;
}
