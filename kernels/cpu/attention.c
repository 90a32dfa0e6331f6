/* Attention with relative positions. One task is one head of one utterance, in blocks of queries; its
 * products see shapes that follow from T and D alone, so its bits do not depend on the other utterances. For
 * a block of n queries from i0 on: scores (n, T) = (q + bias_u) k^T / sqrt(D) + shift((q + bias_v) band^T /
 * sqrt(D)) where `band` are the T + n - 1 rows of p that these queries meet and shift takes [a, j] from [a, j
 * + n - 1 - a]. dp and the biases' gradients are summed by utterance first, then over the utterances in
 * order. */
#include "kernels/attention.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/cpu/blas.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/stream.h"
#include "kernels/random.h"

enum {
  QUERIES = 64,       /* of a block */
  SUM_CHANNELS = 128, /* of dp, added at once */
};

/* Scratch of one thread. */
typedef struct Block {
  float *scores;  /* (QUERIES, T_max): then probabilities */
  float *dscores; /* (QUERIES, T_max), backward */
  float *by_band; /* (QUERIES, T_max + QUERIES - 1): products with the band, before the shift */
  float *qu, *qv; /* (QUERIES, D): (q + bias) / sqrt(D) */
  float *dqv;     /* (QUERIES, D), backward */
  float *sum;     /* (QUERIES): of the exponentials */
} Block;

/* What a task works on: pointers at row 0 of the utterance and channel 0 of the head; rows are `stride`
 * floats apart. */
typedef struct Head {
  const float *q, *k, *v;
  const float *p; /* at the position of i - j = 0 */
  const float *bias_u, *bias_v;
  int T, D, h;
  ptrdiff_t stride;
  float dropout;
  RandomKey key;
  uint32_t utterance;
} Head;

static size_t block_floats(int T_max, int D) {
  return (size_t)QUERIES * (3 * (size_t)T_max + QUERIES - 1 + 3 * (size_t)D + 1);
}

static Block block_of_thread(float *scratch, int T_max, int D) {
  Block b;
  b.scores = scratch + (size_t)omp_get_thread_num() * block_floats(T_max, D);
  b.dscores = b.scores + (size_t)QUERIES * (size_t)T_max;
  b.by_band = b.dscores + (size_t)QUERIES * (size_t)T_max;
  b.qu = b.by_band + (size_t)QUERIES * (size_t)(T_max + QUERIES - 1);
  b.qv = b.qu + QUERIES * D;
  b.dqv = b.qv + QUERIES * D;
  b.sum = b.dqv + QUERIES * D;
  return b;
}

static Head head_of(const float *q, const float *k, const float *v, const float *p, const float *bias_u,
                    const float *bias_v, Rows rows, int u, int h, int H, int D, float dropout,
                    RandomKey key) {
  ptrdiff_t stride = (ptrdiff_t)H * D, at = rows.offsets[u] * stride + h * D;
  return (Head){.q = q + at,
                .k = k + at,
                .v = v + at,
                .p = p + (rows.T_max - 1) * stride + h * D,
                .bias_u = bias_u + h * D,
                .bias_v = bias_v + h * D,
                .T = rows.offsets[u + 1] - rows.offsets[u],
                .D = D,
                .h = h,
                .stride = stride,
                .dropout = dropout,
                .key = key,
                .utterance = dropout > 0 ? key.utterances[u] : 0};
}

/* Row-major products of what lies `ld` apart: C = alpha A B^T + beta C, and so on. */
static void product_nt(int M, int N, int K, float alpha, const float *A, ptrdiff_t lda, const float *B,
                       ptrdiff_t ldb, float beta, float *C, ptrdiff_t ldc) {
  blas_sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, M, N, K, alpha, A, (int)lda, B, (int)ldb, beta, C,
             (int)ldc);
}

static void product_nn(int M, int N, int K, float alpha, const float *A, ptrdiff_t lda, const float *B,
                       ptrdiff_t ldb, float beta, float *C, ptrdiff_t ldc) {
  blas_sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_NO_TRANS, M, N, K, alpha, A, (int)lda, B, (int)ldb, beta, C,
             (int)ldc);
}

