#include "tests/ops/ref_attention.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/random.h"

/* Of query i and head h of utterance u: the softmax over its T keys, and what dropout makes of each (0 or 1 /
 * (1 - p)). Returns log sum exp of the scores. */
static double probabilities(double *P, double *kept, const RefAttention *a, int u, int h, int i) {
  int first = a->offsets[u], T = a->offsets[u + 1] - first, C = a->H * a->D;
  double most = -INFINITY, sum = 0;
  for (int j = 0; j < T; j++) {
    double score = 0;
    for (int d = h * a->D; d < (h + 1) * a->D; d++) {
      double q = a->q[(first + i) * C + d];
      score += (q + a->bias_u[d]) * a->k[(first + j) * C + d];
      score += (q + a->bias_v[d]) * a->p[(a->T_max - 1 - (i - j)) * C + d];
    }
    P[j] = score / sqrt(a->D);
    most = fmax(most, P[j]);
  }
  for (int j = 0; j < T; j++) sum += exp(P[j] - most);
  for (int j = 0; j < T; j++) {
    P[j] = exp(P[j] - most) / sum;
    kept[j] = 1;
    if (a->dropout > 0) {
      uint64_t row = random_row(a->key.seed, a->key.step, a->key.site, a->key.utterances[u], (uint32_t)i);
      uint32_t bits = random_bits(row, (uint32_t)h << 16 | (uint32_t)j);
      kept[j] = bits >= random_threshold((float)a->dropout) ? 1 / (1 - a->dropout) : 0;
    }
  }
  return most + log(sum);
}

void ref_attention_forward(double *y, double *lse, const RefAttention *a) {
  int C = a->H * a->D;
  double *P = calloc((size_t)a->T_max + 1, sizeof *P), *kept = calloc((size_t)a->T_max + 1, sizeof *kept);
  for (int u = 0; u < a->U; u++)
    for (int h = 0; h < a->H; h++)
      for (int r = a->offsets[u]; r < a->offsets[u + 1]; r++) {
        lse[r * a->H + h] = probabilities(P, kept, a, u, h, r - a->offsets[u]);
        for (int d = h * a->D; d < (h + 1) * a->D; d++) y[r * C + d] = 0;
        for (int s = a->offsets[u]; s < a->offsets[u + 1]; s++)
          for (int d = h * a->D; d < (h + 1) * a->D; d++)
            y[r * C + d] += P[s - a->offsets[u]] * kept[s - a->offsets[u]] * a->v[s * C + d];
      }
  free(P);
  free(kept);
}

void ref_attention_backward(RefAttentionGradients g, const double *dy, const double *y,
                            const RefAttention *a) {
  int C = a->H * a->D;
  double *P = calloc((size_t)a->T_max + 1, sizeof *P), *kept = calloc((size_t)a->T_max + 1, sizeof *kept);
  double *dP = calloc((size_t)a->T_max + 1, sizeof *dP);
  for (int u = 0; u < a->U; u++)
    for (int h = 0; h < a->H; h++)
      for (int r = a->offsets[u]; r < a->offsets[u + 1]; r++) {
        int first = a->offsets[u], T = a->offsets[u + 1] - first, i = r - first;
        double mean = 0;
        probabilities(P, kept, a, u, h, i);
        for (int j = 0; j < T; j++) {
          dP[j] = 0;
          for (int d = h * a->D; d < (h + 1) * a->D; d++) {
            dP[j] += dy[r * C + d] * kept[j] * a->v[(first + j) * C + d];
            g.dv[(first + j) * C + d] += P[j] * kept[j] * dy[r * C + d];
          }
        }
        for (int d = h * a->D; d < (h + 1) * a->D; d++) mean += dy[r * C + d] * y[r * C + d];
        for (int j = 0; j < T; j++) {
          double dscore = P[j] * (dP[j] - mean) / sqrt(a->D);
          for (int d = h * a->D; d < (h + 1) * a->D; d++) {
            int key = (first + j) * C + d, position = (a->T_max - 1 - (i - j)) * C + d;
            g.dq[r * C + d] += dscore * (a->k[key] + a->p[position]);
            g.dk[key] += dscore * (a->q[r * C + d] + a->bias_u[d]);
            g.dp[position] += dscore * (a->q[r * C + d] + a->bias_v[d]);
            g.dbias_u[d] += dscore * a->k[key];
            g.dbias_v[d] += dscore * a->p[position];
          }
        }
      }
  free(P);
  free(kept);
  free(dP);
}
