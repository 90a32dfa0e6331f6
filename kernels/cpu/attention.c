/* Attention with relative positions. One task is one head of one utterance, in blocks of queries; its
 * products see shapes that follow from T and D alone, so its bits do not depend on the other utterances. For
 * a block of n queries from i0 on: scores (n, T) = (q + bias_u) k^T / sqrt(D) + shift((q + bias_v) band^T /
 * sqrt(D)) where `band` are the T + n - 1 rows of p that these queries meet and shift takes [a, j] from [a, j
 * + n - 1 - a]. A task packs k, v and the 2 T - 1 rows of p once; blocks are cut from the last query on, so
 * that every band begins with a panel. dp and the biases' gradients are summed by utterance first, then over
 * the utterances in order. */
#include "kernels/attention.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/cpu/math.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/stream.h"
#include "kernels/random.h"

enum {
  QUERIES = 32,       /* of a block: whole panels */
  SUM_CHANNELS = 128, /* of dp, added at once */
  LINE = 16,          /* floats of a cache line, where each part of the scratch begins */
};

/* Scratch of one thread. A name with _t is the transpose. */
typedef struct Block {
  float *k_t, *band_t, *v; /* packed: (D, T), (D, 2 T - 1), (T, D) */
  float *v_t, *k, *band;   /* packed, backward: (D, T), (T, D), (2 T - 1, D) */
  float *rows;             /* packed, backward: (QUERIES, D) of dy, qu or qv */
  float *scores;           /* (QUERIES, T): then probabilities */
  float *dscores;          /* (QUERIES, T), backward */
  float *by_band;          /* (QUERIES, T + QUERIES - 1): products with the band, before the shift */
  float *qu, *qv;          /* (QUERIES, D): (q + bias) / sqrt(D) */
  float *dqu, *dqv;        /* (QUERIES, D), backward */
  float *sum;              /* (QUERIES): of the exponentials */
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

/* Divides `scratch` among the parts of a block, the backward ones too where wanted; returns the floats it
 * takes, of NULL as well. */
static size_t block_divide(Block *b, float *scratch, int T, int D, bool backward) {
  int band = 2 * T - 1;
  size_t frames = (size_t)T, channels = (size_t)D, at = 0;
  struct {
    float **part;
    size_t floats;
  } parts[] = {
      {&b->k_t, packed_floats(D, T)}, {&b->band_t, packed_floats(D, band)},
      {&b->v, packed_floats(T, D)},   {&b->scores, QUERIES * frames},
      {&b->qu, QUERIES * channels},   {&b->by_band, QUERIES * (frames + QUERIES - 1)},
      {&b->qv, QUERIES * channels},   {&b->sum, QUERIES},
      {&b->v_t, packed_floats(D, T)}, {&b->band, packed_floats(band, D)},
      {&b->k, packed_floats(T, D)},   {&b->dscores, QUERIES * frames},
      {&b->dqu, QUERIES * channels},  {&b->rows, packed_floats(QUERIES, D)},
      {&b->dqv, QUERIES * channels},
  };
  size_t count = backward ? sizeof parts / sizeof *parts : 8;
  for (size_t i = 0; i < count; i++) {
    *parts[i].part = scratch ? scratch + at : NULL;
    at += tile_count(parts[i].floats, LINE) * LINE;
  }
  return at;
}

static size_t block_floats(int T, int D, bool backward) {
  Block unused;
  return block_divide(&unused, NULL, T, D, backward);
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

/* The row of p that the first query meets at the last key ... up to the last query at key 0 is the first of
 * the 2 T - 1 that the head meets. */
static void pack_head(Block *b, const Head *a, bool backward) {
  int T = a->T, D = a->D;
  size_t stride = (size_t)a->stride;
  const float *band = a->p - (T - 1) * a->stride;
  product_pack_all(b->k_t, a->k, 1, stride, D, T);
  product_pack_all(b->band_t, band, 1, stride, D, 2 * T - 1);
  product_pack_all(b->v, a->v, stride, 1, T, D);
  if (!backward) return;
  product_pack_all(b->v_t, a->v, 1, stride, D, T);
  product_pack_all(b->k, a->k, stride, 1, T, D);
  product_pack_all(b->band, band, stride, 1, 2 * T - 1, D);
}

/* The product of a (rows, depth), or of its transpose where a_t, with whole packed panels; `more` adds to c.
 */
static void product(float *c, size_t c_stride, bool more, const float *a, size_t a_stride, bool a_t,
                    const float *b, size_t panel_depth, int rows, int columns, int depth) {
  product_panels(c, c_stride, more ? c : NULL, c_stride, a, a_t ? 1 : a_stride, a_t ? a_stride : 1, b,
                 panel_floats(panel_depth), rows, columns, depth);
}

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
  product(b->scores, (size_t)T, false, b->qu, (size_t)D, false, b->k_t, (size_t)D, n, T, D);
  product(b->by_band, (size_t)W, false, b->qv, (size_t)D, false, b->band_t + packed_floats(D, T - i0 - n),
          (size_t)D, n, W, D);
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
  product(y + i0 * a->stride, (size_t)a->stride, false, b->scores, (size_t)T, false, b->v, (size_t)T, n, D,
          T);
  for (int i = 0; i < n; i++) {
    float *row = y + (i0 + i) * a->stride, scale = 1.0f / b->sum[i];
    for (int d = 0; d < D; d++) row[d] *= scale;
  }
}

void cpu_attention_forward(Stream *stream, void *y_, float *lse, const void *q, const void *k, const void *v,
                           const void *p, const float *bias_u, const float *bias_v, Rows rows, int H, int D,
                           float dropout, RandomKey key) {
  float *y = y_;
  zero_spare_rows(y, rows, (size_t)(H * D));
  if (lse) zero_spare_rows(lse, rows, (size_t)H);
  if (rows.T_max == 0) return;
  size_t block = block_floats(rows.T_max, D, false);
  float *scratch = stream_scratch(stream, sizeof(float) * block * (size_t)omp_get_max_threads());
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (int u = 0; u < rows.U; u++)
    for (int h = 0; h < H; h++) {
      Head a = head_of(q, k, v, p, bias_u, bias_v, rows, u, h, H, D, dropout, key);
      if (a.T == 0) continue;
      Block b;
      block_divide(&b, scratch + block * (size_t)omp_get_thread_num(), a.T, D, false);
      pack_head(&b, &a, false);
      for (int end = a.T; end > 0; end -= QUERIES) {
        int n = end < QUERIES ? end : QUERIES;
        forward_block(y + rows.offsets[u] * a.stride + h * D,
                      lse ? lse + (ptrdiff_t)rows.offsets[u] * H + h : NULL, H, &b, &a, end - n, n);
      }
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
  product(b->dscores, (size_t)T, false, dy + i0 * a->stride, (size_t)a->stride, false, b->v_t, (size_t)D, n,
          T, D);
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

/* dq = dqu + dqv, scaled, and the sums of each over the queries. */
static void block_dq(HeadGradients g, const Block *b, const Head *a, int i0, int n) {
  float scale = 1.0f / sqrtf((float)a->D);
  for (int i = 0; i < n; i++) {
    float *dq = g.dq + (i0 + i) * a->stride;
    const float *dqu = b->dqu + i * a->D, *dqv = b->dqv + i * a->D;
    for (int d = 0; d < a->D; d++) {
      g.dbias_u[d] += scale * dqu[d];
      g.dbias_v[d] += scale * dqv[d];
      dq[d] = scale * (dqu[d] + dqv[d]);
    }
  }
}

static void backward_block(HeadGradients g, Block *b, const Head *a, const float *dy, const float *y,
                           const float *lse, int lse_stride, int i0, int n) {
  int T = a->T, D = a->D, W = T + n - 1, end = i0 + n;
  size_t frames = (size_t)T, channels = (size_t)D, width = (size_t)W, stride = (size_t)a->stride;
  bool more = end < T; /* the first block, of the last queries, assigns dk and dv, the others add */
  block_scores(b, a, i0, n);
  block_dscores(b, a, dy, y, lse, lse_stride, i0, n);
  product_pack_all(b->rows, dy + i0 * a->stride, stride, 1, n, D);
  product(g.dv, stride, more, b->scores, frames, true, b->rows, (size_t)n, T, D, n);
  product_pack_all(b->rows, b->qu, channels, 1, n, D);
  product(g.dk, stride, more, b->dscores, frames, true, b->rows, (size_t)n, T, D, n);
  product(b->dqu, channels, false, b->dscores, frames, false, b->k, frames, n, D, T);

  /* the shift backward: by_band[i, j + n - 1 - i] = dscores[i, j], zero elsewhere */
  memset(b->by_band, 0, sizeof(float) * (size_t)n * width);
  for (int i = 0; i < n; i++)
    memcpy(b->by_band + (ptrdiff_t)i * W + n - 1 - i, b->dscores + (ptrdiff_t)i * T, sizeof(float) * frames);
  product_pack_all(b->rows, b->qv, channels, 1, n, D);
  product(g.dp - (end - 1) * a->stride, stride, true, b->by_band, width, true, b->rows, (size_t)n, W, D, n);
  product(b->dqv, channels, false, b->by_band, width, false, b->band + panel_floats((size_t)(T - end)),
          (size_t)(2 * T - 1), n, D, W);
  block_dq(g, b, a, i0, n);
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
  zero_spare_rows(dq, rows, (size_t)C);
  zero_spare_rows(dk, rows, (size_t)C);
  zero_spare_rows(dv, rows, (size_t)C);
  if (rows.T_max == 0) return;
  size_t block = block_floats(rows.T_max, D, true), blocks = block * (size_t)omp_get_max_threads();
  float *scratch = stream_scratch(stream, sizeof(float) * (blocks + dp_floats + 2 * bias_floats));
  float *dp_parts = scratch + blocks, *du_parts = dp_parts + dp_floats, *dv_parts = du_parts + bias_floats;
  memset(dp_parts, 0, sizeof(float) * (dp_floats + 2 * bias_floats));
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (int u = 0; u < rows.U; u++)
    for (int h = 0; h < H; h++) {
      Head a = head_of(q, k, v, p, bias_u, bias_v, rows, u, h, H, D, dropout, key);
      if (a.T == 0) continue;
      Block b;
      block_divide(&b, scratch + block * (size_t)omp_get_thread_num(), a.T, D, true);
      pack_head(&b, &a, true);
      ptrdiff_t at = (ptrdiff_t)rows.offsets[u] * C + h * D;
      HeadGradients g = {.dq = dq + at,
                         .dk = dk + at,
                         .dv = dv + at,
                         .dp = dp_parts + (2 * (ptrdiff_t)rows.offsets[u] + a.T - 1) * C + h * D,
                         .dbias_u = du_parts + (ptrdiff_t)u * C + h * D,
                         .dbias_v = dv_parts + (ptrdiff_t)u * C + h * D};
      for (int end = a.T; end > 0; end -= QUERIES) {
        int n = end < QUERIES ? end : QUERIES;
        backward_block(g, &b, &a, dy + at, y + at, lse + (ptrdiff_t)rows.offsets[u] * H + h, H, end - n, n);
      }
    }
  add_positions(dp, dp_parts, rows, C);
  add_bias(dbias_u, du_parts, rows.U, C);
  add_bias(dbias_v, dv_parts, rows.U, C);
}
