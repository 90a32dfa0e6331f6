/* A backend's memory and streams. On the CPU backend memory is host memory. */
#ifndef JARGON_KERNELS_MEMORY_H
#define JARGON_KERNELS_MEMORY_H

#include "kernels/types.h"

typedef Stream *StreamNew(void);
typedef void StreamFree(Stream *stream);
typedef void StreamSync(Stream *stream); /* waits until all work of the stream is done */

/* stream_wait() waits until all work that came before the last stream_mark() of that mark is done; not at all when
 * there was none. */
enum { STREAM_MARKS = 2 };
typedef void StreamMark(Stream *stream, int mark);
typedef void StreamWait(Stream *stream, int mark);

typedef void *MemoryNew(size_t bytes); /* 256-aligned, uninitialised; NULL when there is not enough */
typedef void MemoryFree(void *memory);

/* Host memory, 256-aligned and uninitialised, that the device copies without the host's help (page-locked). */
typedef void *HostNew(size_t bytes);
typedef void HostFree(void *memory);

/* In stream order. Host buffers must stay as they are until the stream, or a mark made after, was waited for. */
typedef void MemoryUpload(Stream *stream, void *device, const void *host, size_t bytes);
typedef void MemoryDownload(Stream *stream, void *host, const void *device, size_t bytes);
typedef void MemoryZero(Stream *stream, void *device, size_t bytes);

/* y (activation type) = x (float), n elements: the copy of the weights that products read. */
typedef void MemoryCast(Stream *stream, void *y, const float *x, size_t n);

BACKEND_FUNCTION(StreamNew, stream_new);
BACKEND_FUNCTION(StreamFree, stream_free);
BACKEND_FUNCTION(StreamSync, stream_sync);
BACKEND_FUNCTION(StreamMark, stream_mark);
BACKEND_FUNCTION(StreamWait, stream_wait);
BACKEND_FUNCTION(MemoryNew, memory_new);
BACKEND_FUNCTION(MemoryFree, memory_free);
BACKEND_FUNCTION(HostNew, host_new);
BACKEND_FUNCTION(HostFree, host_free);
BACKEND_FUNCTION(MemoryUpload, memory_upload);
BACKEND_FUNCTION(MemoryDownload, memory_download);
BACKEND_FUNCTION(MemoryZero, memory_zero);
BACKEND_FUNCTION(MemoryCast, memory_cast);

#endif
