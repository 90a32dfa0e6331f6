#include "kernels/tally.h"

#include <string.h>

void cpu_tally_batch(Stream *stream, Tally *tally, const float *nll, int U) {
  (void)stream;
  for (int u = 0; u < U; u++) tally->step_nll += (double)nll[u];
}

void cpu_tally_step(Stream *stream, Tally *tally, const float *norm, TallyStepInfo info) {
  (void)stream;
  tally_judge(tally, *norm, info);
}

void cpu_tally_keep(Stream *stream, const Tally *tally, float *x, float *kept, size_t n) {
  (void)stream;
  memcpy(tally->updated ? kept : x, tally->updated ? x : kept, n * sizeof *x);
}
