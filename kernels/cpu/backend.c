#include "kernels/backend.h"

#include <omp.h>
#include <stdio.h>

#include "kernels/cpu/product.h"

/* What stands after the comma changes no bit, and so is no part of a training run's identity. */
static const char *cpu_describe(void) {
  static char text[160];
  snprintf(text, sizeof text, "cpu f32, %d thread%s of %s", omp_get_max_threads(),
           omp_get_max_threads() == 1 ? "" : "s", product_describe());
  return text;
}

const Backend *jargon_cpu_backend(DType dtype, char *why, size_t why_size) {
#define X(Type, operation) .operation = cpu_##operation,
  static const Backend f32 = {.name = "cpu",
                              .dtype = DTYPE_F32,
                              .operations = BACKEND_LAYOUT,
                              .describe = cpu_describe,
                              BACKEND_OPERATIONS(X)};
#undef X
  if (dtype != DTYPE_F32) {
    snprintf(why, why_size, "the CPU backend computes in f32 only: choose f32, or the cuda device for bf16");
    return NULL;
  }
  return product_choose(why, why_size) ? &f32 : NULL;
}
