/* CTC in log space. An utterance's states are its labels with a blank before, between and after them: L = 2 S
 * + 1 states, the odd ones labels. With the emissions e[t, s] = log softmax(logits[t])[class of s]: alpha[t,
 * s] = e[t, s] + log(exp alpha[t-1, s] + exp alpha[t-1, s-1] + exp alpha[t-1, s-2]), the last where state s
 * is a label that differs from the label before; beta likewise from the end; posterior of s at t = softmax
 * over s of (alpha + beta - e)[t, :]. Each row is kept less the largest element of the row before, whose sum
 * over time is in double: floats near 0 are the precise ones. NEVER stands for the logarithm of 0. The
 * posteriors of a label are added in the order in which it stands in the transcript: labels are sorted
 * (stably) beforehand. */
#include "kernels/ctc.h"

#include <assert.h>
#include <math.h>

#include "kernels/cuda/device.cuh"

#define NEVER (-1e30f)

enum { THREADS = 128 }; /* of every block */

/* What the kernels share: rows, labels, and scratch. width = 2 S_max + 1: of a row of states. */
template <typename Act> struct Ctc {
  const Act *logits;
  Rows rows;
  CtcLabels labels;
  int V, blank, width;
  float *lse;          /* (R): log sum exp of the logits */
  float *alpha, *beta; /* (R, width) */
  int32_t *order;      /* (labels): of one utterance the positions of its labels, sorted by label */
  int32_t *frames;     /* (U): frames that the labels need */
};

static __device__ float log_add(float a, float b, float c) {
  float most = fmaxf(fmaxf(a, b), c);
  return most + logf(expf(a - most) + expf(b - most) + expf(c - most));
}

/* At least NEVER; NaN stays NaN. */
static __device__ float at_least_never(float x) { return x < NEVER ? NEVER : x; }

/* order[offset + rank of k] = k, the rank by label, then by position; frames[u] = S + neighbours that are
 * equal. A thread ranks every THREADS-th label by counting. Grid U, block THREADS. S^2 / THREADS reads a
 * thread (cache); any S. */
template <typename Act> static __global__ void ctc_order_kernel(Ctc<Act> c) {
  __shared__ int shared[THREADS / 32];
  int u = blockIdx.x, S = c.labels.offsets[u + 1] - c.labels.offsets[u];
  const int32_t *labels = c.labels.labels + c.labels.offsets[u];
  int repeats = 0;
  for (int k = threadIdx.x; k < S; k += THREADS) {
    int rank = 0, label = labels[k];
    for (int other = 0; other < S; other++)
      rank += labels[other] < label || (labels[other] == label && other < k);
    c.order[c.labels.offsets[u] + rank] = k;
    repeats += k > 0 && labels[k - 1] == label;
  }
  repeats = block_sum<THREADS>(repeats, shared);
  if (threadIdx.x == 0) c.frames[u] = S + repeats;
}

/* lse[r] = log sum_v exp logits[r, v]. A block has one row. Grid offsets[U] at most R, block THREADS. Reads
 * logits twice, the second time from the cache. Any V. */
template <typename Act> static __global__ void ctc_lse_kernel(Ctc<Act> c) {
  __shared__ float shared[THREADS / 32];
  int row = blockIdx.x;
  if (row >= c.rows.offsets[c.rows.U]) return;
  const Act *logits = c.logits + (size_t)row * c.V;
  float most = -INFINITY, sum = 0;
  for (int v = threadIdx.x; v < c.V; v += THREADS) most = fmaxf(most, load(logits + v));
  most = block_max<THREADS>(most, shared);
  for (int v = threadIdx.x; v < c.V; v += THREADS) sum += expf(load(logits + v) - most);
  sum = block_sum<THREADS>(sum, shared);
  if (threadIdx.x == 0) c.lse[row] = most + logf(sum);
}

/* e[t, s] of the row; what cannot be is NEVER, not -infinity. */
template <typename Act>
static __device__ float emission(const Ctc<Act> &c, size_t row, const int32_t *labels, int s) {
  int v = s % 2 == 0 ? c.blank : labels[s / 2];
  return at_least_never(load(c.logits + row * c.V + v) - c.lse[row]);
}