static void product_tn(int M, int N, int K, float alpha, const float *A, ptrdiff_t lda, const float *B,
                       ptrdiff_t ldb, float beta, float *C, ptrdiff_t ldc) {
  blas_sgemm(BLAS_ROW_MAJOR, BLAS_TRANS, BLAS_NO_TRANS, M, N, K, alpha, A, (int)lda, B, (int)ldb, beta, C,
             (int)ldc);
}

/* The first of the rows of p that n queries from i0 on meet: that of i0 + n - 1 and key 0. */
static const float *band(const Head *a, int i0, int n) { return a->p - (i0 + n - 1) * a->stride; }

/* scores (n, T) of the queries from i0 on; leaves qu and qv. */
static void block_scores(Block *b, const Head *a, int i0, int n) {
  int T = a->T, D = a->D, W = T + n - 1;
  float scale = 1.0f / sqrtf((float)D);
  for (int i = 0; i < n; i++) {
    const float *q = a->q + (i0 + i) * a->stride;
    float *qu = b->qu + i * D, *qv = b->qv + i * D;
    for (int d = 0; d < D; d++) {
      qu[d] = (q[d] + a->bias_u[d]) * scale;
      qv[d] = (q[d] + a->bias_v[d]) * scale;
    }
  }
  product_nt(n, T, D, 1, b->qu, D, a->k, a->stride, 0, b->scores, T);
  product_nt(n, W, D, 1, b->qv, D, band(a, i0, n), a->stride, 0, b->by_band, W);
  for (int i = 0; i < n; i++) {
    float *scores = b->scores + (ptrdiff_t)i * T;
    const float *shifted = b->by_band + (ptrdiff_t)i * W + n - 1 - i;
    for (int j = 0; j < T; j++) scores[j] += shifted[j];
  }
}

/* x[j] = kept ? y[j] / (1 - dropout) : 0, for the T keys of query i. */
static void drop(float *x, const float *y, const Head *a, int i) {
  uint64_t row = random_row(a->key.seed, a->key.step, a->key.site, a->utterance, (uint32_t)i);
  uint32_t threshold = random_threshold(a->dropout), channel = (uint32_t)a->h << 16;
  float scale = 1.0f / (1.0f - a->dropout);
#pragma omp simd
  for (int j = 0; j < a->T; j++)
    x[j] = random_bits(row, channel | (uint32_t)j) >= threshold ? y[j] * scale : 0.0f;
}

static void forward_block(float *y, float *lse, int lse_stride, Block *b, const Head *a, int i0, int n) {
  int T = a->T, D = a->D;
  block_scores(b, a, i0, n);
  for (int i = 0; i < n; i++) {
    float *scores = b->scores + (ptrdiff_t)i * T, most = -INFINITY, sum = 0;
#pragma omp simd reduction(max : most)
    for (int j = 0; j < T; j++) most = scores[j] > most ? scores[j] : most;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < T; j++) {
      scores[j] = fast_exp(scores[j] - most);
      sum += scores[j];
    }
    b->sum[i] = sum;
    if (lse) lse[(i0 + i) * lse_stride] = most + logf(sum);
    if (a->dropout > 0) drop(scores, scores, a, i0 + i);
  }
  product_nn(n, D, T, 1, b->scores, T, a->v, a->stride, 0, y + i0 * a->stride, a->stride);
  for (int i = 0; i < n; i++) {
    float *row = y + (i0 + i) * a->stride, scale = 1.0f / b->sum[i];
    for (int d = 0; d < D; d++) row[d] *= scale;
  }
}

static void zero_spare_rows(float *y, Rows rows, size_t width) {
  size_t used = (size_t)rows.offsets[rows.U];
  memset(y + used * width, 0, sizeof(float) * ((size_t)rows.R - used) * width);
}

