/* Products through cuBLASLt. Row-major (M, C) is column-major (C, M), so all is written with sides exchanged:
 *   forward  y^T (N, M) = w^T' (N, K) x^T (K, M)     input  dx^T (K, M) = w^T (K, N) dy^T (N, M)
 *   weight   dw^T (K, N) += x^T (K, M) dy (M, N)
 * float: full float products (no TF32). bf16: tensor cores, sums in float; the bias is rounded to bf16 first.
 *
 * A row's bits must not depend on M. So for each (operation, N, K) one algorithm is chosen, once, at a fixed
 * M, and kept for every M: without split K, without workspace (which stream-K and the like need), and M is
 * cut into a head that is a multiple of ROWS, in calls of at most MOST, and a tail that is padded to ROWS
 * with zeros in scratch (where a pointer is not aligned: all rows). test_gemm asserts the bits. Where the
 * library has no such algorithm, or JARGON_GEMM=own, the product is ours (gemm_own.cuh). */
#include "kernels/gemm.h"

#include <cublasLt.h>
#include <string.h>

#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/gemm_choice.h"
#include "kernels/cuda/gemm_own.cuh"
#include "kernels/cuda/release.h"

enum {
  ROWS = 256,           /* a multiple of the rows of most kernels' tiles */
  CHOSEN_AT = 8 * ROWS, /* the M at which algorithms are chosen */
  MOST = 256 * ROWS,    /* rows of one call: what algorithms are asked to take */
  CANDIDATES = 32,      /* algorithms looked at */
  ALIGNMENT = 16,       /* bytes: what is less aligned goes through scratch */
  PLANS = 512,          /* shapes of one model: a few a layer type */
};

enum Operation { FORWARD, INPUT, WEIGHT };
static const char *const OPERATIONS[] = {"forward", "the input's gradient", "the weights' gradient"};

struct Plan {
  Operation operation;
  bool bias;
  int N, K, w_alignment;
  cublasLtMatmulDesc_t description;
  cublasLtMatrixLayout_t a, b, d;
  bool offered; /* an algorithm; else the product is ours */
  cublasLtMatmulAlgo_t algorithm;
};

struct Blas {
  cublasLtHandle_t handle;
  int count;
  Plan plans[PLANS];
};

/* ---- who makes them ---- */

static bool own; /* all products */

bool gemm_open(char *why, size_t why_size) {
  const char *name = getenv("JARGON_GEMM");
  own = name && strcmp(name, "own") == 0;
  if (own || !name || !*name) return true;
  snprintf(why, why_size, "JARGON_GEMM: \"%s\" makes no products: \"own\" does; unset it for cuBLASLt", name);
  return false;
}

const char *gemm_describe(void) {
  static char text[64];
  if (own) return ", our own products";
  size_t version = cublasLtGetVersion();
  snprintf(text, sizeof text, ", cuBLASLt %zu.%zu.%zu for products", version / 10000, version / 100 % 100,
           version % 100);
  return text;
}

#define BLAS_CHECK(call) blas_check((call), #call, __LINE__)

static void blas_check(cublasStatus_t status, const char *what, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fprintf(stderr, "jargon: %s:%d: cuBLASLt says \"%s\" on %s\n", __FILE__, line,
          cublasLtGetStatusString(status), what);
  abort();
}

template <typename T> static cudaDataType_t type_of(void) {
  return sizeof(T) == 4 ? CUDA_R_32F : CUDA_R_16BF;
}

static Blas *stream_blas(Stream *stream) {
  if (!stream->blas) {
    Blas *blas = (Blas *)calloc(1, sizeof *blas);
    if (!blas) {
      fprintf(stderr, "jargon: out of memory: the products' plans\n");
      exit(71);
    }
    BLAS_CHECK(cublasLtCreate(&blas->handle));
    stream->blas = blas;
  }
  return (Blas *)stream->blas;
}

void gemm_release(Stream *stream) {
  Blas *blas = (Blas *)stream->blas;
  if (!blas) return;
  for (int i = 0; i < blas->count; i++) {
    BLAS_CHECK(cublasLtMatmulDescDestroy(blas->plans[i].description));
    BLAS_CHECK(cublasLtMatrixLayoutDestroy(blas->plans[i].a));
    BLAS_CHECK(cublasLtMatrixLayoutDestroy(blas->plans[i].b));
    BLAS_CHECK(cublasLtMatrixLayoutDestroy(blas->plans[i].d));
  }
  BLAS_CHECK(cublasLtDestroy(blas->handle));
  free(blas);
}

/* ---- plans ---- */

