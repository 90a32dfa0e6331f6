/* Support for tests of the operations: every backend that is built, over one table of shapes, against naive
 * references in double.
 *
 *   static void scale_case(Ops *t, const Shape *shape) {
 *     size_t n = (size_t)t->rows.R * shape->C;
 *     Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
 *     t->backend->scale(t->stream, y->data, x->data, 3, n);
 *     for (size_t i = 0; i < n; i++) y->want[i] = 3 * x->want[i];
 *   }
 *   static void test_scale(void **state) { (void)state; ops_run("scale", scale_case); }
 *
 * ops_run() then checks of each shape: every output against its reference, outputs (poisoned before) assigned
 * in full, inputs and the guard words around all buffers untouched, and the same bits with one thread and
 * with two.
 *
 * On a backend of bf16 tensors stay float: bf16.h puts bf16 behind every argument that is `void *`. Random
 * values are bf16 numbers there, and an output that is an activation may be off by bf16_factor times what
 * rounding its reference to bf16 is off by. JARGON_OPS_DEVICE names the only device to use;
 * JARGON_OPS_SMALL=1 leaves out large shapes and the second pass. Files that include this need cmocka's
 * standard headers, which come with it. */
#ifndef JARGON_TESTS_OPS_H
#define JARGON_TESTS_OPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/backend.h"

/* Utterance u has T[u % T_count] frames. */
typedef struct Shape {
  const char *name;
  int U, T_count;
  const int *T;
  int spare; /* rows after the last utterance, which inputs fill with values like any other */
  int C;
} Shape;

extern const Shape ops_shapes[];
extern const int ops_shape_count;

typedef enum TensorKind { TENSOR_INPUT, TENSOR_OUTPUT, TENSOR_UPDATED } TensorKind;

/* Floats in backend memory, and on the host in double: of an input its very values; of an output, what the
 * test's reference says; of an updated tensor its values before, until the reference changes them. */
typedef struct Tensor {
  const char *name;
  TensorKind kind;
  size_t n;
  float *data;    /* backend memory */
  double *want;   /* host */
  float *initial; /* host: what was put in */
  double terms; /* norm of the terms that cancel in a gradient that is truly zero: 1e-6 of it is allowed; else
                   0 */
} Tensor;

/* One case on one backend. */
typedef struct Ops {
  const Backend *backend;
  Stream *stream;
  Rows rows;              /* of the shape */
  int *offsets;           /* rows.offsets on the host */
  RandomKey key;          /* for the shape's utterances */
  uint32_t *utterances;   /* key.utterances on the host */
  const char *op, *shape; /* for messages */
  uint64_t random;        /* state of ops_random() */
  /* How many times the error of rounding to bf16 an activation may have: 2, unless the case sets it, saying
   * which roundings inside the kernel it allows for. Above 2, float outputs may be off by (bf16_factor - 2) /
   * 512 too. */
  double bf16_factor;
  struct OpsBlock *blocks;
  int block_count;
} Ops;

typedef void OpsCase(Ops *t, const Shape *shape);
void ops_run(const char *op, OpsCase *run);

/* Random normal values; poison; random values that the operation updates (gradients, operations in place). */
Tensor *ops_input(Ops *t, const char *name, size_t n);
Tensor *ops_output(Ops *t, const char *name, size_t n);
Tensor *ops_updated(Ops *t, const char *name, size_t n);

/* An input of given values, rounded to float or to the activation type, or of any other type, as bytes. The
 * reference must read the rounded ones, tensor->want. Checked like every input. */
Tensor *ops_given(Ops *t, const char *name, const double *values, size_t n);
Tensor *ops_activation(Ops *t, const char *name, const double *values, size_t n);
void *ops_bytes(Ops *t, const char *name, const void *data, size_t bytes);

/* More rows in backend memory, for operations whose output has other rows than its input. */
Rows ops_rows(Ops *t, int U, const int *lengths, int spare);

double ops_random(Ops *t);            /* standard normal */
int ops_below(Ops *t, int limit);     /* uniform in 0 .. limit - 1 */
void *ops_host(Ops *t, size_t bytes); /* zeroed host memory that lives as long as the case */
float *ops_download(Ops *t, const float *data, size_t n); /* ops_host memory */

/* Each utterance alone must give the same bits as all together. Call after the operation has run on the
 * whole: then `call` is made once an utterance, with rows and key of it alone, input pointers at its rows and
 * poisoned outputs, whose bits must equal its rows of the tensors. Sides: 0 has rows[0], 1 has rows[1] (equal
 * where they are the same). */
typedef struct Sliced {
  Tensor *tensor;
  int width; /* floats a row */
  int side;
} Sliced;
typedef void OpsCall(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                     const void *context);
void ops_alone(Ops *t, const Rows rows[2], OpsCall *call, const Sliced *in, int in_count, const Sliced *out,
               int out_count, const void *context);

/* The reference's own check: `gradient` (n) against central differences of loss(context) along some 50
 * elements of x (n), which loss() reads. */
void ops_differences(const char *name, const double *gradient, double *x, size_t n,
                     double (*loss)(void *context), void *context);

/* With JARGON_OPS_BENCH=1: runs `bench` on each backend and returns true; else false at once. In it
 *   for (OpsTimer timer = ops_timer(t, "scale", "n=1000", bytes, flops); ops_again(&timer);)
 * t->backend->scale(...); prints one JSON line: median milliseconds, GB/s of `bytes`, GFLOP/s of `flops`. */
bool ops_bench(void (*bench)(Ops *t));
Rows ops_bench_rows(Ops *t, int length); /* of 10 utterances of that many rows each; t->key is theirs */
typedef struct OpsTimer {
  Ops *t;
  const char *op, *shape;
  double bytes, flops;
  double started, seconds[1000];
  int count;
} OpsTimer;
OpsTimer ops_timer(Ops *t, const char *op, const char *shape, double bytes, double flops);
bool ops_again(OpsTimer *timer);

#endif
