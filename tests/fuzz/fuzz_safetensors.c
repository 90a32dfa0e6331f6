/* Fuzz target: any bytes as a safetensors file; whatever opens is read in full. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "src/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Safetensors file;
  if (safetensors_open(&file, fuzz_file(data, size)) == OK) {
    fuzz_accepted++;
    for (int i = 0; i < file.count; i++) {
      const Tensor *tensor = &file.tensors[i];
      if (tensor->type == TENSOR_OTHER) continue;
      void *values = xcalloc((unsigned long)tensor_count(tensor), sizeof(int64_t));
      Status status = tensor->type == TENSOR_I64 ? safetensors_int64(&file, tensor, values)
                                                 : safetensors_floats(&file, tensor, values);
      if (status != OK || safetensors_find(&file, tensor->name) != tensor) abort();
      free(values);
    }
    safetensors_close(&file);
  }
  return 0;
}
