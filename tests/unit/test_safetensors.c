/* The safetensors reader and writer: values of every type, and every way a file can lie. */
#include "tests/unit/test_model.h"

#include <math.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/model/safetensors.h"

static char *path;

static int setup(void **state) {
  if (folder_setup(state)) return -1;
  path = path_join(test_folder, "a.safetensors");
  return 0;
}

static int teardown(void **state) {
  free(path);
  return folder_teardown(state);
}

/* A file of a header, with its true length unless `length` is given, and `data` zero bytes or bytes. */
static void put(const char *header, int64_t length, const void *data, size_t size) {
  size_t n = strlen(header);
  char *file = xcalloc(8 + n + size, 1);
  uint64_t claimed = length < 0 ? n : (uint64_t)length;
  memcpy(file, &claimed, 8);
  memcpy(file + 8, header, n);
  if (data) memcpy(file + 8 + n, data, size);
  assert_ok(file_write(path, file, 8 + n + size));
  free(file);
}

static void test_round_trip(void **state) {
  (void)state;
  float values[6] = {1, -2.5f, 3e-40f, INFINITY, 0, -0.0f}, back[6];
  int64_t counter = -7, read;
  const Tensor tensors[] = {
      {.name = "b.weight", .type = TENSOR_F32, .ndim = 2, .shape = {2, 3}, .data = values},
      {.name = "a.count", .type = TENSOR_I64, .data = &counter},
      {.name = "c \"quoted\" \xc3\xa9", .type = TENSOR_F32, .ndim = 1, .shape = {0}, .data = values},
  };
  Safetensors file;
  assert_ok(safetensors_write(path, tensors, 3));
  assert_ok(safetensors_open(&file, path));
  assert_int_equal(file.count, 3);
  assert_int_equal(file.data_start % 8, 0);
  const Tensor *b = safetensors_find(&file, "b.weight"), *c = safetensors_find(&file, tensors[2].name);
  assert_int_equal(b->ndim, 2);
  assert_int_equal(b->shape[1], 3);
  assert_ok(safetensors_floats(&file, b, back));
  assert_memory_equal(back, values, sizeof values);
  assert_ok(safetensors_int64(&file, safetensors_find(&file, "a.count"), &read));
  assert_int_equal(read, -7);
  assert_int_equal(tensor_count(c), 0);
  assert_ok(safetensors_floats(&file, c, back));
  assert_null(safetensors_find(&file, "d"));
  assert_null(safetensors_find(&file, "__metadata__"));
  assert_int_equal(safetensors_floats(&file, safetensors_find(&file, "a.count"), back), ERR_DATA);
  assert_int_equal(safetensors_int64(&file, b, &read), ERR_DATA);
  safetensors_close(&file);

  char *text; /* transformers wants the metadata */
  size_t size;
  assert_ok(file_read(path, 1 << 16, &text, &size));
  assert_non_null(strstr(text + 8, "\"__metadata__\":{\"format\":\"pt\"}"));
  free(text);
}

static void test_half_precision(void **state) {
  (void)state;
  /* 1, -2, 65504 (the largest), 2^-24 (the least), 2^-14 (least normal), infinity, -0; bf16: 1, -3, infinity,
   * 2^-133 */
  const uint16_t data[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00,
                           0x8000, 0x3f80, 0xc040, 0x7f80, 0x0001};
  const float f16[] = {1, -2, 65504, 0x1p-24f, 0x1p-14f, INFINITY, -0.0f},
              bf16[] = {1, -3, INFINITY, 0x1p-133f};
  float out[7];
  Safetensors file;
  put("{\"h\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[0,14]},"
      "\"b\":{\"dtype\":\"BF16\",\"shape\":[4,1],\"data_offsets\":[14,22]}}",
      -1, data, sizeof data);
  assert_ok(safetensors_open(&file, path));
  assert_ok(safetensors_floats(&file, safetensors_find(&file, "h"), out));
  assert_memory_equal(out, f16, sizeof f16);
  assert_ok(safetensors_floats(&file, safetensors_find(&file, "b"), out));
  assert_memory_equal(out, bf16, sizeof bf16);
  safetensors_close(&file);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *header, *words;
    int64_t length; /* -1: the true one */
    size_t data;
  } bad[] = {
      {"{" A "}", "header's length", 1LL << 40, 8},
      {"{" A "}", "header's length", INT64_MAX, 8},
      {"{" A "}", "header's length", 1000, 8},
      {"{" A "}", "header:", 10, 8},
      {"{" A, "header:", -1, 8},
      {"[]", "not a JSON object", -1, 0},
      {"", "header:", -1, 0},
      {"{" A "," A "}", "header:", -1, 8},
      {"{" A "}", "data_offsets [0, 8] lie outside the data", -1, 7},
      {"{" A "}", "4 bytes after the last tensor", -1, 12},
      {"{\"a\":1}", "tensor a: not an object", -1, 0},
      {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "tensor a: dtype is missing", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "tensor a: shape must be a list", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", "at most 8", -1,
       8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "not a size", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", "not a size", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", "too large",
       -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "its shape needs 12", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "two whole numbers", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", "two whole numbers", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "lie outside", -1, 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "lie outside", -1, 8},
      {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "its data begins at 4", -1,
       12},
      {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}}", "its data begins at 12",
       -1, 20},
      {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "its data begins at 0", -1,
       8},
  };
  Safetensors file;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    put(bad[i].header, bad[i].length, NULL, bad[i].data);
    assert_int_equal(safetensors_open(&file, path), ERR_DATA);
    if (!strstr(fail_text(), bad[i].words)) fail_msg("'%s' does not say '%s'", fail_text(), bad[i].words);
    assert_non_null(strstr(fail_text(), path)); /* the file is named */
  }
  assert_ok(file_write(path, "short", 5));
  assert_int_equal(safetensors_open(&file, path), ERR_DATA);
  assert_int_equal(safetensors_open(&file, "/nonexistent/x"), ERR_IO);
  assert_int_equal(safetensors_open(&file, "/tmp"), ERR_DATA);
}

/* Types that we do not read are no fault of the file, but of who asks for their values. */
static void test_other_types(void **state) {
  (void)state;
  Safetensors file;
  float out[8];
  put("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", -1, NULL, 8);
  assert_ok(safetensors_open(&file, path));
  assert_int_equal(safetensors_floats(&file, safetensors_find(&file, "a"), out), ERR_DATA);
  assert_non_null(strstr(fail_text(), "tensor a must be F32, F16 or BF16"));
  safetensors_close(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_half_precision),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_other_types),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
