#include "kernels/tally.h"

#include <math.h>
#include <string.h>

void cpu_tally_batch(Stream *stream, Tally *tally, const float *nll, int U) {
  (void)stream;
  for (int u = 0; u < U; u++) tally->step_nll += (double)nll[u];
  tally->step_batches++;
}

void cpu_tally_step(Stream *stream, Tally *tally, const float *norm, int64_t labels, int64_t most_in_row) {
  (void)stream;
  tally->updated = isfinite(tally->step_nll) && isfinite(*norm) && tally->skipped_in_row < most_in_row;
  if (tally->updated) {
    tally->updates++;
    tally->batches += tally->step_batches;
    tally->skipped_in_row = 0;
    tally->sum_updates++;
    tally->sum_labels += labels;
    tally->sum_nll += tally->step_nll;
    tally->sum_norm += (double)*norm;
  } else {
    tally->skipped++;
    tally->skipped_in_row++;
  }
  tally->step_nll = 0;
  tally->step_batches = 0;
}

void cpu_tally_keep(Stream *stream, const Tally *tally, float *x, float *kept, size_t n) {
  (void)stream;
  memcpy(tally->updated ? kept : x, tally->updated ? x : kept, n * sizeof *x);
}
