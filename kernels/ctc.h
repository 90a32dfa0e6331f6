/* Connectionist temporal classification (Graves et al. 2006): loss and gradient from logits, in log space.
 *   nll[u] = -log of the sum, over all paths of blanks and labels that collapse to the labels, of
 *            prod_t softmax(logits[t])[path_t]
 *   dlogits[t, v] = scale (softmax(logits[t])[v] - posterior of v at frame t)
 *
 * logits, dlogits (R, V) activations; labels of utterance u: labels[label_offsets[u] .. label_offsets[u + 1] - 1],
 * none of them blank, any number (0 too), repeats allowed. nll (U) float.
 * An utterance whose labels do not fit its frames (frames < labels + repeats) has nll = +infinity; its dlogits rows
 * are 0 with zero_infinity, NaN without. T = 0 with no labels has nll 0. */
#ifndef JARGON_KERNELS_CTC_H
#define JARGON_KERNELS_CTC_H

#include <stdbool.h>

#include "kernels/types.h"

typedef struct CtcLabels {
  const int32_t *labels;  /* backend memory */
  const int32_t *offsets; /* backend memory, U + 1 */
  int S_max;              /* most labels of one utterance */
  int total;              /* labels of the batch */
} CtcLabels;

/* Assigns nll, and dlogits (spare rows: 0) unless it is NULL. dlogits may be logits. No float atomics: posteriors of
 * a repeated label are summed in a fixed order. */
typedef void CtcLoss(Stream *stream, float *nll, void *dlogits, const void *logits, Rows rows, CtcLabels labels, int V,
                     int blank, float scale, bool zero_infinity);

/* The best class of each row, and its log-probability (softmax over the row): greedy decoding before collapsing. On
 * equal logits the lowest class. */
typedef void GreedyDecode(Stream *stream, int32_t *best, float *log_probability, const void *logits, int R, int V);

BACKEND_FUNCTION(CtcLoss, ctc_loss);
BACKEND_FUNCTION(GreedyDecode, greedy_decode);

#endif
