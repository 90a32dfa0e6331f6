#include "eval/confidence.h"

#include <math.h>
#include <stdlib.h>

static const double SHARES[CONFIDENCE_SHARES] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5};

typedef struct Sure {
  double confidence;
  bool correct;
} Sure;

static int by_confidence(const void *left, const void *right) {
  const Sure *a = left, *b = right;
  if (a->confidence != b->confidence) return a->confidence < b->confidence ? -1 : 1;
  return a->correct - b->correct;
}

/* The words with a confidence, the least sure first; *list is the caller's to free. */
static Status words_take(Confidence *confidence, const Alignments *alignments, Sure **list) {
  size_t most = 0;
  for (int i = 0; i < alignments->count; i++) most += (size_t)alignments->hyp[i].count;
  *list = xcalloc(most, sizeof **list);
  for (int i = 0; i < alignments->count; i++) {
    const Alignment *alignment = &alignments->hyp[i];
    for (int w = 0; w < alignment->count; w++) {
      const AlignedWord *word = &alignment->words[w];
      confidence->errors += word->op != ALIGN_MATCH;
      confidence->deletions += word->op == ALIGN_DEL;
      if (word->op == ALIGN_DEL || !word->hyp[0]) continue;
      double sure = word->confidence;
      if (isnan(sure)) {
        confidence->without++;
        continue;
      }
      if (sure < 0 || sure > 1)
        return fail(ERR_DATA, "the word \"%s\" has the confidence %g; it must lie within 0 and 1", word->hyp,
                    sure);
      (*list)[confidence->words++] = (Sure){sure, word->op == ALIGN_MATCH};
    }
  }
  qsort(*list, (size_t)confidence->words, sizeof **list, by_confidence);
  return OK;
}

/* Bins of equal mass; words of the same confidence stay in one bin. */
static void bins_make(Confidence *confidence, const Sure *list) {
  int64_t count = confidence->words;
  confidence->ece = 0;
  for (int64_t start = 0, end; start < count; start = end) {
    int left = CONFIDENCE_BINS - confidence->bin_count;
    end = start + (count - start + left - 1) / left;
    while (end < count && list[end].confidence == list[end - 1].confidence) end++;
    ConfidenceBin *bin = &confidence->bins[confidence->bin_count++];
    *bin = (ConfidenceBin){list[start].confidence, list[end - 1].confidence, 0, end - start, 0};
    for (int64_t i = start; i < end; i++) {
      bin->mean += list[i].confidence / (double)bin->words;
      bin->correct += list[i].correct;
    }
    confidence->ece += fabs(bin->mean * (double)bin->words - (double)bin->correct) / (double)count;
  }
}

static void entropy_make(Confidence *confidence, const Sure *list) {
  double count = (double)confidence->words, correct = 0, sum = 0;
  confidence->mean = 0;
  for (int64_t i = 0; i < confidence->words; i++) {
    double c = fmin(fmax(list[i].confidence, CONFIDENCE_LEAST), 1 - CONFIDENCE_LEAST);
    confidence->mean += list[i].confidence / count;
    correct += list[i].correct;
    sum += log2(list[i].correct ? c : 1 - c);
  }
  confidence->accuracy = correct / count;
  if (correct == 0 || correct == count) return;
  double most = -correct * log2(correct / count) - (count - correct) * log2(1 - correct / count);
  confidence->nce = (most + sum) / most;
}

/* Where words of the same confidence lie on both sides of the cut, their errors are shared out evenly. */
static void shares_make(Confidence *confidence, const Sure *list) {
  int64_t count = confidence->words;
  for (int s = 0; s < CONFIDENCE_SHARES; s++) {
    int64_t words = llround(SHARES[s] * (double)count), first = words, last = words, errors = 0, tied = 0;
    while (first > 0 && first < count && list[first - 1].confidence == list[words].confidence) first--;
    while (words < count && last < count && list[last].confidence == list[words].confidence) last++;
    for (int64_t i = 0; i < first; i++) errors += !list[i].correct;
    for (int64_t i = first; i < last; i++) tied += !list[i].correct;
    if (last > first) errors += llround((double)tied * (double)(words - first) / (double)(last - first));
    confidence->shares[s] = (ConfidenceShare){SHARES[s], words, errors};
  }
}

Status confidence_make(Confidence *confidence, const Alignments *alignments) {
  Sure *list = NULL;
  *confidence = (Confidence){.accuracy = NAN, .mean = NAN, .ece = NAN, .nce = NAN};
  Status status = words_take(confidence, alignments, &list);
  if (status == OK && confidence->words) {
    bins_make(confidence, list);
    entropy_make(confidence, list);
    shares_make(confidence, list);
  }
  free(list);
  return status;
}