void cpu_attention_forward(Stream *stream, void *y_, float *lse, const void *q, const void *k, const void *v,
                           const void *p, const float *bias_u, const float *bias_v, Rows rows, int H, int D,
                           float dropout, RandomKey key) {
  float *y = y_;
  float *scratch =
      stream_scratch(stream, sizeof(float) * block_floats(rows.T_max, D) * (size_t)omp_get_max_threads());
  zero_spare_rows(y, rows, (size_t)(H * D));
  if (lse) zero_spare_rows(lse, rows, (size_t)H);
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (int u = 0; u < rows.U; u++)
    for (int h = 0; h < H; h++) {
      Block b = block_of_thread(scratch, rows.T_max, D);
      Head a = head_of(q, k, v, p, bias_u, bias_v, rows, u, h, H, D, dropout, key);
      for (int i0 = 0; i0 < a.T; i0 += QUERIES)
        forward_block(y + rows.offsets[u] * a.stride + h * D,
                      lse ? lse + (ptrdiff_t)rows.offsets[u] * H + h : NULL, H, &b, &a, i0,
                      a.T - i0 < QUERIES ? a.T - i0 : QUERIES);
    }
}

/* What a task of the backward pass assigns, at the head's channels as in Head. */
typedef struct HeadGradients {
  float *dq, *dk, *dv;      /* at row 0 of the utterance */
  float *dp;                /* the utterance's own sum, at the position of i - j = 0 */
  float *dbias_u, *dbias_v; /* (D), likewise */
} HeadGradients;

/* From the scores to their gradients:
 *   P = exp(scores - lse);  dP = drop(dy v^T);  dscores = P (dP - sum_d dy y);  leaves drop(P) in b->scores.
 */
static void block_dscores(Block *b, const Head *a, const float *dy, const float *y, const float *lse,
                          int lse_stride, int i0, int n) {
  int T = a->T, D = a->D;
  product_nt(n, T, D, 1, dy + i0 * a->stride, a->stride, a->v, a->stride, 0, b->dscores, T);
  for (int i = 0; i < n; i++) {
    float *P = b->scores + (ptrdiff_t)i * T, *dscores = b->dscores + (ptrdiff_t)i * T, dot = 0;
    float offset = lse[(i0 + i) * lse_stride];
    const float *dy_row = dy + (i0 + i) * a->stride, *y_row = y + (i0 + i) * a->stride;
    for (int d = 0; d < D; d++) dot += dy_row[d] * y_row[d];
    if (a->dropout > 0) drop(dscores, dscores, a, i0 + i);
#pragma omp simd
    for (int j = 0; j < T; j++) {
      P[j] = fast_exp(P[j] - offset);
      dscores[j] = P[j] * (dscores[j] - dot);
    }
    if (a->dropout > 0) drop(P, P, a, i0 + i);
  }
}

/* sum (D) += the columns of x (n, D). */
static void add_rows(float *sum, const float *x, ptrdiff_t stride, int n, int D) {
  for (int i = 0; i < n; i++)
    for (int d = 0; d < D; d++) sum[d] += x[i * stride + d];
}

static void backward_block(HeadGradients g, Block *b, const Head *a, const float *dy, const float *y,
                           const float *lse, int lse_stride, int i0, int n) {
  int T = a->T, D = a->D, W = T + n - 1;
  float scale = 1.0f / sqrtf((float)D), more = i0 > 0; /* the first block assigns dk and dv, the others add */
  float *dq = g.dq + i0 * a->stride;
  block_scores(b, a, i0, n);
  block_dscores(b, a, dy, y, lse, lse_stride, i0, n);
  product_tn(T, D, n, 1, b->scores, T, dy + i0 * a->stride, a->stride, more, g.dv, a->stride);
  product_tn(T, D, n, 1, b->dscores, T, b->qu, D, more, g.dk, a->stride);
  product_nn(n, D, T, scale, b->dscores, T, a->k, a->stride, 0, dq, a->stride);
  add_rows(g.dbias_u, dq, a->stride, n, D);

  /* the shift backward: by_band[i, j + n - 1 - i] = dscores[i, j], zero elsewhere */
  memset(b->by_band, 0, sizeof(float) * (size_t)n * (size_t)W);
  for (int i = 0; i < n; i++)
    memcpy(b->by_band + (ptrdiff_t)i * W + n - 1 - i, b->dscores + (ptrdiff_t)i * T,
           sizeof(float) * (size_t)T);
  product_tn(W, D, n, 1, b->by_band, W, b->qv, D, 1, g.dp - (i0 + n - 1) * a->stride, a->stride);
  product_nn(n, D, W, scale, b->by_band, W, band(a, i0, n), a->stride, 0, b->dqv, D);
  add_rows(g.dbias_v, b->dqv, D, n, D);
  for (int i = 0; i < n; i++)
    for (int d = 0; d < D; d++) dq[i * a->stride + d] += b->dqv[i * D + d];
}

