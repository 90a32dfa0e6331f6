/* The safetensors file format (https://github.com/huggingface/safetensors): 8 bytes of little-endian header
 * length, a JSON header {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}},
 * then the data, which the tensors cover without hole or overlap. */
#ifndef JARGON_MODEL_SAFETENSORS_H
#define JARGON_MODEL_SAFETENSORS_H

#include <stdint.h>

#include "src/base/status.h"

enum { TENSOR_DIMS = 8 };

typedef enum TensorType { TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_I64, TENSOR_OTHER } TensorType;

typedef struct Tensor {
  char *name;
  TensorType type;
  int ndim;
  int64_t shape[TENSOR_DIMS];
  uint64_t begin, end; /* bytes within the data */
  const void *data;    /* for writing: F32 or I64, in host memory */
} Tensor;

typedef struct Safetensors {
  char *path;
  int fd;
  uint64_t data_start; /* in the file */
  Tensor *tensors;     /* sorted by name */
  int count;
} Safetensors;

/* Reads and checks the header; the data is read tensor by tensor. Errors are ERR_DATA with the file, and the
 * tensor. */
Status safetensors_open(Safetensors *file, const char *path);
void safetensors_close(Safetensors *file);

/* NULL when there is none of that name. */
const Tensor *safetensors_find(const Safetensors *file, const char *name);
int64_t tensor_count(const Tensor *tensor);

/* Reads tensor_count() values: F32, F16 or BF16 as float; I64. Another type is ERR_DATA. */
Status safetensors_floats(const Safetensors *file, const Tensor *tensor, float *out);
Status safetensors_int64(const Safetensors *file, const Tensor *tensor, int64_t *out);

/* Writes tensors (name, type, shape and data of each; begin and end are ignored) with the metadata format:
 * pt. */
Status safetensors_write(const char *path, const Tensor *tensors, int count);

#endif