/* 0 where state s may follow s - 2, else NEVER. */
static __device__ float skip(const int32_t *labels, int s) {
  return s % 2 == 1 && s > 1 && labels[s / 2] != labels[s / 2 - 1] ? 0.0f : NEVER;
}

/* alpha (blocks with y = 0) or beta (y = 1) of one utterance, and nll from alpha. A block goes through the
 * frames in order, a thread has every THREADS-th state. Grid (U, 2 with dlogits, else 1), block THREADS.
 * Reads S logits a frame, writes L floats. Any S; T steps that wait for each other. */
template <typename Act> static __global__ void ctc_lattice_kernel(float *nll, Ctc<Act> c) {
  __shared__ float largest[2][THREADS / 32]; /* of each warp, of this row and the one before */
  int u = blockIdx.x, T = c.rows.offsets[u + 1] - c.rows.offsets[u],
      S = c.labels.offsets[u + 1] - c.labels.offsets[u];
  int L = 2 * S + 1, way = blockIdx.y == 0 ? 1 : -1;
  const int32_t *labels = c.labels.labels + c.labels.offsets[u];
  if (T == 0 || T < c.frames[u]) { /* without frames the empty transcript alone has a path */
    if (blockIdx.y == 0 && threadIdx.x == 0) nll[u] = T == 0 && S == 0 ? 0.0f : INFINITY;
    return;
  }
  float *states = blockIdx.y == 0 ? c.alpha : c.beta;
  double taken = 0; /* from the rows so far */
  for (int step = 0; step < T; step++) {
    size_t row = c.rows.offsets[u] + (size_t)(way > 0 ? step : T - 1 - step);
    float *now = states + row * c.width, *from = now - way * c.width, most = NEVER, before = 0;
    if (step > 0) {
      before = largest[(step - 1) % 2][0];
      for (int i = 1; i < THREADS / 32; i++) before = fmaxf(before, largest[(step - 1) % 2][i]);
    }
    taken += (double)before;
    for (int s = threadIdx.x; s < L; s += THREADS) {
      int last = way > 0 ? s : L - 1 - s; /* states from the end where paths start */
      float x;
      if (step == 0) {
        x = last < 2 ? 0.0f : NEVER;
      } else {
        float one = last >= 1 ? from[s - way] : NEVER;
        float two = last >= 2 ? from[s - 2 * way] + skip(labels, way > 0 ? s : s + 2) : NEVER;
        x = log_add(from[s], one, two) - before;
      }
      now[s] = x = at_least_never(x + emission(c, row, labels, s));
      most = fmaxf(most, x);
    }
    most = warp_max(most);
    if (threadIdx.x % 32 == 0) largest[step % 2][threadIdx.x / 32] = most;
    __syncthreads();
  }
  if (blockIdx.y == 0 && threadIdx.x == 0) {
    const float *end = c.alpha + (c.rows.offsets[u] + (size_t)T - 1) * c.width + L - 1;
    double loss = -(taken + (double)log_add(end[0], S > 0 ? end[-1] : NEVER, NEVER));
    nll[u] = loss > -0.1 * (double)NEVER ? INFINITY : (float)loss; /* only through logits of -infinity */
  }
}

/* Leaves the posteriors of row `row`'s states in its row of alpha, and returns the blank's, for all threads.
 */
template <typename Act>
static __device__ float take_posteriors(const Ctc<Act> &c, size_t row, const int32_t *labels, int L,
                                        float *shared) {
  float *alpha = c.alpha + row * c.width, *beta = c.beta + row * c.width;
  float most = NEVER, sum = 0, blank = 0;
  for (int s = threadIdx.x; s < L; s += THREADS) {
    alpha[s] += beta[s] - emission(c, row, labels, s);
    most = fmaxf(most, alpha[s]);
  }
  most = block_max<THREADS>(most, shared);
  for (int s = threadIdx.x; s < L; s += THREADS) {
    alpha[s] = expf(alpha[s] - most);
    sum += alpha[s];
  }
  sum = block_sum<THREADS>(sum, shared);
  for (int s = threadIdx.x; s < L; s += THREADS) {
    alpha[s] /= sum;
    if (s % 2 == 0) blank += alpha[s];
  }
  return block_sum<THREADS>(blank, shared);
}