/* dp (2 T_max - 1, C) = the sum over utterances, in order, of their own (2 T - 1, C), which stand one after
 * the other, that of utterance u at row 2 offsets[u]. */
static void add_positions(float *dp, const float *parts, Rows rows, int C) {
#pragma omp parallel for schedule(static)
  for (int r = 0; r < 2 * rows.T_max - 1; r++)
    for (int c = 0; c < C; c += SUM_CHANNELS) {
      double sum[SUM_CHANNELS] = {0};
      int n = C - c < SUM_CHANNELS ? C - c : SUM_CHANNELS;
      for (int u = 0; u < rows.U; u++) {
        int T = rows.offsets[u + 1] - rows.offsets[u], row = r - (rows.T_max - T);
        if (row < 0 || row >= 2 * T - 1) continue;
        const float *part = parts + (2 * (ptrdiff_t)rows.offsets[u] + row) * C + c;
        for (int i = 0; i < n; i++) sum[i] += (double)part[i];
      }
      for (int i = 0; i < n; i++) dp[(ptrdiff_t)r * C + c + i] = (float)sum[i];
    }
}

/* dbias (C) += the sum over utterances, in order, of parts (U, C). */
static void add_bias(float *dbias, const float *parts, int U, int C) {
  for (int c = 0; c < C; c++) {
    double sum = 0;
    for (int u = 0; u < U; u++) sum += (double)parts[(ptrdiff_t)u * C + c];
    dbias[c] += (float)sum;
  }
}

void cpu_attention_backward(Stream *stream, void *dq_, void *dk_, void *dv_, void *dp, float *dbias_u,
                            float *dbias_v, const void *dy_, const void *y_, const float *lse, const void *q,
                            const void *k, const void *v, const void *p, const float *bias_u,
                            const float *bias_v, Rows rows, int H, int D, float dropout, RandomKey key) {
  float *dq = dq_, *dk = dk_, *dv = dv_;
  const float *dy = dy_, *y = y_;
  int C = H * D, N = rows.offsets[rows.U];
  size_t dp_floats = 2 * (size_t)N * (size_t)C, bias_floats = (size_t)rows.U * (size_t)C;
  size_t blocks = block_floats(rows.T_max, D) * (size_t)omp_get_max_threads();
  float *dp_parts = stream_scratch(stream, sizeof(float) * (dp_floats + 2 * bias_floats + blocks));
  float *du_parts = dp_parts + dp_floats, *dv_parts = du_parts + bias_floats,
        *scratch = dv_parts + bias_floats;
  memset(dp_parts, 0, sizeof(float) * (dp_floats + 2 * bias_floats));
  zero_spare_rows(dq, rows, (size_t)C);
  zero_spare_rows(dk, rows, (size_t)C);
  zero_spare_rows(dv, rows, (size_t)C);
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (int u = 0; u < rows.U; u++)
    for (int h = 0; h < H; h++) {
      Block b = block_of_thread(scratch, rows.T_max, D);
      Head a = head_of(q, k, v, p, bias_u, bias_v, rows, u, h, H, D, dropout, key);
      ptrdiff_t at = (ptrdiff_t)rows.offsets[u] * C + h * D;
      HeadGradients g = {.dq = dq + at,
                         .dk = dk + at,
                         .dv = dv + at,
                         .dp = dp_parts + (2 * (ptrdiff_t)rows.offsets[u] + a.T - 1) * C + h * D,
                         .dbias_u = du_parts + (ptrdiff_t)u * C + h * D,
                         .dbias_v = dv_parts + (ptrdiff_t)u * C + h * D};
      for (int i0 = 0; i0 < a.T; i0 += QUERIES)
        backward_block(g, &b, &a, dy + at, y + at, lse + (ptrdiff_t)rows.offsets[u] * H + h, H, i0,
                       a.T - i0 < QUERIES ? a.T - i0 : QUERIES);
    }
  add_positions(dp, dp_parts, rows, C);
  add_bias(dbias_u, du_parts, rows.U, C);
  add_bias(dbias_v, dv_parts, rows.U, C);
}
