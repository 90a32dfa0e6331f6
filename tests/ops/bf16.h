/* Tests write float tensors whatever the activation type; this puts a backend of bf16 behind them. Every
 * argument of an operation that is `void *` is an activation: its tensor gets a twin in bf16, made from its
 * floats before the call and turned back into them after it. */
#ifndef JARGON_TESTS_OPS_BF16_H
#define JARGON_TESTS_OPS_BF16_H

#include <stdbool.h>

#include "kernels/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

float bf16_round(double x); /* to the nearest bf16, ties to even */

/* The backend that tests call in place of `real`. One at a time. */
const Backend *bf16_backend(const Backend *real);

/* A tensor of n floats in backend memory, known from here on, and forgotten. What memory_new() gives is known
 * too. */
void bf16_register(float *data, const char *name, size_t n);
void bf16_forget(const float *data);

/* Whether an operation has written the tensor as an activation. */
bool bf16_written(const float *data);

/* Called on a mistake, with its text; does not come back. */
extern void (*bf16_fail)(const char *text);

#ifdef __cplusplus
}
#endif

#endif
