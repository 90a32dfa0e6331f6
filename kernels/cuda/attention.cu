/* Attention with relative positions. Every kernel works on tiles of TILE x TILE scores of one head of one
 * utterance, one thread a score, staged as floats in shared memory; backward makes each tile again from lse
 * instead of storing it, three times: by queries (dq), by keys (dk, dv) and by positions (dp). No tile
 * depends on other utterances.
 *
 * Rows of a staged tile are D | 1 floats apart, odd, so that sixteen neighbouring rows lie in different
 * banks. */
#include "kernels/attention.h"

#include <assert.h>
#include <math.h>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/rows.cuh"
#include "kernels/random.h"

enum {
  TILE = 16, /* queries, keys or positions of a tile */
  BAND =
      2 * 16 - 1, /* positions that queries and keys of a tile meet, or keys that queries and positions do */
  D_MAX = 128,    /* channels of a head: 65 KiB of shared memory in backward */
};

/* What all kernels read. Pointers at row 0 of the batch; p at row 0. */
template <typename Act> struct Attention {
  const Act *q, *k, *v, *p;
  const float *bias_u, *bias_v;
  Rows rows;
  int H, D;
  float dropout;
  RandomKey key;
};

/* Backward reads these too. */
template <typename Act> struct Saved {
  const Act *dy;
  const float *lse, *dot; /* (R, H): log sum exp of the scores; sum_d dy y */
};

/* The head of one utterance that a block works on. */
struct Place {
  int T, h, stride; /* stride: channels of a row */
  size_t at;        /* first element of the utterance's rows at the head's channels */
  size_t row;       /* first row of the utterance */
};

template <typename Act> static __device__ Place place_of(const Attention<Act> &a, int u, int h) {
  int first = a.rows.offsets[u], C = a.H * a.D;
  return Place{a.rows.offsets[u + 1] - first, h, C, (size_t)first * C + h * a.D, (size_t)first};
}

/* to (count, D | 1) = rows first .. first + count - 1 of x times `scale`, plus bias before; 0 for rows
 * outside 0 .. T - 1. x is at row 0 and the head's first channel; bias may be NULL. */
template <typename Act>
static __device__ void take_rows(float *to, const Act *x, int stride, int first, int count, int T, int D,
                                 const float *bias, float scale) {
  for (int i = threadIdx.x; i < count * D; i += TILE * TILE) {
    int row = first + i / D, d = i % D;
    float value = row >= 0 && row < T ? load(x + (ptrdiff_t)row * stride + d) : 0.0f;
    to[(i / D) * (D | 1) + d] = row >= 0 && row < T ? (bias ? value + bias[d] : value) * scale : 0.0f;
  }
}

static __device__ float dot(const float *x, const float *y, int D) {
  float sum = 0;
  for (int d = 0; d < D; d++) sum += x[d] * y[d];
  return sum;
}

/* Staged rows of queries from i0 on: (q + bias) / sqrt(D), and dy in backward. */
struct Queries {
  float *u, *v, *dy;
};

template <typename Act>
static __device__ void take_queries(Queries to, const Attention<Act> &a, Place at, int i0, const Act *dy) {
  float scale = 1.0f / sqrtf((float)a.D);
  take_rows(to.u, a.q + at.at, at.stride, i0, TILE, at.T, a.D, a.bias_u + at.h * a.D, scale);
  take_rows(to.v, a.q + at.at, at.stride, i0, TILE, at.T, a.D, a.bias_v + at.h * a.D, scale);
  if (dy) take_rows(to.dy, dy + at.at, at.stride, i0, TILE, at.T, a.D, NULL, 1.0f);
}

/* `count` rows of p from that of position `first` downwards: position n stands in row T_max - 1 - n. */
template <typename Act>
static __device__ void take_positions(float *to, const Attention<Act> &a, Place at, int first, int count) {
  take_rows(to, a.p + at.h * a.D, at.stride, a.rows.T_max - 1 - first, count, 2 * a.rows.T_max - 1, a.D, NULL,
            1.0f);
}

/* 0 where the probability of (i, j) is dropped, else 1 / (1 - dropout). */
template <typename Act> static __device__ float kept(const Attention<Act> &a, int u, int h, int i, int j) {
  if (!(a.dropout > 0)) return 1.0f;
  uint64_t row = random_row(a.key.seed, a.key.step, a.key.site, a.key.utterances[u], (uint32_t)i);
  uint32_t bits = random_bits(row, (uint32_t)h << 16 | (uint32_t)j);
  return bits >= random_threshold(a.dropout) ? 1.0f / (1.0f - a.dropout) : 0.0f;
}

