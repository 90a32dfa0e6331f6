#include "kernels/cpu/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BlasSgemm *blas_sgemm;
static char description[96];

const char *blas_describe(void) { return description; }

/* The fastest kernels that this CPU runs. SkylakeX wants all five parts of AVX-512 that came with it. */
static const char *core_type(void) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
}

static void *library_open(char *why, size_t why_size) {
  static const char *const places[] = {
      "/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0", /* Debian, Ubuntu: libopenblas0-serial */
      "/usr/lib64/libopenblas.so.0",                                /* Fedora, RHEL: openblas-serial */
  };
  const char *chosen = getenv("JARGON_BLAS");
  if (chosen) {
    void *library = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(why, why_size, "JARGON_BLAS: %s", dlerror());
    return library;
  }
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    void *library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  snprintf(
      why, why_size,
      "no OpenBLAS for matrix products (%s): install libopenblas0-serial, or let JARGON_BLAS name the file",
      dlerror());
  return NULL;
}

bool blas_open(char *why, size_t why_size) {
  if (blas_sgemm) return true;
  setenv("OPENBLAS_CORETYPE", core_type(), 0); /* the user's own choice stays */
  void *library = library_open(why, why_size);
  if (!library) return false;
  BlasSgemm *sgemm = (BlasSgemm *)dlsym(library, "cblas_sgemm");
  char *(*config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
  char *(*corename)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
  int (*parallel)(void) = (int (*)(void))dlsym(library, "openblas_get_parallel");
  if (!sgemm || !config || !corename || !parallel) {
    snprintf(why, why_size, "the BLAS library is not OpenBLAS: let JARGON_BLAS name a serial OpenBLAS");
    dlclose(library);
    return false;
  }
  if (parallel() != 0) {
    snprintf(why, why_size, "the OpenBLAS found is a threaded one: let JARGON_BLAS name a serial one");
    dlclose(library);
    return false;
  }
  int name_and_version = 0; /* config: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
  sscanf(config(), "%*s %*s%n", &name_and_version);
  snprintf(description, sizeof description, "%.*s serial, core type %s", name_and_version, config(),
           corename());
  blas_sgemm = sgemm;
  return true;
}
