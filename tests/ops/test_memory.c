/* A backend's memory: kernels/memory.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ops/ops.h"

static void round_trip_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n), *zero = ops_output(t, "zero", n);
  float *host = ops_host(t, n * sizeof *host);
  t->backend->memory_download(t->stream, host, x->data, n * sizeof *host);
  t->backend->stream_sync(t->stream);
  assert_memory_equal(host, x->initial, n * sizeof *host);
  t->backend->memory_upload(t->stream, y->data, host, n * sizeof *host);
  t->backend->memory_zero(t->stream, zero->data, n * sizeof *host);
  memcpy(y->want, x->want, n * sizeof *y->want);
  memset(zero->want, 0, n * sizeof *zero->want);
}

/* In stream order: what is uploaded last stands. */
static void order_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
  t->backend->memory_zero(t->stream, y->data, n * sizeof(float));
  t->backend->memory_upload(t->stream, y->data, x->initial, n * sizeof(float));
  memcpy(y->want, x->want, n * sizeof *y->want);
}

static void cast_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)t->rows.R * (size_t)shape->C;
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
  t->backend->memory_cast(t->stream, y->data, x->data, n);
  memcpy(y->want, x->want, n * sizeof *y->want);
}

static void aligned_case(Ops *t, const Shape *shape) {
  ops_output(t, "nothing", 0);
  size_t bytes = (size_t)t->rows.R * (size_t)shape->C;
  void *memory = t->backend->memory_new(bytes);
  assert_non_null(memory);
  assert_int_equal((uintptr_t)memory % 256, 0);
  t->backend->memory_free(memory);
  t->backend->memory_free(NULL);
  assert_null(t->backend->memory_new(SIZE_MAX)); /* more than there is, not a wrap to 0 */
}

static void test_round_trip(void **state) { (void)state, ops_run("memory, there and back", round_trip_case); }
static void test_order(void **state) { (void)state, ops_run("memory, in order", order_case); }
static void test_cast(void **state) { (void)state, ops_run("memory_cast", cast_case); }
static void test_aligned(void **state) { (void)state, ops_run("memory_new", aligned_case); }

static void bench(Ops *t) {
  size_t n = 1000000, bytes = n * sizeof(float);
  Tensor *x = ops_input(t, "x", n);
  float *y = ops_input(t, "y", n)->data, *host = ops_host(t, bytes);
  for (OpsTimer timer = ops_timer(t, "memory_upload", "4 MB", (double)bytes, 0); ops_again(&timer);)
    t->backend->memory_upload(t->stream, y, x->initial, bytes);
  for (OpsTimer timer = ops_timer(t, "memory_download", "4 MB", (double)bytes, 0); ops_again(&timer);)
    t->backend->memory_download(t->stream, host, x->data, bytes);
  for (OpsTimer timer = ops_timer(t, "memory_zero", "4 MB", (double)bytes, 0); ops_again(&timer);)
    t->backend->memory_zero(t->stream, y, bytes);
  for (OpsTimer timer = ops_timer(t, "memory_cast", "n=1000000", 2 * (double)bytes, 0); ops_again(&timer);)
    t->backend->memory_cast(t->stream, y, x->data, n);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_order),
                                     cmocka_unit_test(test_cast), cmocka_unit_test(test_aligned)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