static void plan_bias(Plan *plan, const void *bias) {
  BLAS_CHECK(cublasLtMatmulDescSetAttribute(plan->description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                            sizeof bias));
}

static void describe(Plan *plan, cudaDataType_t type, int M) {
  int N = plan->N, K = plan->K;
  cublasOperation_t transposed = CUBLAS_OP_T;
  BLAS_CHECK(cublasLtMatmulDescCreate(&plan->description, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  if (plan->operation == FORWARD) {
    BLAS_CHECK(cublasLtMatmulDescSetAttribute(plan->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                              sizeof transposed));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->a, type, K, N, K));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->b, type, K, M, K));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->d, type, N, M, N));
  } else if (plan->operation == INPUT) {
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->a, type, K, N, K));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->b, type, N, M, N));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->d, type, K, M, K));
  } else {
    BLAS_CHECK(cublasLtMatmulDescSetAttribute(plan->description, CUBLASLT_MATMUL_DESC_TRANSB, &transposed,
                                              sizeof transposed));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->a, type, K, M, K));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->b, type, N, M, N));
    BLAS_CHECK(cublasLtMatrixLayoutCreate(&plan->d, CUDA_R_32F, K, N, K));
  }
  if (plan->bias) {
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    BLAS_CHECK(cublasLtMatmulDescSetAttribute(plan->description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                              sizeof epilogue));
    BLAS_CHECK(cublasLtMatmulDescSetAttribute(plan->description, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &type,
                                              sizeof type));
  }
}

/* The layouts that have M as their columns take another M. */
static void plan_resize(Plan *plan, int M) {
  uint64_t columns = (uint64_t)M;
  cublasLtMatrixLayout_t second = plan->operation == WEIGHT ? plan->a : plan->d;
  BLAS_CHECK(
      cublasLtMatrixLayoutSetAttribute(plan->b, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof columns));
  BLAS_CHECK(cublasLtMatrixLayoutSetAttribute(second, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof columns));
}

static bool plan_takes(Blas *blas, Plan *plan, const cublasLtMatmulAlgo_t *algorithm, int M) {
  cublasLtMatmulHeuristicResult_t result;
  plan_resize(plan, M);
  return cublasLtMatmulAlgoCheck(blas->handle, plan->description, plan->a, plan->b, plan->d, plan->d,
                                 algorithm, &result) == CUBLAS_STATUS_SUCCESS &&
         result.workspaceSize == 0;
}

/* The first algorithm that the library proposes for CHOSEN_AT rows that splits no sum and takes few and many
 * rows; it may propose none. */
static void plan_choose(Blas *blas, Plan *plan) {
  size_t workspace = 0;
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_NONE, alignment = ALIGNMENT,
           w_alignment = (uint32_t)plan->w_alignment;
  cublasLtMatmulPreference_t preference;
  cublasLtMatmulHeuristicResult_t found[CANDIDATES];
  int count = 0;
  BLAS_CHECK(cublasLtMatmulPreferenceCreate(&preference));
#define PREFER(name, value)                                                                                  \
  BLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_##name, &(value),         \
                                                  sizeof(value)))
  PREFER(MAX_WORKSPACE_BYTES, workspace);
  PREFER(REDUCTION_SCHEME_MASK, reductions);
  PREFER(MIN_ALIGNMENT_A_BYTES, plan->operation == WEIGHT ? alignment : w_alignment);
  PREFER(MIN_ALIGNMENT_B_BYTES, alignment);
  PREFER(MIN_ALIGNMENT_C_BYTES, plan->operation == WEIGHT ? w_alignment : alignment);
  PREFER(MIN_ALIGNMENT_D_BYTES, plan->operation == WEIGHT ? w_alignment : alignment);
#undef PREFER
  cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(blas->handle, plan->description, plan->a, plan->b, plan->d, plan->d,
                                     preference, CANDIDATES, found, &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED)
    count = 0;
  else
    BLAS_CHECK(status);
  BLAS_CHECK(cublasLtMatmulPreferenceDestroy(preference));
  for (int i = 0; i < count; i++) {
    int32_t splits = 0;
    size_t written;
    const cublasLtMatmulAlgo_t *algorithm = &found[i].algo;
    if (found[i].state != CUBLAS_STATUS_SUCCESS) continue;
    BLAS_CHECK(cublasLtMatmulAlgoConfigGetAttribute(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits,
                                                    sizeof splits, &written));
    if (splits > 1 || !plan_takes(blas, plan, algorithm, ROWS) || !plan_takes(blas, plan, algorithm, MOST))
      continue;
    plan->algorithm = *algorithm;
    plan->offered = true;
    return;
  }
  fprintf(stderr,
          "jargon: cuBLASLt offers no fixed order of sums for N=%d, K=%d (%s): ours instead, slower\n",
          plan->N, plan->K, OPERATIONS[plan->operation]);
}