/* dlogits[r, v] = scale (softmax(logits[r])[v] - posterior of v). The classes that occur come first, where
 * beta was: thread k of the sorted labels where a new label starts adds that label's posteriors. A block has
 * one row. Grid R, block THREADS. Reads logits, alpha, beta once, writes dlogits once; dlogits may be logits.
 * Any sizes. */
template <typename Act>
static __global__ void ctc_gradient_kernel(Act *dlogits, const float *nll, Ctc<Act> c, float scale,
                                           bool zero_infinity) {
  __shared__ float shared[THREADS / 32];
  size_t row = blockIdx.x;
  Act *out = dlogits + row * c.V;
  bool spare = (int)row >= c.rows.offsets[c.rows.U];
  int u = spare ? 0 : row_utterance(c.rows, (int)row);
  if (spare || isinf(nll[u])) {
    float value = spare || zero_infinity ? 0.0f : NAN;
    for (int v = threadIdx.x; v < c.V; v += THREADS) store(out + v, value);
    return;
  }
  const Act *logits = c.logits + row * c.V;
  int S = c.labels.offsets[u + 1] - c.labels.offsets[u];
  const int32_t *labels = c.labels.labels + c.labels.offsets[u], *order = c.order + c.labels.offsets[u];
  float *posterior = c.alpha + row * c.width, lse = c.lse[row];
  float blank = take_posteriors(c, row, labels, 2 * S + 1, shared);
  float *gradient = c.beta + row * c.width; /* this row of beta is used up */
  for (int k = threadIdx.x; k < S; k += THREADS) {
    int label = labels[order[k]];
    if (k > 0 && labels[order[k - 1]] == label) continue;
    float sum = 0;
    for (int same = k; same < S && labels[order[same]] == label; same++)
      sum += posterior[2 * order[same] + 1];
    gradient[k] = scale * (expf(load(logits + label) - lse) - sum);
  }
  if (threadIdx.x == 0) gradient[S] = scale * (expf(load(logits + c.blank) - lse) - blank);
  __syncthreads(); /* before logits may be written over */
  for (int v = threadIdx.x; v < c.V; v += THREADS) store(out + v, scale * expf(load(logits + v) - lse));
  __syncthreads();
  for (int k = threadIdx.x; k < S; k += THREADS)
    if (k == 0 || labels[order[k - 1]] != labels[order[k]]) store(out + labels[order[k]], gradient[k]);
  if (threadIdx.x == 0) store(out + c.blank, gradient[S]);
}

template <typename Act>
static void ctc_loss_launch(Stream *stream, float *nll, void *dlogits, const void *logits, Rows rows,
                            CtcLabels labels, int V, int blank, float scale, bool zero_infinity) {
  assert(blank >= 0 && blank < V);
  size_t R = (size_t)rows.R, width = 2 * (size_t)labels.S_max + 1, lattices = dlogits ? 2 : 1;
  float *scratch = (float *)cuda_scratch(stream, sizeof(float) * R * (1 + lattices * width) +
                                                     sizeof(int32_t) * ((size_t)labels.total + rows.U));
  float *alpha = scratch + R;
  int32_t *order = (int32_t *)(alpha + lattices * R * width), *frames = order + labels.total;
  Ctc<Act> c = {(const Act *)logits, rows,  labels, V, blank, (int)width, scratch, alpha,
                alpha + R * width,   order, frames};
  if (R > 0) {
    ctc_lse_kernel<<<rows.R, THREADS, 0, stream->queue>>>(c);
    CUDA_LAUNCHED();
  }
  if (rows.U > 0) {
    ctc_order_kernel<<<rows.U, THREADS, 0, stream->queue>>>(c);
    CUDA_LAUNCHED();
    ctc_lattice_kernel<<<dim3(rows.U, (unsigned)lattices), THREADS, 0, stream->queue>>>(nll, c);
    CUDA_LAUNCHED();
  }
  if (dlogits && R > 0) {
    ctc_gradient_kernel<<<rows.R, THREADS, 0, stream->queue>>>((Act *)dlogits, nll, c, scale, zero_infinity);
    CUDA_LAUNCHED();
  }
}

CUDA_TWINS(ctc_loss,
           (Stream * stream, float *nll, void *dlogits, const void *logits, Rows rows, CtcLabels labels,
            int V, int blank, float scale, bool zero_infinity),
           (stream, nll, dlogits, logits, rows, labels, V, blank, scale, zero_infinity))
