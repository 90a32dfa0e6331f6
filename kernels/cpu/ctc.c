/* CTC in log space. One task is one utterance. Its states are the labels with a blank before, between and
 * after them: L = 2 S + 1 states, the odd ones labels. With the emissions e[t, s] = log
 * softmax(logits[t])[class of s]: alpha[t, s] = e[t, s] + log(exp alpha[t-1, s] + exp alpha[t-1, s-1] + exp
 * alpha[t-1, s-2]), the last where state s is a label that differs from the label before;  beta likewise from
 * the end; posterior of s at t = softmax over s of (alpha + beta - e)[t, :]. Each alpha[t, :] is kept less
 * its largest element, whose sum over time is in double: floats near 0 are the precise ones. NEVER stands for
 * the logarithm of 0; it may be subtracted from itself. */
#include "kernels/ctc.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/cpu/math.h"
#include "kernels/cpu/stream.h"

#define NEVER (-1e30f)

enum {
  BEFORE = 2
}; /* states that never are, on either side of a row, for the states s - 1, s - 2 and s + 1, s + 2 */

/* Scratch of one thread. Rows of states are `width` floats and start with BEFORE states that never are. */
typedef struct Lattice {
  int T, S, L;
  size_t width;
  float *alpha;    /* (T, width) */
  float *beta;     /* (2, width): of this frame and the next */
  float *emission; /* (width) */
  float *skip;     /* (width): 0 where state s may follow s - 2, else NEVER */
  float *row_lse;  /* (T): log sum exp of the logits */
  const int32_t *labels;
  int V, blank;
} Lattice;

static size_t lattice_width(int S) { return 2 * (size_t)S + 1 + 2 * BEFORE; }

static size_t lattice_floats(int T, int S) { return ((size_t)T + 4) * lattice_width(S) + (size_t)T; }

static Lattice lattice_new(float *scratch, const int32_t *labels, int T, int S, int V, int blank) {
  Lattice l = {
      .T = T, .S = S, .L = 2 * S + 1, .width = lattice_width(S), .labels = labels, .V = V, .blank = blank};
  l.alpha = scratch + BEFORE;
  l.beta = l.alpha + (size_t)T * l.width;
  l.emission = l.beta + 2 * l.width;
  l.skip = l.emission + l.width;
  l.row_lse = scratch + ((size_t)T + 4) * l.width;
  for (size_t i = 0; i < ((size_t)T + 4) * l.width; i++) scratch[i] = NEVER;
  for (int s = 1; s < S; s++)
    if (labels[s] != labels[s - 1]) l.skip[2 * s + 1] = 0;
  return l;
}

/* Frames that the labels need: one each, and a blank between equal neighbours. */
static int frames_needed(const int32_t *labels, int S) {
  int frames = S;
  for (int s = 1; s < S; s++) frames += labels[s] == labels[s - 1];
  return frames;
}

