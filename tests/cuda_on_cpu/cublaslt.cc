/* cuBLASLt for the emulator: plain loops, sums in float in order of k. What gemm.cu asks for must be
 * consistent: shapes that fit, pointers as aligned as was promised when the algorithm was chosen. Of each
 * product it offers, the good one last, algorithms that must not be taken: running one is an error. Where N
 * is NOTHING_FOR it supports no product, and where it is NOTHING_GOOD_FOR the good one is not among those
 * offered. */
#include <stdlib.h>

#include <vector>

#include "cublasLt.h"
#include "cuda_bf16.h"
#include "device_memory.h"

using emulator::fail;

enum { NOTHING_FOR = 7, NOTHING_GOOD_FOR = 33 };
/* Algorithms: the library says itself that it does not work; splits sums; wants a workspace; takes not few
 * rows; takes not many; good. */
enum { BROKEN, SPLIT, WORKSPACE, NOT_FEW, NOT_MANY, GOOD, ALGORITHMS };
enum { FEW = 1024, MANY = 8192 }; /* the longest side of what is not few, and not many */

struct EmulatedBlas {
  int unused;
};
struct EmulatedDescription {
  cublasOperation_t a, b;
  cublasLtEpilogue_t epilogue;
  const void *bias;
  cudaDataType_t bias_type;
};
struct EmulatedLayout {
  cudaDataType_t type;
  uint64_t rows, columns;
  int64_t ld;
};
struct EmulatedPreference {
  uint32_t alignment[4];
};

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  *handle = new EmulatedBlas();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

size_t cublasLtGetVersion(void) { return 130001; }

