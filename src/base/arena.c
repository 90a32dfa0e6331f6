#include "src/base/arena.h"

#include <assert.h>
#include <stdint.h>

enum { ALIGN = 256 };

void *arena_take(Arena *arena, size_t bytes) {
  size_t at = arena->used;
  size_t rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  assert(rounded >= bytes);
  assert(!arena->base || rounded <= arena->size - at);
  arena->used = at + rounded;
  if (arena->used > arena->peak) arena->peak = arena->used;
  /* measuring: a distinct non-NULL value, so that "is there a buffer" tests behave as they will for real */
  return arena->base ? arena->base + at : (char *)(uintptr_t)(ALIGN + at);
}

void arena_release(Arena *arena, size_t mark) {
  assert(mark <= arena->used);
  arena->used = mark;
}
