/* kernels/attention.h in double, as its formula stands. key.utterances lies on the host here. */
#ifndef JARGON_TESTS_REF_ATTENTION_H
#define JARGON_TESTS_REF_ATTENTION_H

#include "kernels/types.h"

typedef struct RefAttention {
  const double *q, *k, *v;       /* (R, H D) */
  const double *p;               /* (2 T_max - 1, H D) */
  const double *bias_u, *bias_v; /* (H, D) */
  const int *offsets;
  int U, T_max, H, D;
  double dropout;
  RandomKey key;
} RefAttention;

/* Assigns y (R, H D) and lse (R, H), but for spare rows. */
void ref_attention_forward(double *y, double *lse, const RefAttention *a);

/* Accumulates all. y is what forward gave, rounded perhaps: sum_j P dP is sum_d dy y. */
typedef struct RefAttentionGradients {
  double *dq, *dk, *dv, *dp, *dbias_u, *dbias_v;
} RefAttentionGradients;
void ref_attention_backward(RefAttentionGradients g, const double *dy, const double *y,
                            const RefAttention *a);

#endif
