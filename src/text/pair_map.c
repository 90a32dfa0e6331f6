#include "src/text/pair_map.h"

#include <stdlib.h>

#include "src/base/status.h"

static uint64_t key_of(int32_t a, int32_t b) { return ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) + 1; }

/* The place of the key, or the free place where it belongs. */
static size_t find(const PairMap *map, uint64_t key) {
  uint64_t hash = key * 0x9E3779B97F4A7C15u;
  size_t at = (hash ^ hash >> 32) & (map->size - 1);
  while (map->keys[at] && map->keys[at] != key) at = (at + 1) & (map->size - 1);
  return at;
}

static void grow(PairMap *map) {
  PairMap old = *map;
  map->size = old.size ? old.size * 2 : 64;
  map->keys = xcalloc(map->size, sizeof *map->keys);
  map->values = xcalloc(map->size, sizeof *map->values);
  for (size_t i = 0; i < old.size; i++)
    if (old.keys[i]) {
      size_t at = find(map, old.keys[i]);
      map->keys[at] = old.keys[i];
      map->values[at] = old.values[i];
    }
  pair_map_free(&old);
}

bool pair_map_put(PairMap *map, int32_t a, int32_t b, int32_t value) {
  if (map->used * 2 >= map->size) grow(map);
  uint64_t key = key_of(a, b);
  size_t at = find(map, key);
  if (map->keys[at]) return false;
  map->keys[at] = key;
  map->values[at] = value;
  map->used++;
  return true;
}

int32_t pair_map_get(const PairMap *map, int32_t a, int32_t b) {
  if (!map->size) return -1;
  size_t at = find(map, key_of(a, b));
  return map->keys[at] ? map->values[at] : -1;
}

void pair_map_free(PairMap *map) {
  free(map->keys);
  free(map->values);
  *map = (PairMap){0};
}
