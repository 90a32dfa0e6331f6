/* The CUDA runtime of the emulator: everything is done when it is called, but host memory may count on copies
 * only when their stream was synchronised (Copy). Device memory is host memory that only kernels and the
 * runtime may touch: at all other times its pages are locked, so host code that follows a pointer of the
 * device ends as it would beside a GPU. Under a sanitizer each piece is a block of malloc() of its exact size
 * instead. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "cuda_runtime.h"
#include "device_memory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(EMULATOR_TSAN)
enum { LOCKED = 0 };
#else
enum { LOCKED = 1 };
#endif

namespace emulator {

cudaError_t last_error = cudaSuccess;
size_t shared_limit = 48 << 10; /* until a kernel asks for more */

enum { ALIGN = 256 };
static const size_t REGION = (size_t)4 << 30, STEP = (size_t)1 << 20;
static char *region;
static size_t reached;                  /* bytes of the region that were ever used, in steps */
static int users;                       /* of device memory, now */
static std::map<size_t, size_t> pieces; /* offset, size */

static void explain(int signal_number, siginfo_t *info, void *) {
  static const char text[] = "emulator: host code touched device memory\n";
  const char *at = static_cast<const char *>(info->si_addr);
  if (at >= region && at < region + REGION && write(2, text, sizeof text - 1) < 0) abort();
  signal(signal_number, SIG_DFL);
}

static void open_region() {
  void *memory = mmap(nullptr, REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no address space for device memory");
  region = static_cast<char *>(memory);
  struct sigaction action = {};
  action.sa_sigaction = explain;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

/* A copy between host and device that the host has not waited for: what it read must stay as it was, and what
 * it writes is not there yet. */
struct Copy {
  cudaStream_t queue;
  size_t number; /* in the order of calls */
  void *host;
  std::vector<char> content;
  bool download;
};
static std::vector<Copy> copies;
static size_t copy_count;

/* What crossed the bus, and how often the host waited; JARGON_EMULATOR_TRAFFIC names a file for one line of
 * it. */
static struct Traffic {
  size_t up, down, waits;
  ~Traffic() {
    const char *name = getenv("JARGON_EMULATOR_TRAFFIC");
    FILE *file = name ? fopen(name, "w") : nullptr;
    if (!file) return;
    fprintf(file, "up %zu down %zu waits %zu\n", up, down, waits);
    fclose(file);
  }
} traffic;

/* Copies of the queue with a number below `end` are done. */
static void wait_for_copies(cudaStream_t queue, size_t end) {
  std::vector<Copy> others;
  for (Copy &copy : copies) {
    if (copy.queue != queue || copy.number >= end)
      others.push_back(copy);
    else if (copy.download)
      memcpy(copy.host, copy.content.data(), copy.content.size());
    else if (memcmp(copy.host, copy.content.data(), copy.content.size()) != 0)
      fail("host memory was changed before its upload of %zu bytes was waited for", copy.content.size());
  }
  copies.swap(others);
}

void on_a_stream(const char *what, const void *queue) {
  if (!queue) fail("%s on the default stream", what);
}

DeviceMemory::DeviceMemory() {
  if (LOCKED && users++ == 0 && reached) mprotect(region, reached, PROT_READ | PROT_WRITE);
}

DeviceMemory::~DeviceMemory() {
  if (LOCKED && --users == 0 && reached) mprotect(region, reached, PROT_NONE);
}

/* The first gap that is large enough. */
static void *piece_new(size_t bytes) {
  if (!region) open_region();
  if (bytes > REGION) return nullptr;
  size_t size = (bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN, at = 0;
  for (const auto &piece : pieces) {
    if (piece.first - at >= size) break;
    at = piece.first + piece.second;
  }
  if (at + size > REGION) return nullptr;
  pieces[at] = size;
  if (at + size > reached) reached = (at + size + STEP - 1) / STEP * STEP;
  return region + at;
}

} // namespace emulator

using emulator::DeviceMemory;
using emulator::last_error;

struct CUstream_st {
  int unused;
};
struct CUevent_st {
  cudaStream_t queue; /* null: not recorded */
  size_t copies;      /* before it */
};

/* 256-aligned as on a device, and poisoned: reading what was never written shows. */
cudaError_t cudaMalloc(void **p, size_t bytes) {
  if (!LOCKED) {
    if (posix_memalign(p, 256, bytes ? bytes : 1)) *p = nullptr;
  } else {
    *p = emulator::piece_new(bytes);
  }
  if (!*p) return last_error = cudaErrorMemoryAllocation;
  DeviceMemory unlocked;
  memset(*p, 0xff, bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void *p) {
  if (!LOCKED)
    free(p);
  else if (p && !emulator::pieces.erase((size_t)(static_cast<char *>(p) - emulator::region)))
    emulator::fail("cudaFree() of what cudaMalloc() did not give, or twice");
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes) {
  if (posix_memalign(p, emulator::ALIGN, bytes ? bytes : 1)) *p = nullptr;
  return *p ? cudaSuccess : last_error = cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *p) {
  for (const emulator::Copy &copy : emulator::copies)
    if (copy.host == p) emulator::fail("cudaFreeHost() of what a copy is under way from or to");
  free(p);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t queue) {
  if (bytes == 0) return cudaSuccess;
  DeviceMemory unlocked;
  const char *content = static_cast<const char *>(from);
  if (kind == cudaMemcpyDeviceToDevice) emulator::on_a_stream("a copy", queue);
  bool download = kind == cudaMemcpyDeviceToHost;
  if (kind != cudaMemcpyDeviceToDevice) {
    void *host = download ? to : const_cast<void *>(from);
    emulator::copies.push_back({queue, emulator::copy_count++, host, {content, content + bytes}, download});
    (download ? emulator::traffic.down : emulator::traffic.up) += bytes;
  }
  if (download) {
    memset(to, 0xff, bytes);
  } else {
    memmove(to, from, bytes);
  }
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t queue) {
  emulator::on_a_stream("cudaMemsetAsync", queue);
  DeviceMemory unlocked;
  memset(p, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *queue, unsigned) {
  *queue = new CUstream_st();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t queue) {
  emulator::wait_for_copies(queue, emulator::copy_count);
  delete queue;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t queue) {
  emulator::traffic.waits++;
  emulator::wait_for_copies(queue, emulator::copy_count);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  *event = new CUevent_st();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t queue) {
  emulator::on_a_stream("cudaEventRecord", queue);
  *event = {queue, emulator::copy_count};
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->queue) emulator::wait_for_copies(event->queue, event->copies);
  return cudaSuccess;
}

cudaError_t cudaGetLastError(void) {
  cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
  case cudaSuccess:
    return "no error";
  case cudaErrorInvalidValue:
    return "invalid argument";
  case cudaErrorMemoryAllocation:
    return "out of memory";
  case cudaErrorInvalidConfiguration:
    return "invalid configuration argument";
  }
  return "unknown error";
}

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  *properties = cudaDeviceProp{};
  strcpy(properties->name, "emulated on the CPU");
  properties->major = 8;
  properties->multiProcessorCount = 4;
  properties->totalGlobalMem = (size_t)8 << 30;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value > 227 << 10)
    return last_error = cudaErrorInvalidValue;
  if ((size_t)value > emulator::shared_limit) emulator::shared_limit = (size_t)value;
  return cudaSuccess;
}
