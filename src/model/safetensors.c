#include "src/model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"

enum { HEADER_LIMIT = 1 << 25, LENGTH_BYTES = 8 };

static const struct {
  const char *name;
  int size; /* bytes of one value */
} types[] = {[TENSOR_F32] = {"F32", 4},
             [TENSOR_F16] = {"F16", 2},
             [TENSOR_BF16] = {"BF16", 2},
             [TENSOR_I64] = {"I64", 8},
             [TENSOR_OTHER] = {"another type", 0}};

int64_t tensor_count(const Tensor *tensor) {
  int64_t count = 1;
  for (int i = 0; i < tensor->ndim; i++) count *= tensor->shape[i];
  return count;
}

static uint64_t little_endian(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = LENGTH_BYTES; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

static Status read_at(const Safetensors *file, void *out, uint64_t size, uint64_t offset) {
  for (uint64_t have = 0; have < size;) {
    ssize_t got = pread(file->fd, (char *)out + have, size - have, (off_t)(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ERR_IO, "cannot read %s: %s", file->path, strerror(errno));
    if (got == 0) return fail(ERR_DATA, "%s ends too early", file->path);
    have += (uint64_t)got;
  }
  return OK;
}

/* ---- the header ---- */

static Status shape_read(Tensor *tensor, const json_t *shape) {
  int64_t count = 1;
  size_t ndim = json_array_size(shape);
  if (!json_is_array(shape) || ndim > TENSOR_DIMS)
    return fail(ERR_DATA, "shape must be a list of at most %d sizes", TENSOR_DIMS);
  for (size_t i = 0; i < ndim; i++) {
    const json_t *item = json_array_get(shape, i);
    int64_t size = json_integer_value(item);
    if (!json_is_integer(item) || size < 0) return fail(ERR_DATA, "shape has an entry that is not a size");
    if (size > 0 && count > INT64_MAX / 8 / size) return fail(ERR_DATA, "shape is too large");
    count *= size;
    tensor->shape[tensor->ndim++] = size;
  }
  return OK;
}

static Status tensor_read(Tensor *tensor, const json_t *object, uint64_t data_size) {
  const json_t *dtype = json_object_get(object, "dtype"), *offsets = json_object_get(object, "data_offsets");
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (!json_is_string(dtype)) return fail(ERR_DATA, "dtype is missing");
  for (tensor->type = TENSOR_F32; tensor->type < TENSOR_OTHER; tensor->type++)
    if (strcmp(json_string_value(dtype), types[tensor->type].name) == 0) break;
  Status status = shape_read(tensor, json_object_get(object, "shape"));
  if (status != OK) return status;
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
    return fail(ERR_DATA, "data_offsets must be two whole numbers");
  if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin) ||
      (uint64_t)json_integer_value(end) > data_size)
    return fail(ERR_DATA, "data_offsets [%lld, %lld] lie outside the data, which has %llu bytes",
                (long long)json_integer_value(begin), (long long)json_integer_value(end),
                (unsigned long long)data_size);
  tensor->begin = (uint64_t)json_integer_value(begin);
  tensor->end = (uint64_t)json_integer_value(end);
  if (tensor->type != TENSOR_OTHER &&
      tensor->end - tensor->begin != (uint64_t)tensor_count(tensor) * (uint64_t)types[tensor->type].size)
    return fail(ERR_DATA, "data_offsets give %llu bytes, but its shape needs %llu",
                (unsigned long long)(tensor->end - tensor->begin),
                (unsigned long long)tensor_count(tensor) * (unsigned long long)types[tensor->type].size);
  return OK;
}

static int by_place(const void *a, const void *b) {
  const Tensor *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

static Status coverage_check(Safetensors *file, uint64_t data_size) {
  uint64_t at = 0;
  qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_place);
  for (int i = 0; i < file->count; i++) {
    const Tensor *tensor = &file->tensors[i];
    if (tensor->begin != at)
      return fail(ERR_DATA, "%s: tensor %s: its data begins at %llu, but the one before ends at %llu",
                  file->path, tensor->name, (unsigned long long)tensor->begin, (unsigned long long)at);
    at = tensor->end;
  }
  if (at != data_size)
    return fail(ERR_DATA, "%s: %llu bytes after the last tensor", file->path,
                (unsigned long long)(data_size - at));
  return OK;
}

static Status header_read(Safetensors *file, const char *text, size_t size, uint64_t data_size) {
  Status status = OK;
  json_error_t error;
  const char *name;
  json_t *item, *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!root) return fail(ERR_DATA, "%s: header: %s", file->path, error.text);
  if (!json_is_object(root)) TRY(fail(ERR_DATA, "%s: the header is not a JSON object", file->path));
  file->tensors = xcalloc(json_object_size(root), sizeof *file->tensors);
  json_object_foreach(root, name, item) {
    if (strcmp(name, "__metadata__") == 0) continue;
    Tensor *tensor = &file->tensors[file->count++];
    tensor->name = xstrdup(name);
    status = json_is_object(item) ? tensor_read(tensor, item, data_size) : fail(ERR_DATA, "not an object");
    if (status != OK) TRY(fail_in(status, "%s: tensor %s", file->path, name));
  }
  TRY(coverage_check(file, data_size));
  qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_name);
done:
  json_decref(root);
  return status;
}

