#include "tests/ops/ref_ctc.h"

#include <math.h>
#include <stdlib.h>

static double log_add(double a, double b) {
  double most = a > b ? a : b;
  return isinf(most) ? most : most + log(exp(a - most) + exp(b - most));
}

static double log_sum_exp(const double *x, int n) {
  double sum = -INFINITY;
  for (int i = 0; i < n; i++) sum = log_add(sum, x[i]);
  return sum;
}

static int class_of(const int32_t *labels, int s, int blank) { return s % 2 ? labels[s / 2] : blank; }

/* Whether a path may go from state s - 2 to s. */
static int may_skip(const int32_t *labels, int s) {
  return s % 2 && s > 1 && labels[s / 2] != labels[s / 2 - 1];
}

/* log_p (T, V) = log softmax of the logits. */
static double *log_softmax(const double *logits, int T, int V) {
  double *log_p = calloc((size_t)(T * V) + 1, sizeof *log_p);
  for (int t = 0; t < T; t++) {
    double lse = log_sum_exp(logits + t * V, V);
    for (int v = 0; v < V; v++) log_p[t * V + v] = logits[t * V + v] - lse;
  }
  return log_p;
}

/* alpha (T, 2 S + 1): of the paths up to and with frame t. */
static double *alpha_of(const double *log_p, const int32_t *labels, int T, int S, int V, int blank) {
  int L = 2 * S + 1;
  double *alpha = calloc((size_t)(T * L) + 1, sizeof *alpha);
  for (int t = 0; t < T; t++)
    for (int s = 0; s < L; s++) {
      double sum = t == 0 && s < 2 ? 0 : -INFINITY;
      for (int from = s; t > 0 && from >= 0 && from >= s - 1 - may_skip(labels, s); from--)
        sum = log_add(sum, alpha[(t - 1) * L + from]);
      alpha[t * L + s] = sum + log_p[t * V + class_of(labels, s, blank)];
    }
  return alpha;
}

/* beta (T, 2 S + 1): of the paths after frame t. */
static double *beta_of(const double *log_p, const int32_t *labels, int T, int S, int V, int blank) {
  int L = 2 * S + 1;
  double *beta = calloc((size_t)(T * L) + 1, sizeof *beta);
  for (int t = T - 1; t >= 0; t--)
    for (int s = 0; s < L; s++) {
      double sum = t == T - 1 && s >= L - 2 ? 0 : -INFINITY;
      for (int to = s; t < T - 1 && to < L && to <= s + 2; to++)
        if (to < s + 2 || may_skip(labels, to))
          sum = log_add(sum, beta[(t + 1) * L + to] + log_p[(t + 1) * V + class_of(labels, to, blank)]);
      beta[t * L + s] = sum;
    }
  return beta;
}

double ref_ctc_loss(const double *logits, const int32_t *labels, int T, int S, int V, int blank) {
  if (T == 0) return S == 0 ? 0 : INFINITY;
  double *log_p = log_softmax(logits, T, V), *alpha = alpha_of(log_p, labels, T, S, V, blank);
  const double *end = alpha + T * (2 * S + 1) - 1;
  double loss = -(S > 0 ? log_add(end[0], end[-1]) : end[0]);
  free(log_p);
  free(alpha);
  return loss;
}

void ref_ctc_gradient(double *dlogits, const double *logits, const int32_t *labels, int T, int S, int V,
                      int blank, double scale) {
  int L = 2 * S + 1;
  double loss = ref_ctc_loss(logits, labels, T, S, V, blank);
  double *log_p = log_softmax(logits, T, V), *alpha = alpha_of(log_p, labels, T, S, V, blank),
         *beta = beta_of(log_p, labels, T, S, V, blank);
  for (int t = 0; t < T; t++) {
    for (int v = 0; v < V; v++) dlogits[t * V + v] = scale * exp(log_p[t * V + v]);
    for (int s = 0; s < L; s++)
      dlogits[t * V + class_of(labels, s, blank)] -= scale * exp(alpha[t * L + s] + beta[t * L + s] + loss);
  }
  free(log_p);
  free(alpha);
  free(beta);
}
