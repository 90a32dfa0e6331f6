/* An arena: one block of backend memory given out front to back, reset at once.
 *
 * Measuring: an arena with base NULL only counts; run the same code over it with the dry backend (kernels/backend.h)
 * and `peak` is the size to allocate.  After warm-up nothing else allocates. */
#ifndef JARGON_BASE_ARENA_H
#define JARGON_BASE_ARENA_H

#include <stddef.h>

typedef struct Arena {
  char *base;    /* NULL: measuring */
  size_t size;   /* bytes; ignored when measuring */
  size_t used;   /* bytes given out since the last reset */
  size_t peak;   /* the most ever in use */
} Arena;

/* `bytes` aligned to 256; asserts that they fit.  When measuring, the pointer must not be followed. */
void *arena_take(Arena *arena, size_t bytes);

/* Give back everything taken since `mark = arena->used`. */
void arena_release(Arena *arena, size_t mark);

#endif