static int alignment_of(const void *p) {
  int alignment = ALIGNMENT;
  while ((uintptr_t)p % alignment) alignment /= 2;
  return alignment;
}

/* The plan of that shape, made when it is first asked for; NULL where the product is ours. w: the weights or
 * their gradient. bias: in the activation type, or NULL; set before algorithms are looked at, because its
 * alignment decides which there are. */
template <typename T>
static Plan *plan_find(Stream *stream, Operation operation, const void *bias, int N, int K, const void *w) {
  if (own) return NULL;
  Blas *blas = stream_blas(stream);
  int alignment = alignment_of(w);
  for (int i = 0; i < blas->count; i++) {
    Plan *plan = &blas->plans[i];
    if (plan->operation == operation && plan->bias == (bias != NULL) && plan->N == N && plan->K == K &&
        plan->w_alignment == alignment) {
      if (bias) plan_bias(plan, bias);
      return plan->offered ? plan : NULL;
    }
  }
  if (blas->count == PLANS) {
    fprintf(stderr, "jargon: more than %d shapes of products\n", PLANS);
    exit(1);
  }
  Plan *plan = &blas->plans[blas->count++];
  *plan = {};
  plan->operation = operation;
  plan->bias = bias != NULL;
  plan->N = N;
  plan->K = K;
  plan->w_alignment = alignment;
  describe(plan, type_of<T>(), CHOSEN_AT);
  if (bias) plan_bias(plan, bias);
  plan_choose(blas, plan);
  return plan->offered ? plan : NULL;
}

/* d = a b + beta d with M rows. */
static void multiply(Stream *stream, Plan *plan, void *d, const void *a, const void *b, int M, float beta) {
  float alpha = 1;
  plan_resize(plan, M);
  BLAS_CHECK(cublasLtMatmul(stream_blas(stream)->handle, plan->description, &alpha, a, plan->a, b, plan->b,
                            &beta, d, plan->d, d, plan->d, &plan->algorithm, NULL, 0, stream->queue));
}

/* ---- forward, and backward of the input ---- */

static void copy(Stream *stream, void *to, const void *from, size_t bytes) {
  CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream->queue));
}

/* Elements, so that what stands after them in scratch is aligned. */
static size_t padded(size_t n) { return (n + 255) / 256 * 256; }

/* ROWS rows: `count` of `from`, then zeros. */
template <typename T> static void copy_padded(Stream *stream, T *to, const T *from, int count, int width) {
  size_t real = (size_t)count * width, all = (size_t)ROWS * width;
  copy(stream, to, from, real * sizeof(T));
  CUDA_CHECK(cudaMemsetAsync(to + real, 0, (all - real) * sizeof(T), stream->queue));
}

/* d (M, D) = b (M, B) times the weights: the head where it is, the tail (all rows, where a pointer is not
 * aligned) in scratch, padded to ROWS. */
template <typename T>
static void by_rows(Stream *stream, Plan *plan, T *d, const T *w, const T *b, T *scratch, int M, int D,
                    int B) {
  bool aligned = alignment_of(d) == ALIGNMENT && alignment_of(b) == ALIGNMENT;
  int head = aligned ? M / ROWS * ROWS : 0;
  for (int first = 0; first < head; first += MOST)
    multiply(stream, plan, d + (size_t)first * D, w, b + (size_t)first * B,
             head - first < MOST ? head - first : MOST, 0);
  T *b_tail = scratch, *d_tail = scratch + padded((size_t)ROWS * B);
  for (int first = head; first < M; first += ROWS) {
    int count = M - first < ROWS ? M - first : ROWS;
    copy_padded(stream, b_tail, b + (size_t)first * B, count, B);
    multiply(stream, plan, d_tail, w, b_tail, ROWS, 0);
    copy(stream, d + (size_t)first * D, d_tail, (size_t)count * D * sizeof(T));
  }
}

/* The bias in the activation type. An element a thread; blocks of 256. Bytes: 4 N read, N of T written. Any
 * N. */
template <typename T> __global__ void gemm_bias_kernel(T *y, const float *bias, int N) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < N) store(y + i, bias[i]);
}