Status safetensors_open(Safetensors *file, const char *path) {
  Status status = OK;
  char *text = NULL;
  struct stat info;
  uint8_t length_bytes[LENGTH_BYTES];
  *file = (Safetensors){.path = xstrdup(path), .fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (file->fd < 0) TRY(fail(ERR_IO, "cannot open %s: %s", path, strerror(errno)));
  if (fstat(file->fd, &info) != 0) TRY(fail(ERR_IO, "cannot read %s: %s", path, strerror(errno)));
  if (!S_ISREG(info.st_mode)) TRY(fail(ERR_DATA, "%s is not a regular file", path));
  TRY(read_at(file, length_bytes, LENGTH_BYTES, 0));
  uint64_t length = little_endian(length_bytes), after = (uint64_t)info.st_size - LENGTH_BYTES;
  if (length > HEADER_LIMIT || length > after)
    TRY(fail(ERR_DATA,
             "%s: the header's length %llu is more than the file or the limit of %d bytes allow: is this a "
             "safetensors file?",
             path, (unsigned long long)length, HEADER_LIMIT));
  text = xcalloc(length + 1, 1);
  TRY(read_at(file, text, length, LENGTH_BYTES));
  file->data_start = LENGTH_BYTES + length;
  TRY(header_read(file, text, length, after - length));
done:
  free(text);
  if (status != OK) safetensors_close(file);
  return status;
}

void safetensors_close(Safetensors *file) {
  for (int i = 0; i < file->count; i++) free(file->tensors[i].name);
  free(file->tensors);
  if (file->path && file->fd >= 0) close(file->fd);
  free(file->path);
  *file = (Safetensors){.fd = -1};
}

const Tensor *safetensors_find(const Safetensors *file, const char *name) {
  Tensor key = {.name = (char *)name};
  return bsearch(&key, file->tensors, (size_t)file->count, sizeof *file->tensors, by_name);
}

/* ---- the data ---- */

/* IEEE half to float: exponent and mantissa move up; subnormal halves are normal floats. */
static float half_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff, bits;
  if (exponent == 0) {
    float value = (float)mantissa * 0x1p-24f;
    return sign ? -value : value;
  }
  bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float bf16_float(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

Status safetensors_floats(const Safetensors *file, const Tensor *tensor, float *out) {
  uint64_t size = tensor->end - tensor->begin;
  if (tensor->type > TENSOR_BF16)
    return fail(ERR_DATA, "%s: tensor %s must be F32, F16 or BF16", file->path, tensor->name);
  /* 16-bit values go into the upper half of the array and widen from its beginning on */
  size_t count = (size_t)tensor_count(tensor);
  char *at = (char *)out + (count * sizeof *out - size);
  Status status = read_at(file, at, size, file->data_start + tensor->begin);
  if (status != OK || tensor->type == TENSOR_F32) return status;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, at + i * sizeof half, sizeof half);
    out[i] = tensor->type == TENSOR_F16 ? half_float(half) : bf16_float(half);
  }
  return OK;
}

Status safetensors_int64(const Safetensors *file, const Tensor *tensor, int64_t *out) {
  if (tensor->type != TENSOR_I64)
    return fail(ERR_DATA, "%s: tensor %s must be I64", file->path, tensor->name);
  return read_at(file, out, tensor->end - tensor->begin, file->data_start + tensor->begin);
}

/* ---- writing ---- */

static uint64_t tensor_bytes(const Tensor *tensor) {
  return (uint64_t)tensor_count(tensor) * (uint64_t)types[tensor->type].size;
}

static char *header_text(const Tensor *tensors, int count) {
  json_t *root = json_pack("{s{ss}}", "__metadata__", "format", "pt");
  uint64_t at = 0;
  for (int i = 0; i < count; i++) {
    json_t *shape = json_array();
    for (int d = 0; d < tensors[i].ndim; d++) json_array_append_new(shape, json_integer(tensors[i].shape[d]));
    uint64_t end = at + tensor_bytes(&tensors[i]);
    json_object_set_new(root, tensors[i].name,
                        json_pack("{ss so s[II]}", "dtype", types[tensors[i].type].name, "shape", shape,
                                  "data_offsets", (json_int_t)at, (json_int_t)end));
    at = end;
  }
  char *text = json_dumps(root, JSON_COMPACT);
  json_decref(root);
  return text;
}

Status safetensors_write(const char *path, const Tensor *tensors, int count) {
  char *text = header_text(tensors, count);
  size_t length = strlen(text), padded = (length + 7) / 8 * 8; /* so that the data is aligned */
  uint8_t length_bytes[LENGTH_BYTES];
  for (int i = 0; i < LENGTH_BYTES; i++) length_bytes[i] = (uint8_t)((uint64_t)padded >> (8 * i));
  AtomicFile file;
  Status status = atomic_open(&file, path);
  if (status != OK) goto done;
  bool whole = fwrite(length_bytes, 1, LENGTH_BYTES, file.stream) == LENGTH_BYTES &&
               fprintf(file.stream, "%-*s", (int)padded, text) == (int)padded;
  for (int i = 0; whole && i < count; i++) {
    size_t bytes = tensor_bytes(&tensors[i]);
    whole = fwrite(tensors[i].data, 1, bytes, file.stream) == bytes;
  }
  if (whole) {
    status = atomic_commit(&file);
  } else {
    status = fail(ERR_IO, "cannot write %s: %s", path, strerror(errno));
    atomic_abort(&file);
  }
done:
  free(text);
  return status;
}
