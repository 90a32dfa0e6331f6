#include "eval/word_ids.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/base/status.h"

void word_ids_init(WordIds *ids, size_t most) {
  size_t slots = 4;
  while (slots < 2 * most) slots *= 2;
  *ids = (WordIds){xcalloc(most, sizeof(char *)), xcalloc(most, sizeof(uint32_t)),
                   xcalloc(slots, sizeof(uint64_t)), (uint32_t)slots - 1, 0};
}

void word_ids_free(WordIds *ids) {
  free(ids->texts), free(ids->lengths), free(ids->slots);
  *ids = (WordIds){0};
}

/* The slot of a word, or the free one where it belongs. */
static uint32_t slot_of(const WordIds *ids, const char *text, size_t length, uint64_t hash) {
  uint64_t high = hash & ~(uint64_t)UINT32_MAX;
  uint32_t slot = (uint32_t)hash & ids->mask;
  for (; ids->slots[slot]; slot = (slot + 1) & ids->mask) {
    if ((ids->slots[slot] & ~(uint64_t)UINT32_MAX) != high) continue;
    uint32_t id = (uint32_t)ids->slots[slot] - 1;
    if (ids->lengths[id] == length && !memcmp(ids->texts[id], text, length)) break;
  }
  return slot;
}

int64_t word_ids_find(const WordIds *ids, const char *text, size_t length) {
  return (int64_t)(uint32_t)ids->slots[slot_of(ids, text, length, XXH3_64bits(text, length))] - 1;
}

uint32_t word_ids_get(WordIds *ids, const char *text, size_t length) {
  uint64_t hash = XXH3_64bits(text, length);
  uint32_t slot = slot_of(ids, text, length, hash);
  if (ids->slots[slot]) return (uint32_t)ids->slots[slot] - 1;
  ids->texts[ids->count] = text;
  ids->lengths[ids->count] = (uint32_t)length;
  ids->slots[slot] = (hash & ~(uint64_t)UINT32_MAX) | ++ids->count;
  return ids->count - 1;
}

int word_ids_split(WordIds *ids, const char *text, uint32_t *out) {
  int count = 0;
  while (*(text += strspn(text, " "))) {
    const char *end = strchrnul(text, ' ');
    out[count++] = word_ids_get(ids, text, (size_t)(end - text));
    text = end;
  }
  return count;
}
