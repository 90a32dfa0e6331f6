/* What a training run counts where it computes, so that no step has to wait for the host: the loss of the
 * step under way, whether that step may update the weights, and sums over the updates since the host last
 * looked. */
#ifndef JARGON_KERNELS_TALLY_H
#define JARGON_KERNELS_TALLY_H

#include <math.h>

#include "kernels/types.h"

/* In backend memory; the host writes all of it before the first step, and may read and write it between
 * steps. */
typedef struct Tally {
  double step_nll; /* of the step under way */
  /* the run */
  int64_t updated;        /* 1: the step judged last updates the weights; 0: it is skipped */
  int64_t updates;        /* steps that did */
  int64_t batches;        /* of these steps: batch norm's num_batches_tracked */
  int64_t skipped;        /* steps that did not, */
  int64_t skipped_in_row; /* those since the last one that did */
  /* sums over updates; the host makes them 0 */
  int64_t sum_updates, sum_labels;
  double sum_nll, sum_norm;
} Tally;

/* After each batch: step_nll += sum of nll (U), in order and in double. */
typedef void TallyBatch(Stream *stream, Tally *tally, const float *nll, int U);

/* What the host knows of a step. */
typedef struct TallyStepInfo {
  int64_t labels, batches; /* of the whole step; batches: those that batch norm has seen */
  int64_t most_in_row;     /* after that many skipped in a row, every step is */
} TallyStepInfo;

/* Once a step: it updates the weights when step_nll and *norm (backend memory) are finite and fewer than
 * most_in_row steps were skipped before it; else it is skipped. Counts it, and makes step_nll 0. */
typedef void TallyStep(Stream *stream, Tally *tally, const float *norm, TallyStepInfo info);

/* After tally_step: where the step updates, kept = x; where it is skipped, x = kept. n floats. For batch
 * norm's running statistics, into which a skipped step has put what is not finite. */
typedef void TallyKeep(Stream *stream, const Tally *tally, float *x, float *kept, size_t n);

/* The verdict of tally_step(), for every backend. */
JARGON_INLINE void tally_judge(Tally *t, float norm, TallyStepInfo info) {
  t->updated = isfinite(t->step_nll) && isfinite(norm) && t->skipped_in_row < info.most_in_row;
  if (t->updated) {
    t->updates++;
    t->batches += info.batches;
    t->skipped_in_row = 0;
    t->sum_updates++;
    t->sum_labels += info.labels;
    t->sum_nll += t->step_nll;
    t->sum_norm += (double)norm;
  } else {
    t->skipped++;
    t->skipped_in_row++;
  }
  t->step_nll = 0;
}

BACKEND_FUNCTION(TallyBatch, tally_batch);
BACKEND_FUNCTION(TallyStep, tally_step);
BACKEND_FUNCTION(TallyKeep, tally_keep);

#endif
