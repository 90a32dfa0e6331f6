#include "kernels/backend.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the table is whole and of this build. */
static bool table_whole(const Backend *table, const char *origin, char *why, size_t why_size) {
  if (!table->operations || strcmp(table->operations, BACKEND_LAYOUT) != 0) {
    snprintf(why, why_size, "%s lists other operations than this program: build both from the same sources",
             origin);
    return false;
  }
  const char *hole = table->describe ? NULL : "describe";
#define X(Type, operation)                                                                                   \
  if (!table->operation) hole = #operation;
  BACKEND_OPERATIONS(X)
#undef X
  if (hole) snprintf(why, why_size, "%s lacks the operation %s: build it again", origin, hole);
  return !hole;
}

/* Opens the library named by JARGON_CUDA, else the one beside the program, else where the linker looks. */
static void *cuda_library(char *why, size_t why_size) {
  static void *library;
  const char *name = "libjargon_cuda.so", *chosen = getenv("JARGON_CUDA");
  if (library && !chosen) return library;
  if (chosen) {
    library = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
  } else {
    char beside[PATH_MAX + 32] = "";
    ssize_t length = readlink("/proc/self/exe", beside, PATH_MAX);
    char *slash = length > 0 ? strrchr(beside, '/') : NULL;
    if (slash) strcpy(slash + 1, name);
    if (slash && access(beside, F_OK) == 0) name = beside;
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (!library) snprintf(why, why_size, "no CUDA backend: %s", dlerror());
  return library;
}

/* *faulty: what keeps the library from being used is not to be passed over in silence by "auto": it is not of
 * this build, or the user asked for it. */
static const Backend *cuda_open(DType dtype, bool *faulty, char *why, size_t why_size) {
  const char *cudnn = getenv("JARGON_CUDNN"), *gemm = getenv("JARGON_GEMM");
  *faulty = (cudnn && *cudnn) || (gemm && *gemm); /* who says how the GPU computes asks for the GPU */
  void *library = cuda_library(why, why_size);
  if (!library) return NULL;
  BackendExport *export = (BackendExport *)dlsym(library, "jargon_cuda_backend");
  if (!export) {
    *faulty = true;
    snprintf(why, why_size, "the CUDA backend's library does not export jargon_cuda_backend: build it again");
    return NULL;
  }
  const Backend *table = export(dtype, why, why_size);
  if (!table) return NULL;
  *faulty = !table_whole(table, "the CUDA backend", why, why_size);
  return *faulty ? NULL : table;
}

static const Backend *cpu_open(DType dtype, char *why, size_t why_size) {
  const Backend *table = jargon_cpu_backend(dtype, why, why_size);
  return table && table_whole(table, "the CPU backend", why, why_size) ? table : NULL;
}

const Backend *backend_open(const char *device, DType dtype, char *why, size_t why_size) {
  bool faulty;
  if (strcmp(device, "cpu") == 0) return cpu_open(dtype, why, why_size);
  if (strcmp(device, "cuda") == 0) return cuda_open(dtype, &faulty, why, why_size);
  if (strcmp(device, "auto") == 0) {
    const Backend *cuda = cuda_open(dtype, &faulty, why, why_size);
    return cuda || faulty ? cuda : cpu_open(dtype, why, why_size);
  }
  snprintf(why, why_size, "unknown device \"%s\": there are cpu, cuda and auto", device);
  return NULL;
}

const char *backend_choice(const char *device, const Backend *backend) {
  if (strcmp(backend->name, "cuda") == 0) return "device=cuda";
  return strcmp(device, "auto") == 0 ? "device=cpu (no CUDA found)" : "device=cpu";
}

const char *backend_describe(const Backend *backend) { return backend->describe(); }

/* The one function of all the dry backend's operations, called through their types: where the caller removes
 * the arguments, as on every ABI that Jargon runs on, it may ignore them. What it returns is what stream_new,
 * memory_new and frontend_new must, something that is not NULL, and the text of describe. */
static void *dry_operation(void) {
  static char nothing[] = "dry: no computation";
  return nothing;
}

const Backend *backend_dry(DType dtype) {
#define X(Type, operation) .operation = (Type *)(void (*)(void))dry_operation,
#define DRY(type)                                                                                            \
  {                                                                                                          \
    .name = "dry", .dtype = type, .operations = BACKEND_LAYOUT,                                              \
    .describe = (const char *(*)(void))(void (*)(void))dry_operation, BACKEND_OPERATIONS(X)                  \
  }
  static const Backend dry[] = {[DTYPE_F32] = DRY(DTYPE_F32), [DTYPE_BF16] = DRY(DTYPE_BF16)};
#undef DRY
#undef X
  return &dry[dtype];
}
