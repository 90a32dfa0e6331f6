/* Fuzz target: any bytes as a safetensors file; whatever opens is read in full. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[32];
  Safetensors file;
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (safetensors_open(&file, path) == OK) {
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
  close(fd);
  return 0;
}
