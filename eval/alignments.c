#include "eval/alignments.h"

#include <stdlib.h>

Status alignments_make(Alignments *alignments, const Hypotheses *hypotheses, const Normalizer *normalizer,
                       const AlignCosts *costs) {
  Status status = OK;
  char *why = NULL; /* errors are recorded per thread */
  int count = hypotheses->count;
  bool before = count && hypotheses->items[0].before;
  *alignments = (Alignments){xcalloc((size_t)count, sizeof(Alignment)),
                             before ? xcalloc((size_t)count, sizeof(Alignment)) : NULL, count};
#pragma omp parallel for schedule(dynamic, 64)
  for (int i = 0; i < count; i++) {
    Status one = alignment_make(&alignments->hyp[i], &hypotheses->items[i], false, normalizer, costs);
    if (one == OK && before)
      one = alignment_make(&alignments->before[i], &hypotheses->items[i], true, normalizer, costs);
    if (one == OK) continue;
#pragma omp critical(alignments_make)
    {
      free(why);
      status = one, why = xstrdup(fail_text());
    }
  }
  if (status != OK) fail(status, "%s", why);
  free(why);
  return status;
}

void alignments_free(Alignments *alignments) {
  for (int i = 0; i < alignments->count; i++) {
    alignment_free(&alignments->hyp[i]);
    if (alignments->before) alignment_free(&alignments->before[i]);
  }
  free(alignments->hyp), free(alignments->before);
  *alignments = (Alignments){0};
}

static uint8_t *path_of(const Alignment *alignment) {
  uint8_t *path = xcalloc((size_t)alignment->count, 1);
  for (int i = 0; i < alignment->count; i++) path[i] = (uint8_t)alignment->words[i].op;
  return path;
}

PairSums *alignments_pairs(const Alignments *alignments) {
  if (!alignments->before) return NULL;
  PairSums *pairs = xcalloc((size_t)alignments->count, sizeof *pairs);
#pragma omp parallel for schedule(static)
  for (int i = 0; i < alignments->count; i++) {
    const Alignment *hyp = &alignments->hyp[i], *before = &alignments->before[i];
    uint8_t *path = path_of(hyp), *other = path_of(before);
    pairs[i] = pair_sums(path, hyp->count, other, before->count);
    free(path), free(other);
  }
  return pairs;
}
