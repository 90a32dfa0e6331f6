/* Times the scorer on two text files, line by line:  score REF HYP [THREADS] [RUNS]   One JSON line with the
 * best of the runs, reading included, the program's start not: words alone (as jiwer.wer) and everything that
 * jargon eval counts (normalised, words and characters). */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "eval/hypotheses.h"

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static Status words_alone(const HypothesesFiles *files, AlignCounts *sum) {
  Status status = OK;
  Hypotheses hypotheses;
  int64_t match = 0, sub = 0, ins = 0, del = 0;
  TRY(hypotheses_read(&hypotheses, files));
#pragma omp parallel for schedule(dynamic, 64) reduction(+ : match, sub, ins, del)
  for (int i = 0; i < hypotheses.count; i++) {
    AlignCounts counts = {0};
    if (rates_words(&ALIGN_PLAIN, hypotheses.items[i].reference->text, hypotheses.items[i].text, &counts) !=
        OK)
      abort();
    match += counts.match, sub += counts.sub, ins += counts.ins, del += counts.del;
  }
  *sum = (AlignCounts){match, sub, ins, del};
done:
  hypotheses_free(&hypotheses);
  return status;
}

static Status everything(const HypothesesFiles *files, AlignCounts *sum) {
  Status status = OK;
  Hypotheses hypotheses;
  Normalizer *normalizer = NULL;
  *sum = (AlignCounts){0};
  TRY(hypotheses_read(&hypotheses, files));
  TRY(normalizer_new(&normalizer, "basic"));
  TRY(hypotheses_score(&hypotheses, normalizer, &ALIGN_PLAIN));
  for (int i = 0; i < hypotheses.count; i++) align_add(sum, hypotheses.items[i].rates.words);
done:
  normalizer_free(normalizer);
  hypotheses_free(&hypotheses);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "score REF HYP [THREADS] [RUNS]\n"), 64;
  int threads = argc > 3 ? atoi(argv[3]) : 1, runs = argc > 4 ? atoi(argv[4]) : 5;
  HypothesesFiles files = {
      .ref = argv[1], .hyp = argv[2], .ref_format = RECORD_TEXT, .hyp_format = RECORD_TEXT};
  Status (*const kinds[])(const HypothesesFiles *, AlignCounts *) = {words_alone, everything};
  double wall[2] = {1e9, 1e9}, cpu[2] = {1e9, 1e9};
  AlignCounts sums[2];
  omp_set_num_threads(threads);
  for (int run = 0; run < runs; run++)
    for (int k = 0; k < 2; k++) {
      double start = now(CLOCK_MONOTONIC), start_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
      if (kinds[k](&files, &sums[k]) != OK) return fprintf(stderr, "score: %s\n", fail_text()), 65;
      wall[k] = fmin(wall[k], now(CLOCK_MONOTONIC) - start);
      cpu[k] = fmin(cpu[k], now(CLOCK_PROCESS_CPUTIME_ID) - start_cpu);
    }
  printf("{\"threads\": %d, \"words\": %lld, \"errors\": %lld, \"wall\": %.6f, \"cpu\": %.6f, "
         "\"everything_wall\": %.6f, \"everything_cpu\": %.6f}\n",
         threads, (long long)align_reference(sums[0]), (long long)align_errors(sums[0]), wall[0], cpu[0],
         wall[1], cpu[1]);
  return 0;
}
