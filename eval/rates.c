#include "eval/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

/* The words of both texts as ids, equal words equal ids: an open-addressing table of the distinct ones. */
typedef struct Words {
  const char **texts;
  size_t *lengths;
  uint32_t *slots; /* 1 + a word's id, or 0 */
  uint32_t mask, count;
} Words;

static uint32_t words_id(Words *words, const char *text, size_t length) {
  uint32_t slot = (uint32_t)XXH3_64bits(text, length) & words->mask;
  for (; words->slots[slot]; slot = (slot + 1) & words->mask) {
    uint32_t id = words->slots[slot] - 1;
    if (words->lengths[id] == length && !memcmp(words->texts[id], text, length)) return id;
  }
  words->texts[words->count] = text;
  words->lengths[words->count] = length;
  words->slots[slot] = ++words->count;
  return words->count - 1;
}

static int words_split(Words *words, const char *text, uint32_t *ids) {
  int count = 0;
  for (const char *at = text; *(at += strspn(at, " "));) {
    size_t length = strcspn(at, " ");
    ids[count++] = words_id(words, at, length);
    at += length;
  }
  return count;
}

Status rates_words(const AlignCosts *costs, const char *ref, const char *hyp, AlignCounts *counts) {
  size_t n_most = strlen(ref) / 2 + 1, most = n_most + strlen(hyp) / 2 + 1, slots = 4;
  while (slots < 2 * most) slots *= 2;
  uint32_t *ids = xcalloc(most, sizeof *ids);
  Words words = {xcalloc(most, sizeof(char *)), xcalloc(most, sizeof(size_t)),
                 xcalloc(slots, sizeof(uint32_t)), (uint32_t)slots - 1, 0};
  int n = words_split(&words, ref, ids), m = words_split(&words, hyp, ids + n);
  Status status = align(costs, ids, n, ids + n, m, counts, NULL, NULL);
  free(ids);
  free(words.texts), free(words.lengths), free(words.slots);
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

static Status score_characters(const AlignCosts *costs, const char *ref, const char *hyp,
                               AlignCounts *counts) {
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
  return status == OK ? score_characters(costs, ref, hyp, &rates->characters) : status;
}

void rates_add(Rates *sum, const Rates *rates) {
  align_add(&sum->words, rates->words);
  align_add(&sum->characters, rates->characters);
}

double rates_error(AlignCounts counts) {
  int64_t reference = align_reference(counts);
  return reference ? (double)align_errors(counts) / (double)reference : NAN;
}
