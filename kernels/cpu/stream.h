/* The CPU backend's stream: work runs where it is called, so a stream is its scratch memory alone. */
#ifndef JARGON_KERNELS_CPU_STREAM_H
#define JARGON_KERNELS_CPU_STREAM_H

#include "kernels/types.h"

struct Stream {
  void *scratch;
  size_t scratch_size;
};

/* At least `bytes`, 256-aligned, with any content, the caller's until the operation ends. It only ever grows,
 * so after the largest batch nothing allocates. An operation asks once and divides what it gets among its
 * threads. */
void *stream_scratch(Stream *stream, size_t bytes);

#endif
