/* Multi-head self-attention with the relative positions of Transformer-XL (Dai et al. 2019, arXiv 1901.02860),
 * over packed rows: an utterance attends to itself alone. For frames i, j of one utterance and each head:
 *   score[i, j] = ((q_i + bias_u) . k_j + (q_i + bias_v) . p_{i-j}) / sqrt(D)
 *   y_i = sum_j drop(softmax_j(score[i, :])) v_j
 *
 * q, k, v, y (R, H D) activations, heads side by side; p (2 T_max - 1, H D) activations: the projected position
 * i - j stands in row T_max - 1 - (i - j); bias_u, bias_v (H, D) float; lse (R, H) float, saved: log sum exp of the
 * scores, from which backward makes the probabilities again.
 * Dropout of probabilities: frame = i, channel = h << 16 | j. T_max < 65536; on the GPU D <= 128. */
#ifndef JARGON_KERNELS_ATTENTION_H
#define JARGON_KERNELS_ATTENTION_H

#include "kernels/types.h"

/* Assigns y (spare rows: 0) and lse (NULL in inference). The bits of an utterance do not depend on the others. */
typedef void AttentionForward(Stream *stream, void *y, float *lse, const void *q, const void *k, const void *v,
                              const void *p, const float *bias_u, const float *bias_v, Rows rows, int H, int D,
                              float dropout, RandomKey key);

/* Assigns dq, dk, dv, dp; accumulates dbias_u, dbias_v. */
typedef void AttentionBackward(Stream *stream, void *dq, void *dk, void *dv, void *dp, float *dbias_u, float *dbias_v,
                               const void *dy, const void *y, const float *lse, const void *q, const void *k,
                               const void *v, const void *p, const float *bias_u, const float *bias_v, Rows rows, int H,
                               int D, float dropout, RandomKey key);

BACKEND_FUNCTION(AttentionForward, attention_forward);
BACKEND_FUNCTION(AttentionBackward, attention_backward);

#endif
