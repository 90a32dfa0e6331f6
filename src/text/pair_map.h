/* A hash map from two non-negative numbers to one: a merge's two tokens to its rank, a trie's node and byte to the
 * next node. Open addressing, at most half full. */
#ifndef JARGON_TEXT_PAIR_MAP_H
#define JARGON_TEXT_PAIR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PairMap {
  uint64_t *keys;  /* a << 32 | b, plus one; 0: free */
  int32_t *values;
  size_t size, used; /* size: a power of two */
} PairMap; /* zeroed: empty */

/* False, and nothing changed, when (a, b) is there already. */
bool pair_map_put(PairMap *map, int32_t a, int32_t b, int32_t value);
int32_t pair_map_get(const PairMap *map, int32_t a, int32_t b); /* -1: not there */
void pair_map_free(PairMap *map);

#endif
