/* What a training run counts where it computes, so that no step has to wait for the host: the loss of the
 * step under way, whether that step may update the weights, and sums over the updates since the host last
 * looked. */
#ifndef JARGON_KERNELS_TALLY_H
#define JARGON_KERNELS_TALLY_H

#include "kernels/types.h"

/* In backend memory; the host writes all of it before the first step, and may read and write it between
 * steps. */
typedef struct Tally {
  /* the step under way */
  double step_nll;
  int64_t step_batches;
  /* the run */
  int64_t updated;        /* 1: the step judged last updates the weights; 0: it is skipped */
  int64_t updates;        /* steps that did */
  int64_t batches;        /* batches of these steps: batch norm's num_batches_tracked */
  int64_t skipped;        /* steps that did not, */
  int64_t skipped_in_row; /* those since the last one that did */
  /* sums over updates; the host makes them 0 */
  int64_t sum_updates, sum_labels;
  double sum_nll, sum_norm;
} Tally;

/* After each batch: step_nll += sum of nll (U), in order and in double; step_batches += 1. */
typedef void TallyBatch(Stream *stream, Tally *tally, const float *nll, int U);

/* Once a step: it updates the weights when step_nll and *norm (backend memory) are finite, and it is skipped
 * when they are not, or when most_in_row steps were skipped before it. Counts it, and makes the step's fields
 * 0. labels: of the whole step. */
typedef void TallyStep(Stream *stream, Tally *tally, const float *norm, int64_t labels, int64_t most_in_row);

/* After tally_step: where the step updates, kept = x; where it is skipped, x = kept. n floats. For batch
 * norm's running statistics, into which a skipped step has put what is not finite. */
typedef void TallyKeep(Stream *stream, const Tally *tally, float *x, float *kept, size_t n);

BACKEND_FUNCTION(TallyBatch, tally_batch);
BACKEND_FUNCTION(TallyStep, tally_step);
BACKEND_FUNCTION(TallyKeep, tally_keep);

#endif
