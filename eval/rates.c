#include "eval/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "eval/word_ids.h"

Status rates_words(const AlignCosts *costs, const char *ref, const char *hyp, AlignCounts *counts) {
  size_t n_most = strlen(ref) / 2 + 1, most = n_most + strlen(hyp) / 2 + 1;
  uint32_t *ids = xcalloc(most, sizeof *ids);
  WordIds words;
  word_ids_init(&words, most);
  int n = word_ids_split(&words, ref, ids), m = word_ids_split(&words, hyp, ids + n);
  Status status = align(costs, ids, n, ids + n, m, counts, NULL, NULL);
  free(ids);
  word_ids_free(&words);
  return status;
}

static Status code_points(const char *text, uint32_t *ids, int *count) {
  size_t length = strlen(text);
  *count = 0;
  for (utf8proc_int32_t point; length; (*count)++) {
    utf8proc_ssize_t used =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &point);
    if (used < 1) return fail(ERR_DATA, "invalid UTF-8");
    ids[*count] = (uint32_t)point;
    text += used, length -= (size_t)used;
  }
  return OK;
}

Status rates_characters(const AlignCosts *costs, const char *ref, const char *hyp, AlignCounts *counts) {
  Status status = OK;
  int n, m;
  uint32_t *ids = xcalloc(strlen(ref) + strlen(hyp), sizeof *ids);
  TRY(code_points(ref, ids, &n));
  TRY(code_points(hyp, ids + n, &m));
  TRY(align(costs, ids, n, ids + n, m, counts, NULL, NULL));
done:
  free(ids);
  return status;
}

Status rates_score(const AlignCosts *costs, const char *ref, const char *hyp, Rates *rates) {
  Status status = rates_words(costs, ref, hyp, &rates->words);
  return status == OK ? rates_characters(costs, ref, hyp, &rates->characters) : status;
}

void rates_add(Rates *sum, const Rates *rates) {
  align_add(&sum->words, rates->words);
  align_add(&sum->characters, rates->characters);
}

double rates_error(AlignCounts counts) {
  int64_t reference = align_reference(counts);
  return reference ? (double)align_errors(counts) / (double)reference : NAN;
}