/* Sum, or largest, over the sixteen threads of a query. */
static __device__ float query_sum(float x) {
  for (int step = TILE / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step, TILE);
  return x;
}

static __device__ float query_max(float x) {
  for (int step = TILE / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step, TILE));
  return x;
}

/* y_i = sum_j drop(softmax_j(score[i, :])) v_j by streaming softmax over the tiles of keys (Milakov and
 * Gimelshein 2018, arXiv 1805.02867). Thread (i, j) of a block has the score of query i and key j, then
 * channels j, j + TILE, ... of y_i. Grid (tiles of T_max, H, U), block TILE^2, shared (4 TILE + BAND) (D | 1)
 * + TILE (TILE + 1) floats. Reads k, v and the band of p T / TILE times (cache), writes y and lse once. D at
 * most D_MAX, T below 65536. */
template <typename Act>
static __global__ void __launch_bounds__(TILE *TILE)
    attention_forward_kernel(Act *y, float *lse, Attention<Act> a) {
  extern __shared__ float shared[];
  int D = a.D, width = D | 1, i = threadIdx.x / TILE, j = threadIdx.x % TILE, u = blockIdx.z;
  Queries q = {shared, shared + TILE * width, NULL};
  float *k = q.v + TILE * width, *v = k + TILE * width, *band = v + TILE * width,
        *weights = band + BAND * width;
  Place at = place_of(a, u, blockIdx.y);
  int i0 = blockIdx.x * TILE;
  if (i0 >= at.T) return;
  take_queries(q, a, at, i0, (const Act *)NULL);
  float most = -INFINITY, sum = 0, out[D_MAX / TILE] = {0};
  for (int j0 = 0; j0 < at.T; j0 += TILE) {
    __syncthreads(); /* the tile before is used up */
    take_rows(k, a.k + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
    take_rows(v, a.v + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
    take_positions(band, a, at, i0 + TILE - 1 - j0, BAND);
    __syncthreads();
    float score =
        dot(q.u + i * width, k + j * width, D) + dot(q.v + i * width, band + (TILE - 1 - i + j) * width, D);
    if (j0 + j >= at.T) score = -INFINITY;
    float largest = fmaxf(most, query_max(score)), weight = expf(score - largest),
          shrink = expf(most - largest);
    sum = sum * shrink + query_sum(weight);
    most = largest;
    weights[i * (TILE + 1) + j] = weight * kept(a, u, at.h, i0 + i, j0 + j);
    __syncthreads();
#pragma unroll
    for (int n = 0; n < D_MAX / TILE && j + n * TILE < D; n++) {
      float add = 0;
      for (int key = 0; key < TILE; key++)
        add += weights[i * (TILE + 1) + key] * v[key * width + j + n * TILE];
      out[n] = out[n] * shrink + add;
    }
  }
  if (i0 + i >= at.T) return;
  if (lse && j == 0) lse[(at.row + i0 + i) * a.H + at.h] = most + logf(sum);
#pragma unroll
  for (int n = 0; n < D_MAX / TILE && j + n * TILE < D; n++)
    store(y + at.at + (size_t)(i0 + i) * at.stride + j + n * TILE, out[n] / sum);
}

/* dots[r, h] = sum_d dy y. A warp has one row and head. Grid (ceil(R / 8), H), block (32, 8), no shared
 * memory. Reads dy and y once. Any sizes. */
template <typename Act>
static __global__ void attention_dot_kernel(float *dots, const Act *dy, const Act *y, int R, int H, int D) {
  int row = blockIdx.x * blockDim.y + threadIdx.y, h = blockIdx.y;
  if (row >= R) return;
  size_t at = ((size_t)row * H + h) * D;
  float sum = 0;
  for (int d = threadIdx.x; d < D; d += 32) sum += load(dy + at + d) * load(y + at + d);
  sum = warp_sum(sum);
  if (threadIdx.x == 0) dots[(size_t)row * H + h] = sum;
}

/* Of the pair of query i and key j, staged in these rows: drop(P) and the gradient of the score,
 *   P = exp(score - lse);  dscore = P (drop(dy . v) - dot);  both 0 for pairs outside the utterance. */
struct Pair {
  float weight, dscore;
};

template <typename Act>
static __device__ Pair pair_of(const Attention<Act> &a, const Saved<Act> &saved, Place at, int u, int i,
                               int j, const float *qu, const float *qv, const float *dy, const float *k,
                               const float *v, const float *p) {
  if (i >= at.T || j < 0 || j >= at.T) return Pair{0, 0};
  size_t row = (at.row + i) * a.H + at.h;
  float P = expf(dot(qu, k, a.D) + dot(qv, p, a.D) - saved.lse[row]), keep = kept(a, u, at.h, i, j);
  return Pair{P * keep, P * (dot(dy, v, a.D) * keep - saved.dot[row])};
}

/* dq_i = (sum_j dscore k_j + sum_j dscore p_{i-j}) / sqrt(D), and the tile's sums of both terms over i into
 * parts (slot, 2, H D), for dbias_u and dbias_v. Thread (i, j) as in forward. Grid (tiles of T_max, H, U),
 * block TILE^2, shared (5 TILE + BAND) (D | 1) + TILE (TILE + 1) floats. Reads k, v and the band T / TILE
 * times (cache), writes dq once. Sizes as forward. */
template <typename Act>
static __global__ void __launch_bounds__(TILE *TILE)
    attention_dq_kernel(Act *dq, float *parts, Attention<Act> a, Saved<Act> saved) {
  extern __shared__ float shared[];
  int D = a.D, width = D | 1, i = threadIdx.x / TILE, j = threadIdx.x % TILE, u = blockIdx.z,
      i0 = blockIdx.x * TILE;
  Queries q = {shared, shared + TILE * width, shared + 2 * TILE * width};
  float *k = q.dy + TILE * width, *v = k + TILE * width, *band = v + TILE * width,
        *dscores = band + BAND * width;
  Place at = place_of(a, u, blockIdx.y);
  if (i0 >= at.T) return;
  take_queries(q, a, at, i0, saved.dy);
  float by_key[D_MAX / TILE] = {0}, by_position[D_MAX / TILE] = {0}, scale = 1.0f / sqrtf((float)D);
  for (int j0 = 0; j0 < at.T; j0 += TILE) {
    __syncthreads(); /* the tile before is used up */
    take_rows(k, a.k + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
    take_rows(v, a.v + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
    take_positions(band, a, at, i0 + TILE - 1 - j0, BAND);
    __syncthreads();
    dscores[i * (TILE + 1) + j] =
        pair_of(a, saved, at, u, i0 + i, j0 + j, q.u + i * width, q.v + i * width, q.dy + i * width,
                k + j * width, v + j * width, band + (TILE - 1 - i + j) * width)
            .dscore;
    __syncthreads();
#pragma unroll
    for (int n = 0; n < D_MAX / TILE && j + n * TILE < D; n++)
      for (int key = 0; key < TILE; key++) {
        float d = dscores[i * (TILE + 1) + key];
        by_key[n] += d * k[key * width + j + n * TILE];
        by_position[n] += d * band[(TILE - 1 - i + key) * width + j + n * TILE];
      }
  }
  __syncthreads();
#pragma unroll
  for (int n = 0; n < D_MAX / TILE && j + n * TILE < D; n++) { /* queries outside have zeros */
    int d = j + n * TILE;
    q.u[i * width + d] = by_key[n] * scale;
    q.v[i * width + d] = by_position[n] * scale;
    if (i0 + i < at.T)
      store(dq + at.at + (size_t)(i0 + i) * at.stride + d, (by_key[n] + by_position[n]) * scale);
  }
  __syncthreads();
  float *part = parts + tile_slot(a.rows.offsets, u, blockIdx.x, TILE) * 2 * at.stride + at.h * D;
  for (int d = threadIdx.x; d < 2 * D; d += TILE * TILE) {
    const float *column = d < D ? q.u + d : q.v + d - D;
    float sum = 0;
    for (int row = 0; row < TILE; row++) sum += column[row * width];
    part[d < D ? d : at.stride + d - D] = sum;
  }
}

/* dv_j = sum_i drop(P) dy_i;  dk_j = sum_i dscore (q_i + bias_u) / sqrt(D). Thread (j, i) has the pair of key
 * j and query i, then channels i, i + TILE, ... of dk_j and dv_j. Grid, block as above, shared (5 TILE +
 * BAND) (D | 1) + 2 TILE (TILE + 1) floats. Reads q, dy and the band T / TILE times (cache), writes dk and dv
 * once. Sizes as forward. */
template <typename Act>
static __global__ void __launch_bounds__(TILE *TILE)
    attention_dkv_kernel(Act *dk, Act *dv, Attention<Act> a, Saved<Act> saved) {
  extern __shared__ float shared[];
  int D = a.D, width = D | 1, j = threadIdx.x / TILE, i = threadIdx.x % TILE, u = blockIdx.z,
      j0 = blockIdx.x * TILE;
  Queries q = {shared, shared + TILE * width, shared + 2 * TILE * width};
  float *k = q.dy + TILE * width, *v = k + TILE * width, *band = v + TILE * width;
  float *weights = band + BAND * width, *dscores = weights + TILE * (TILE + 1);
  Place at = place_of(a, u, blockIdx.y);
  if (j0 >= at.T) return;
  take_rows(k, a.k + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
  take_rows(v, a.v + at.at, at.stride, j0, TILE, at.T, D, NULL, 1.0f);
  float dk_sum[D_MAX / TILE] = {0}, dv_sum[D_MAX / TILE] = {0};
  for (int i0 = 0; i0 < at.T; i0 += TILE) {
    __syncthreads(); /* the tile before is used up */
    take_queries(q, a, at, i0, saved.dy);
    take_positions(band, a, at, i0 + TILE - 1 - j0, BAND);
    __syncthreads();
    Pair pair = pair_of(a, saved, at, u, i0 + i, j0 + j, q.u + i * width, q.v + i * width, q.dy + i * width,
                        k + j * width, v + j * width, band + (TILE - 1 - i + j) * width);
    weights[j * (TILE + 1) + i] = pair.weight;
    dscores[j * (TILE + 1) + i] = pair.dscore;
    __syncthreads();
#pragma unroll
    for (int n = 0; n < D_MAX / TILE && i + n * TILE < D; n++)
      for (int query = 0; query < TILE; query++) {
        dk_sum[n] += dscores[j * (TILE + 1) + query] * q.u[query * width + i + n * TILE];
        dv_sum[n] += weights[j * (TILE + 1) + query] * q.dy[query * width + i + n * TILE];
      }
  }
  if (j0 + j >= at.T) return;
#pragma unroll
  for (int n = 0; n < D_MAX / TILE && i + n * TILE < D; n++) {
    size_t to = at.at + (size_t)(j0 + j) * at.stride + i + n * TILE;
    store(dk + to, dk_sum[n]);
    store(dv + to, dv_sum[n]);
  }
}

/* parts[2 offset + r, c] = sum_i dscore[i, i - position] (q_i + bias_v) / sqrt(D) of one utterance, r = 0 ..
 * 2 T - 2 from position T - 1 down. Thread (b, i) has query i and position b of the tile, then channels i, i
 * + TILE, ... of the sum. Grid (tiles of 2 T_max - 1, H, U), block TILE^2, shared (4 TILE + 2 BAND) (D | 1) +
 * TILE (TILE + 1) floats. Reads q, dy, k, v T / TILE times (cache), writes parts once. Sizes as forward. */
template <typename Act>
static __global__ void __launch_bounds__(TILE *TILE, 3)
    attention_dp_kernel(float *parts, Attention<Act> a, Saved<Act> saved) {
  extern __shared__ float shared[];
  int D = a.D, width = D | 1, b = threadIdx.x / TILE, i = threadIdx.x % TILE, u = blockIdx.z,
      b0 = blockIdx.x * TILE;
  Queries q = {shared, shared + TILE * width, shared + 2 * TILE * width};
  float *p = q.dy + TILE * width, *k = p + TILE * width, *v = k + BAND * width, *dscores = v + BAND * width;
  Place at = place_of(a, u, blockIdx.y);
  int most = at.T - 1 - b0; /* the tile's first position */
  if (b0 >= 2 * at.T - 1) return;
  take_positions(p, a, at, most, TILE);
  float sum[D_MAX / TILE] = {0};
  int first =
      most < TILE ? 0 : (most - TILE + 1) / TILE * TILE; /* queries before have no key at these positions */
  for (int i0 = first; i0 < at.T && i0 - most < at.T; i0 += TILE) {
    __syncthreads(); /* the tile before is used up */
    take_queries(q, a, at, i0, saved.dy);
    take_rows(k, a.k + at.at, at.stride, i0 - most, BAND, at.T, D, NULL, 1.0f);
    take_rows(v, a.v + at.at, at.stride, i0 - most, BAND, at.T, D, NULL, 1.0f);
    __syncthreads();
    dscores[b * (TILE + 1) + i] = /* key i - (most - b) */
        pair_of(a, saved, at, u, i0 + i, i0 + i - most + b, q.u + i * width, q.v + i * width,
                q.dy + i * width, k + (i + b) * width, v + (i + b) * width, p + b * width)
            .dscore;
    __syncthreads();
#pragma unroll
    for (int n = 0; n < D_MAX / TILE && i + n * TILE < D; n++)
      for (int query = 0; query < TILE; query++)
        sum[n] += dscores[b * (TILE + 1) + query] * q.v[query * width + i + n * TILE];
  }
  if (b0 + b >= 2 * at.T - 1) return;
#pragma unroll
  for (int n = 0; n < D_MAX / TILE && i + n * TILE < D; n++)
    parts[(2 * at.row + b0 + b) * at.stride + at.h * D + i + n * TILE] = sum[n];
}

/* dp[r, c] = the sum over utterances, in order, of their own parts; r counts from position T_max - 1 down. A
 * thread has one (r, c). Grid (2 T_max - 1, ceil(C / 128)), block 128. Reads parts once, writes dp once. Any
 * sizes. */
template <typename Act>
static __global__ void attention_add_positions_kernel(Act *dp, const float *parts, Rows rows, int C) {
  int r = blockIdx.x, c = blockIdx.y * 128 + threadIdx.x;
  if (c >= C) return;
  double sum = 0;
  for (int u = 0; u < rows.U; u++) {
    int T = rows.offsets[u + 1] - rows.offsets[u], row = r - (rows.T_max - T);
    if (row >= 0 && row < 2 * T - 1) sum += (double)parts[(2 * (size_t)rows.offsets[u] + row) * C + c];
  }
  store(dp + (size_t)r * C + c, (float)sum);
}

/* dbias_u[c] += the sum over the tiles of queries, utterance by utterance, of parts[slot, 0, c]; dbias_v
 * of 1. A thread has one channel of one of the two. Grid (ceil(C / 32), 2), block 32. Reads parts once. */
static __global__ void attention_add_bias_kernel(float *dbias_u, float *dbias_v, const float *parts,
                                                 Rows rows, int C) {
  int c = blockIdx.x * 32 + threadIdx.x;
  if (c >= C) return;
  double sum = 0;
  for (int u = 0; u < rows.U; u++)
    for (int tile = 0; tile * TILE < rows.offsets[u + 1] - rows.offsets[u]; tile++)
      sum += (double)parts[(tile_slot(rows.offsets, u, tile, TILE) * 2 + blockIdx.y) * C + c];
  (blockIdx.y == 0 ? dbias_u : dbias_v)[c] += (float)sum;
}

/* Launches kernel(args...) over tiles x H x U with `rows` staged rows and `squares` squares of scores in
 * shared memory. */
template <typename Act, typename... Parameters, typename... Arguments>
static void launch_tiles(Stream *stream, const Attention<Act> &a, int positions, int rows, int squares,
                         void (*kernel)(Parameters...), Arguments... arguments) {
  size_t shared = sizeof(float) * (rows * (a.D | 1) + squares * TILE * (TILE + 1));
  if (shared > 48 << 10)
    CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared));
  dim3 grid(blocks_for(positions, TILE), a.H, a.rows.U);
  kernel<<<grid, TILE * TILE, shared, stream->queue>>>(arguments...);
  CUDA_LAUNCHED();
}

static void check_sizes(Rows rows, int D) { assert(D >= 1 && D <= D_MAX && rows.T_max < 65536); }

template <typename Act> static void forward(Stream *stream, Act *y, float *lse, const Attention<Act> &a) {
  check_sizes(a.rows, a.D);
  zero_spare_rows(stream, y, a.rows, a.H * a.D);
  if (lse) zero_spare_rows(stream, lse, a.rows, a.H);
  if (a.rows.T_max == 0) return;
  launch_tiles(stream, a, a.rows.T_max, 4 * TILE + BAND, 1, attention_forward_kernel<Act>, y, lse, a);
}

template <typename Act> struct Gradients {
  Act *dq, *dk, *dv, *dp;
  float *dbias_u, *dbias_v;
};

template <typename Act>
static void backward(Stream *stream, Gradients<Act> g, const Act *dy, const Act *y, const float *lse,
                     const Attention<Act> &a) {
  int C = a.H * a.D, R = a.rows.R, T_max = a.rows.T_max;
  check_sizes(a.rows, a.D);
  zero_spare_rows(stream, g.dq, a.rows, C);
  zero_spare_rows(stream, g.dk, a.rows, C);
  zero_spare_rows(stream, g.dv, a.rows, C);
  if (T_max == 0) return;
  size_t dots = (size_t)R * a.H, positions = 2 * (size_t)R * C, biases = tile_slots(a.rows, TILE) * 2 * C;
  float *dot = (float *)cuda_scratch(stream, sizeof(float) * (dots + positions + biases));
  float *position_parts = dot + dots, *bias_parts = position_parts + positions;
  attention_dot_kernel<Act>
      <<<dim3(blocks_for(R, 8), a.H), dim3(32, 8), 0, stream->queue>>>(dot, dy, y, R, a.H, a.D);
  CUDA_LAUNCHED();
  Saved<Act> saved = {dy, lse, dot};
  launch_tiles(stream, a, T_max, 5 * TILE + BAND, 1, attention_dq_kernel<Act>, g.dq, bias_parts, a, saved);
  launch_tiles(stream, a, T_max, 5 * TILE + BAND, 2, attention_dkv_kernel<Act>, g.dk, g.dv, a, saved);
  launch_tiles(stream, a, 2 * T_max - 1, 4 * TILE + 2 * BAND, 1, attention_dp_kernel<Act>, position_parts, a,
               saved);
  attention_add_positions_kernel<Act>
      <<<dim3(2 * T_max - 1, blocks_for(C, 128)), 128, 0, stream->queue>>>(g.dp, position_parts, a.rows, C);
  CUDA_LAUNCHED();
  attention_add_bias_kernel<<<dim3(blocks_for(C, 32), 2), 32, 0, stream->queue>>>(g.dbias_u, g.dbias_v,
                                                                                  bias_parts, a.rows, C);
  CUDA_LAUNCHED();
}

template <typename Act>
static Attention<Act> attention_of(const void *q, const void *k, const void *v, const void *p,
                                   const float *bias_u, const float *bias_v, Rows rows, int H, int D,
                                   float dropout, RandomKey key) {
  return {(const Act *)q,
          (const Act *)k,
          (const Act *)v,
          (const Act *)p,
          bias_u,
          bias_v,
          rows,
          H,
          D,
          dropout,
          key};
}

template <typename Act>
static void attention_forward_launch(Stream *stream, void *y, float *lse, const void *q, const void *k,
                                     const void *v, const void *p, const float *bias_u, const float *bias_v,
                                     Rows rows, int H, int D, float dropout, RandomKey key) {
  Attention<Act> a = attention_of<Act>(q, k, v, p, bias_u, bias_v, rows, H, D, dropout, key);
  forward(stream, (Act *)y, lse, a);
}

template <typename Act>
static void attention_backward_launch(Stream *stream, void *dq, void *dk, void *dv, void *dp, float *dbias_u,
                                      float *dbias_v, const void *dy, const void *y, const float *lse,
                                      const void *q, const void *k, const void *v, const void *p,
                                      const float *bias_u, const float *bias_v, Rows rows, int H, int D,
                                      float dropout, RandomKey key) {
  Attention<Act> a = attention_of<Act>(q, k, v, p, bias_u, bias_v, rows, H, D, dropout, key);
  Gradients<Act> g = {(Act *)dq, (Act *)dk, (Act *)dv, (Act *)dp, dbias_u, dbias_v};
  backward(stream, g, (const Act *)dy, (const Act *)y, lse, a);
}

CUDA_TWINS(attention_forward,
           (Stream * stream, void *y, float *lse, const void *q, const void *k, const void *v, const void *p,
            const float *bias_u, const float *bias_v, Rows rows, int H, int D, float dropout, RandomKey key),
           (stream, y, lse, q, k, v, p, bias_u, bias_v, rows, H, D, dropout, key))
CUDA_TWINS(attention_backward,
           (Stream * stream, void *dq, void *dk, void *dv, void *dp, float *dbias_u, float *dbias_v,
            const void *dy, const void *y, const float *lse, const void *q, const void *k, const void *v,
            const void *p, const float *bias_u, const float *bias_v, Rows rows, int H, int D, float dropout,
            RandomKey key),
           (stream, dq, dk, dv, dp, dbias_u, dbias_v, dy, y, lse, q, k, v, p, bias_u, bias_v, rows, H, D,
            dropout, key))