template <typename T>
static void gemm_forward_launch(Stream *stream, void *y, const void *x, const void *w, const float *bias,
                                int M, int N, int K) {
  if (!M || !N) return;
  size_t tails = padded((size_t)ROWS * N) + padded((size_t)ROWS * K);
  T *scratch = (T *)cuda_scratch(stream, (tails + N) * sizeof(T)), *bias_copy = scratch + tails;
  Plan *plan = plan_find<T>(stream, FORWARD, bias ? bias_copy : NULL, N, K, w);
  if (!plan)
    return own_product<false>(stream, (T *)y, own_rows((const T *)x, M, K), own_rows((const T *)w, N, K),
                              bias, K);
  if (bias) {
    gemm_bias_kernel<T><<<blocks_for(N, 256), 256, 0, stream->queue>>>(bias_copy, bias, N);
    CUDA_LAUNCHED();
  }
  by_rows(stream, plan, (T *)y, (const T *)w, (const T *)x, scratch, M, N, K);
}

template <typename T>
static void gemm_backward_input_launch(Stream *stream, void *dx, const void *dy, const void *w, int M, int N,
                                       int K) {
  if (!M || !K) return;
  Plan *plan = plan_find<T>(stream, INPUT, NULL, N, K, w);
  if (!plan)
    return own_product<false>(stream, (T *)dx, own_rows((const T *)dy, M, N), own_columns((const T *)w, K),
                              NULL, N);
  T *scratch = (T *)cuda_scratch(stream, (padded((size_t)ROWS * N) + padded((size_t)ROWS * K)) * sizeof(T));
  by_rows(stream, plan, (T *)dx, (const T *)w, (const T *)dy, scratch, M, K, N);
}

/* ---- backward of the weights ---- */

template <typename T> struct BiasTerms {
  static constexpr int COUNT = 1;
  const T *dy;
  int N;
  __device__ void operator()(double *sums, int m, int n) const { sums[0] += load(dy + (size_t)m * N + n); }
};

struct BiasGradient {
  float *dbias;
  __device__ void operator()(const double *sums, int n) const { dbias[n] = (float)(dbias[n] + sums[0]); }
};

/* Ours, in calls of at most MOST rows too: float sums of more would lose digits. */
template <typename T>
static void own_weight(Stream *stream, float *dw, const T *dy, const T *x, int M, int N, int K) {
  for (int first = 0; first < M; first += MOST)
    own_product<true>(stream, dw, own_columns(dy + (size_t)first * N, N),
                      own_columns(x + (size_t)first * K, K), NULL, M - first < MOST ? M - first : MOST);
}

template <typename T>
static void gemm_backward_weight_launch(Stream *stream, float *dw, float *dbias, const void *dy,
                                        const void *x, int M, int N, int K) {
  if (!M || !N || !K) return;
  if (dbias) columns_sum(stream, BiasTerms<T>{(const T *)dy, N}, BiasGradient{dbias}, NULL, M, N);
  Plan *plan = plan_find<T>(stream, WEIGHT, NULL, N, K, dw);
  if (!plan) return own_weight(stream, dw, (const T *)dy, (const T *)x, M, N, K);
  int head = alignment_of(x) == ALIGNMENT && alignment_of(dy) == ALIGNMENT ? M / ROWS * ROWS : 0;
  for (int first = 0; first < head; first += MOST)
    multiply(stream, plan, dw, (const T *)x + (size_t)first * K, (const T *)dy + (size_t)first * N,
             head - first < MOST ? head - first : MOST, 1);
  size_t x_size = padded((size_t)ROWS * K);
  T *x_tail = (T *)cuda_scratch(stream, (x_size + (size_t)ROWS * N) * sizeof(T)), *dy_tail = x_tail + x_size;
  for (int first = head; first < M; first += ROWS) {
    int count = M - first < ROWS ? M - first : ROWS;
    copy_padded(stream, x_tail, (const T *)x + (size_t)first * K, count, K);
    copy_padded(stream, dy_tail, (const T *)dy + (size_t)first * N, count, N);
    multiply(stream, plan, dw, x_tail, dy_tail, ROWS, 1);
  }
}

CUDA_TWINS(gemm_forward,
           (Stream * stream, void *y, const void *x, const void *w, const float *bias, int M, int N, int K),
           (stream, y, x, w, bias, M, N, K))
CUDA_TWINS(gemm_backward_input,
           (Stream * stream, void *dx, const void *dy, const void *w, int M, int N, int K),
           (stream, dx, dy, w, M, N, K))
CUDA_TWINS(gemm_backward_weight,
           (Stream * stream, float *dw, float *dbias, const void *dy, const void *x, int M, int N, int K),
           (stream, dw, dbias, dy, x, M, N, K))
