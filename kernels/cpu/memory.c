#include "kernels/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/stream.h"

enum { ALIGN = 256 };

/* As xcalloc() of src/base/status.h, which kernels may not call. */
static _Noreturn void out_of_memory(size_t bytes) {
  fprintf(stderr, "jargon: out of memory: %zu bytes of scratch; make the batches smaller\n", bytes);
  exit(71);
}

Stream *cpu_stream_new(void) {
  Stream *stream = calloc(1, sizeof *stream);
  if (!stream) out_of_memory(sizeof *stream);
  return stream;
}

void cpu_stream_free(Stream *stream) {
  if (!stream) return;
  free(stream->scratch);
  free(stream);
}

void cpu_stream_sync(Stream *stream) { (void)stream; }
void cpu_stream_mark(Stream *stream, int mark) { (void)stream, (void)mark; }
void cpu_stream_wait(Stream *stream, int mark) { (void)stream, (void)mark; }

void *stream_scratch(Stream *stream, size_t bytes) {
  if (bytes > stream->scratch_size) {
    free(stream->scratch);
    stream->scratch = cpu_memory_new(bytes);
    if (!stream->scratch) out_of_memory(bytes);
    stream->scratch_size = bytes;
  }
  return stream->scratch;
}

void *cpu_memory_new(size_t bytes) {
  size_t rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  if (rounded < bytes) return NULL;
  return aligned_alloc(ALIGN, rounded ? rounded : ALIGN);
}

void cpu_memory_free(void *memory) { free(memory); }

void *cpu_host_new(size_t bytes) { return cpu_memory_new(bytes); }
void cpu_host_free(void *memory) { free(memory); }

void cpu_memory_upload(Stream *stream, void *device, const void *host, size_t bytes) {
  (void)stream;
  if (bytes) memcpy(device, host, bytes);
}

void cpu_memory_download(Stream *stream, void *host, const void *device, size_t bytes) {
  (void)stream;
  if (bytes) memcpy(host, device, bytes);
}

void cpu_memory_zero(Stream *stream, void *device, size_t bytes) {
  (void)stream;
  if (bytes) memset(device, 0, bytes);
}

void cpu_memory_cast(Stream *stream, void *y, const float *x, size_t n) {
  (void)stream;
  if (n && y != (const void *)x) memcpy(y, x, n * sizeof *x);
}