static float log_sum_exp(const float *x, int n) {
  float most = -INFINITY, sum = 0;
#pragma omp simd reduction(max : most)
  for (int i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += fast_exp(x[i] - most);
  return most + logf(sum); // cppcheck-suppress invalidFunctionArg ; of n > 0 the largest adds 1
}

/* emission[s] of a frame with these logits. NaN stays NaN; what cannot be is NEVER, not -infinity. */
static void take_emissions(Lattice *l, const float *logits, float lse) {
  float blank = logits[l->blank] - lse;
  for (int s = 0; s < l->L; s++) {
    float e = s % 2 == 0 ? blank : logits[l->labels[s / 2]] - lse;
    l->emission[s] = e < NEVER ? NEVER : e;
  }
}

/* log(e^a + e^b + e^c). */
static inline float log_add(float a, float b, float c) {
  float most = a > b ? a : b;
  most = most > c ? most : c;
  return most + fast_log(fast_exp(a - most) + fast_exp(b - most) + fast_exp(c - most));
}

/* x -= its largest element, which it returns: NEVER for a row without a path. */
static float subtract_largest(float *x, int n) {
  float most = NEVER;
#pragma omp simd reduction(max : most)
  for (int i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
#pragma omp simd
  for (int i = 0; i < n; i++) x[i] = x[i] - most < NEVER ? NEVER : x[i] - most; /* NaN stays NaN */
  return most;
}

/* Fills alpha and row_lse; returns the log-likelihood. */
static double forward(Lattice *l, const float *logits) {
  double taken = 0; /* from the rows so far */
  for (int t = 0; t < l->T; t++) {
    float *alpha = l->alpha + (size_t)t * l->width;
    const float *from = alpha - l->width, *e = l->emission, *skip = l->skip;
    l->row_lse[t] = log_sum_exp(logits + (size_t)t * (size_t)l->V, l->V);
    take_emissions(l, logits + (size_t)t * (size_t)l->V, l->row_lse[t]);
    if (t == 0) {
      for (int s = 0; s < 2 && s < l->L; s++) alpha[s] = e[s];
    } else {
#pragma omp simd
      for (int s = 0; s < l->L; s++) alpha[s] = e[s] + log_add(from[s], from[s - 1], from[s - 2] + skip[s]);
    }
    taken += (double)subtract_largest(alpha, l->L);
  }
  const float *end = l->alpha + (size_t)(l->T - 1) * l->width + l->L - 1;
  return taken + (double)log_add(end[0], l->S > 0 ? end[-1] : NEVER, NEVER);
}

/* dlogits (T, V) from the last frame to the first, which leaves alpha's rows as posteriors. dlogits may be
 * logits. */
static void backward(Lattice *l, float *dlogits, const float *logits, float scale) {
  for (int t = l->T - 1; t >= 0; t--) {
    float *alpha = l->alpha + (size_t)t * l->width, *row = dlogits + (size_t)t * (size_t)l->V;
    float *beta = l->beta + (size_t)(t % 2) * l->width;
    const float *from = l->beta + (size_t)((t + 1) % 2) * l->width, *e = l->emission, *skip = l->skip;
    take_emissions(l, logits + (size_t)t * (size_t)l->V, l->row_lse[t]);
    if (t == l->T - 1) {
      for (int s = l->L - 1; s >= 0 && s >= l->L - 2; s--) beta[s] = e[s];
    } else {
#pragma omp simd
      for (int s = 0; s < l->L; s++)
        beta[s] = e[s] + log_add(from[s], from[s + 1], from[s + 2] + skip[s + 2]);
    }
    subtract_largest(beta, l->L);

#pragma omp simd
    for (int s = 0; s < l->L; s++) alpha[s] += beta[s] - e[s];
    float all = log_sum_exp(alpha, l->L), lse = l->row_lse[t], blank = 0;
#pragma omp simd
    for (int v = 0; v < l->V; v++)
      row[v] = scale * fast_exp(logits[(size_t)t * (size_t)l->V + (size_t)v] - lse);
#pragma omp simd
    for (int s = 0; s < l->L; s++) alpha[s] = fast_exp(alpha[s] - all);
    for (int s = 1; s < l->L; s += 2) row[l->labels[s / 2]] -= scale * alpha[s];
    for (int s = 0; s < l->L; s += 2) blank += alpha[s];
    row[l->blank] -= scale * blank;
  }
}

static void fill(float *x, float value, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = value;
}

/* Returns the loss of one utterance; assigns dlogits unless it is NULL. */
static float utterance_loss(float *dlogits, const float *logits, float *scratch, const int32_t *labels, int T,
                            int S, int V, int blank, float scale, bool zero_infinity) {
  if (T == 0 && S == 0) return 0;
  double nll = INFINITY;
  if (T >= frames_needed(labels, S) && T > 0) {
    Lattice l = lattice_new(scratch, labels, T, S, V, blank);
    nll = -forward(&l, logits);
    if (nll > -0.1 * (double)NEVER) nll = INFINITY; /* only through logits of -infinity */
    if (dlogits && !isinf(nll)) backward(&l, dlogits, logits, scale);
  }
  if (dlogits && isinf(nll)) fill(dlogits, zero_infinity ? 0.0f : NAN, (size_t)T * (size_t)V);
  return (float)nll;
}

void cpu_ctc_loss(Stream *stream, float *nll, void *dlogits_, const void *logits_, Rows rows,
                  CtcLabels labels, int V, int blank, float scale, bool zero_infinity) {
  float *dlogits = dlogits_;
  const float *logits = logits_;
  size_t used = (size_t)rows.offsets[rows.U], per_thread = lattice_floats(rows.T_max, labels.S_max);
  float *scratch = stream_scratch(stream, sizeof(float) * per_thread * (size_t)omp_get_max_threads());
  if (dlogits) fill(dlogits + used * (size_t)V, 0, ((size_t)rows.R - used) * (size_t)V);
#pragma omp parallel for schedule(dynamic)
  for (int u = 0; u < rows.U; u++) {
    size_t at = (size_t)rows.offsets[u] * (size_t)V;
    nll[u] = utterance_loss(dlogits ? dlogits + at : NULL, logits + at,
                            scratch + per_thread * (size_t)omp_get_thread_num(),
                            labels.labels + labels.offsets[u], rows.offsets[u + 1] - rows.offsets[u],
                            labels.offsets[u + 1] - labels.offsets[u], V, blank, scale, zero_infinity);
  }
}

void cpu_greedy_decode(Stream *stream, int32_t *best, float *log_probability, const void *logits_, int R,
                       int V) {
  const float *logits = logits_;
  (void)stream;
#pragma omp parallel for schedule(static)
  for (int r = 0; r < R; r++) {
    const float *row = logits + (size_t)r * (size_t)V;
    int most = 0;
    for (int v = 1; v < V; v++)
      if (row[v] > row[most]) most = v;
    best[r] = most;
    log_probability[r] = row[most] - log_sum_exp(row, V);
  }
}