const char *cublasLtGetStatusString(cublasStatus_t) { return "invalid value"; }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *description, cublasComputeType_t,
                                        cudaDataType_t) {
  *description =
      new EmulatedDescription{CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, nullptr, CUDA_R_32F};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d,
                                              cublasLtMatmulDescAttributes_t attribute, const void *value,
                                              size_t size) {
  void *fields[] = {&d->a, &d->b, &d->epilogue, &d->bias, &d->bias_type};
  const size_t sizes[] = {sizeof d->a, sizeof d->b, sizeof d->epilogue, sizeof d->bias, sizeof d->bias_type};
  if (size != sizes[attribute]) return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(fields[attribute], value, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete description;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType_t type, uint64_t rows,
                                          uint64_t columns, int64_t ld) {
  if (!rows || !columns || (uint64_t)ld < rows) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new EmulatedLayout{type, rows, columns, ld};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t, const void *value,
                                                size_t size) {
  if (size != sizeof layout->columns) return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(&layout->columns, value, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
  *preference = new EmulatedPreference{{256, 256, 256, 256}};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size) {
  if (attribute < CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES) return CUBLAS_STATUS_SUCCESS;
  if (size != sizeof(uint32_t)) return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(&preference->alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

static uint64_t rows_of(cublasOperation_t operation, const EmulatedLayout *l) {
  return operation == CUBLAS_OP_T ? l->columns : l->rows;
}

static uint64_t columns_of(cublasOperation_t operation, const EmulatedLayout *l) {
  return operation == CUBLAS_OP_T ? l->rows : l->columns;
}

static bool fits(cublasLtMatmulDesc_t e, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                 cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  bool shapes = columns_of(e->a, a) == rows_of(e->b, b) && rows_of(e->a, a) == d->rows &&
                columns_of(e->b, b) == d->columns;
  bool types = a->type == b->type && c->type == d->type && (d->type == a->type || d->type == CUDA_R_32F);
  bool bias = e->epilogue == CUBLASLT_EPILOGUE_DEFAULT || (e->bias && e->bias_type == d->type);
  return shapes && types && bias;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t e, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algorithm,
                                       cublasLtMatmulHeuristicResult_t *result) {
  if (!fits(e, a, b, c, d)) return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm->number == NOT_FEW && b->columns < FEW) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (algorithm->number == NOT_MANY && b->columns > MANY) return CUBLAS_STATUS_NOT_SUPPORTED;
  result->workspaceSize = algorithm->number == WORKSPACE ? 1 << 20 : 0;
  result->state = CUBLAS_STATUS_SUCCESS;
  return CUBLAS_STATUS_SUCCESS;
}

/* gemm.cu has three forms of product: y^T = w^T' x^T, dx^T = w^T dy^T, dw^T = x^T dy. */
static uint64_t N_of(cublasLtMatmulDesc_t e, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t d) {
  return e->a == CUBLAS_OP_T ? d->rows : e->b == CUBLAS_OP_T ? d->columns : a->columns;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t e,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int asked,
                                              cublasLtMatmulHeuristicResult_t *found, int *count) {
  if (!fits(e, a, b, c, d)) return CUBLAS_STATUS_INVALID_VALUE;
  *count = 0;
  uint64_t N = N_of(e, a, d);
  if (N == NOTHING_FOR) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (int number = 0; number < (N == NOTHING_GOOD_FOR ? GOOD : ALGORITHMS) && *count < asked; number++) {
    cublasLtMatmulHeuristicResult_t *one = &found[(*count)++];
    one->state = number == BROKEN ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    one->algo.number = number;
    memcpy(one->algo.alignment, preference->alignment, sizeof preference->alignment);
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t, void *value,
                                                    size_t size, size_t *written) {
  const int32_t splits = algorithm->number == SPLIT ? 2 : 1;
  if (size != sizeof splits) return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(value, &splits, *written = size);
  return CUBLAS_STATUS_SUCCESS;
}

static float element(const void *p, cudaDataType_t type, uint64_t i) {
  return type == CUDA_R_32F ? ((const float *)p)[i] : __bfloat162float(((const __nv_bfloat16 *)p)[i]);
}

/* op(matrix) in float, column by column without gaps. */
static std::vector<float> unpack(const void *p, const EmulatedLayout *l, cublasOperation_t operation) {
  uint64_t rows = rows_of(operation, l), columns = columns_of(operation, l), ld = (uint64_t)l->ld;
  std::vector<float> out(rows * columns);
  for (uint64_t c = 0; c < columns; c++)
    for (uint64_t r = 0; r < rows; r++)
      out[c * rows + r] = element(p, l->type, operation == CUBLAS_OP_T ? r * ld + c : c * ld + r);
  return out;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t e, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t al, const void *b, cublasLtMatrixLayout_t bl,
                              const void *beta, const void *c, cublasLtMatrixLayout_t cl, void *d,
                              cublasLtMatrixLayout_t dl, const cublasLtMatmulAlgo_t *algorithm, void *,
                              size_t, cudaStream_t queue) {
  emulator::on_a_stream("cublasLtMatmul", queue);
  const void *pointers[] = {a, b, c, d};
  if (!fits(e, al, bl, cl, dl)) return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm->number != GOOD)
    fail("cublasLtMatmul: algorithm %d splits sums, wants a workspace or takes not every M",
         algorithm->number);
  for (int i = 0; i < 4; i++)
    if ((uintptr_t)pointers[i] % algorithm->alignment[i])
      fail("cublasLtMatmul: argument %d is not aligned", i);
  emulator::DeviceMemory unlocked;
  std::vector<float> left = unpack(a, al, e->a), right = unpack(b, bl, e->b), sums(dl->rows);
  uint64_t depth = columns_of(e->a, al);
  float factor = *(const float *)alpha, kept = *(const float *)beta;
  for (uint64_t column = 0; column < dl->columns; column++) {
    for (float &sum : sums) sum = 0;
    for (uint64_t k = 0; k < depth; k++)
      for (uint64_t row = 0; row < dl->rows; row++)
        sums[row] += left[k * dl->rows + row] * right[column * depth + k];
    for (uint64_t row = 0; row < dl->rows; row++) {
      uint64_t at = column * (uint64_t)dl->ld + row;
      float sum = factor * sums[row];
      if (kept != 0) sum += kept * element(c, cl->type, at);
      if (e->epilogue == CUBLASLT_EPILOGUE_BIAS) sum += element(e->bias, e->bias_type, row);
      if (dl->type == CUDA_R_32F)
        ((float *)d)[at] = sum;
      else
        ((__nv_bfloat16 *)d)[at] = __float2bfloat16(sum);
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}
