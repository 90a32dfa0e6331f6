#include "kernels/memory.h"

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/release.h"

static Stream *stream_new(void) {
  Stream *stream = (Stream *)calloc(1, sizeof *stream);
  if (!stream) {
    fprintf(stderr, "jargon: out of memory: a stream\n");
    exit(71);
  }
  CUDA_CHECK(cudaStreamCreateWithFlags(&stream->queue, cudaStreamNonBlocking));
  for (cudaEvent_t &mark : stream->marks)
    CUDA_CHECK(cudaEventCreateWithFlags(&mark, cudaEventDisableTiming | cudaEventBlockingSync));
  return stream;
}

static void stream_free(Stream *stream) {
  if (!stream) return;
  CUDA_CHECK(cudaStreamSynchronize(stream->queue));
  gemm_release(stream);
  adamw_release(stream);
  cudnn_release(stream);
  CUDA_CHECK(cudaFree(stream->scratch));
  for (cudaEvent_t mark : stream->marks) CUDA_CHECK(cudaEventDestroy(mark));
  CUDA_CHECK(cudaStreamDestroy(stream->queue));
  free(stream);
}

static void stream_sync(Stream *stream) { CUDA_CHECK(cudaStreamSynchronize(stream->queue)); }

static void stream_mark(Stream *stream, int mark) {
  CUDA_CHECK(cudaEventRecord(stream->marks[mark], stream->queue));
}

static void stream_wait(Stream *stream, int mark) { CUDA_CHECK(cudaEventSynchronize(stream->marks[mark])); }

void *cuda_scratch(Stream *stream, size_t bytes) {
  if (bytes > stream->scratch_size) {
    CUDA_CHECK(cudaStreamSynchronize(stream->queue)); /* kernels under way may still use the old one */
    CUDA_CHECK(cudaFree(stream->scratch));
    stream->scratch = NULL;
    if (cudaMalloc(&stream->scratch, bytes) != cudaSuccess) {
      fprintf(stderr, "jargon: out of device memory: %zu bytes of scratch; make the batches smaller\n",
              bytes);
      exit(71);
    }
    stream->scratch_size = bytes;
  }
  return stream->scratch;
}

static void *memory_new(size_t bytes) {
  void *memory;
  if (cudaMalloc(&memory, bytes ? bytes : 1) == cudaSuccess) return memory;
  cudaGetLastError(); /* the caller knows; the next check should not */
  return NULL;
}

static void memory_free(void *memory) { CUDA_CHECK(cudaFree(memory)); }

static void *host_new(size_t bytes) {
  void *memory;
  if (cudaMallocHost(&memory, bytes ? bytes : 1) == cudaSuccess) return memory;
  cudaGetLastError();
  return NULL;
}

static void host_free(void *memory) { CUDA_CHECK(cudaFreeHost(memory)); }

static void memory_upload(Stream *stream, void *device, const void *host, size_t bytes) {
  if (bytes) CUDA_CHECK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream->queue));
}

static void memory_download(Stream *stream, void *host, const void *device, size_t bytes) {
  if (bytes) CUDA_CHECK(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream->queue));
}

static void memory_zero(Stream *stream, void *device, size_t bytes) {
  if (bytes) CUDA_CHECK(cudaMemsetAsync(device, 0, bytes, stream->queue));
}

/* y = x in the activation type. An element a thread; 256 threads a block. Reads 4 n bytes, writes n elements.
 */
template <typename T> __global__ void memory_cast_kernel(T *y, const float *x, size_t n) {
  size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) store(y + i, x[i]);
}

template <typename T> static void memory_cast_launch(Stream *stream, void *y, const float *x, size_t n) {
  if (!n || y == (const void *)x) return;
  memory_cast_kernel<T><<<blocks_for(n, 256), 256, 0, stream->queue>>>((T *)y, x, n);
  CUDA_LAUNCHED();
}

CUDA_TWINS(memory_cast, (Stream * stream, void *y, const float *x, size_t n), (stream, y, x, n))

CUDA_SAME(Stream *, stream_new, (void), ())
CUDA_SAME(void, stream_free, (Stream * stream), (stream))
CUDA_SAME(void, stream_sync, (Stream * stream), (stream))
CUDA_SAME(void, stream_mark, (Stream * stream, int mark), (stream, mark))
CUDA_SAME(void, stream_wait, (Stream * stream, int mark), (stream, mark))
CUDA_SAME(void *, memory_new, (size_t bytes), (bytes))
CUDA_SAME(void, memory_free, (void *memory), (memory))
CUDA_SAME(void *, host_new, (size_t bytes), (bytes))
CUDA_SAME(void, host_free, (void *memory), (memory))
CUDA_SAME(void, memory_upload, (Stream * stream, void *device, const void *host, size_t bytes),
          (stream, device, host, bytes))
CUDA_SAME(void, memory_download, (Stream * stream, void *host, const void *device, size_t bytes),
          (stream, host, device, bytes))
CUDA_SAME(void, memory_zero, (Stream * stream, void *device, size_t bytes), (stream, device, bytes))
