#include "kernels/cuda/cudnn.h"

#include <dlfcn.h>
#include <string.h>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/release.h"

#if !__has_include(<cudnn.h>)
bool cudnn_open(char *why, size_t why_size) {
  const char *name = getenv("JARGON_CUDNN");
  if (!name || !*name) return true;
  snprintf(why, why_size,
           "JARGON_CUDNN: this CUDA backend was built where there was no cudnn.h: "
           "unset it, or build again where cuDNN 9 is");
  return false;
}
bool cudnn_chosen(void) { return false; }
const char *cudnn_describe(void) { return ""; }
size_t cudnn_workspace(Stream *, CudnnPass, CudnnShape) { abort(); }
void cudnn_run(Stream *, CudnnPass, CudnnShape, float *, float *, float *, void *) { abort(); }
void cudnn_release(Stream *) {}
#else
#include <cudnn.h>

enum {
  CHOSEN_AT = 4096, /* the height at which algorithms are chosen */
  CANDIDATES = 16,  /* algorithms looked at */
  CHOICES = 64,     /* convolutions of one model: three a stage */
};

#define FUNCTIONS(X)                                                                                         \
  X(cudnnGetVersion)                                                                                         \
  X(cudnnGetErrorString)                                                                                     \
  X(cudnnCreate)                                                                                             \
  X(cudnnDestroy)                                                                                            \
  X(cudnnSetStream)                                                                                          \
  X(cudnnCreateTensorDescriptor)                                                                             \
  X(cudnnSetTensor4dDescriptor)                                                                              \
  X(cudnnDestroyTensorDescriptor)                                                                            \
  X(cudnnCreateFilterDescriptor)                                                                             \
  X(cudnnSetFilter4dDescriptor)                                                                              \
  X(cudnnDestroyFilterDescriptor)                                                                            \
  X(cudnnCreateConvolutionDescriptor)                                                                        \
  X(cudnnSetConvolution2dDescriptor)                                                                         \
  X(cudnnSetConvolutionGroupCount)                                                                           \
  X(cudnnSetConvolutionMathType)                                                                             \
  X(cudnnDestroyConvolutionDescriptor)                                                                       \
  X(cudnnGetConvolutionForwardAlgorithm_v7)                                                                  \
  X(cudnnGetConvolutionForwardWorkspaceSize)                                                                 \
  X(cudnnConvolutionForward)                                                                                 \
  X(cudnnGetConvolutionBackwardDataAlgorithm_v7)                                                             \
  X(cudnnGetConvolutionBackwardDataWorkspaceSize)                                                            \
  X(cudnnConvolutionBackwardData)                                                                            \
  X(cudnnGetConvolutionBackwardFilterAlgorithm_v7)                                                           \
  X(cudnnGetConvolutionBackwardFilterWorkspaceSize)                                                          \
  X(cudnnConvolutionBackwardFilter)

static struct {
#define X(function) decltype(&::function) function;
  FUNCTIONS(X)
#undef X
  bool open;
} api;

bool cudnn_open(char *why, size_t why_size) {
  const char *name = getenv("JARGON_CUDNN"), *missing = NULL;
  if (api.open || !name || !*name) return true;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(why, why_size, "JARGON_CUDNN: %s", dlerror());
    return false;
  }
#define X(function)                                                                                          \
  *(void **)&api.function = dlsym(library, #function);                                                       \
  if (!api.function) missing = #function;
  FUNCTIONS(X)
#undef X
  if (missing)
    snprintf(why, why_size, "JARGON_CUDNN: %s has no %s: cuDNN %d is wanted", name, missing, CUDNN_MAJOR);
  else if (api.cudnnGetVersion() / 10000 != CUDNN_MAJOR)
    snprintf(why, why_size, "JARGON_CUDNN: %s is version %zu; %d is wanted", name, api.cudnnGetVersion(),
             CUDNN_MAJOR);
  else
    api.open = true;
  return api.open;
}

bool cudnn_chosen(void) { return api.open; }

const char *cudnn_describe(void) {
  static char text[64];
  if (!api.open) return "";
  size_t version = api.cudnnGetVersion();
  snprintf(text, sizeof text, ", cuDNN %zu.%zu.%zu for convolutions", version / 10000, version / 100 % 100,
           version % 100);
  return text;
}

/* An algorithm, kept for every height, so that a row's bits do not depend on how many there are. */
struct Choice {
  CudnnPass pass;
  bool depthwise;
  Conv2dShape conv;
  int algorithm;
};

struct Cudnn {
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x, y;
  cudnnFilterDescriptor_t weight;
  cudnnConvolutionDescriptor_t convolution;
  int count;
  Choice choices[CHOICES];
};

#define CUDNN_CHECK(call) cudnn_check((call), #call, __LINE__)

static void cudnn_check(cudnnStatus_t status, const char *what, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fprintf(stderr, "jargon: %s:%d: cuDNN says \"%s\" on %s; without JARGON_CUDNN it is not asked\n", __FILE__,
          line, api.cudnnGetErrorString(status), what);
  abort();
}

static Cudnn *stream_cudnn(Stream *stream) {
  if (stream->cudnn) return stream->cudnn;
  Cudnn *cudnn = (Cudnn *)calloc(1, sizeof *cudnn);
  if (!cudnn) {
    fprintf(stderr, "jargon: out of memory: the convolutions' algorithms\n");
    exit(71);
  }
  CUDNN_CHECK(api.cudnnCreate(&cudnn->handle));
  CUDNN_CHECK(api.cudnnSetStream(cudnn->handle, stream->queue));
  CUDNN_CHECK(api.cudnnCreateTensorDescriptor(&cudnn->x));
  CUDNN_CHECK(api.cudnnCreateTensorDescriptor(&cudnn->y));
  CUDNN_CHECK(api.cudnnCreateFilterDescriptor(&cudnn->weight));
  CUDNN_CHECK(api.cudnnCreateConvolutionDescriptor(&cudnn->convolution));
  return stream->cudnn = cudnn;
}

void cudnn_release(Stream *stream) {
  Cudnn *cudnn = stream->cudnn;
  if (!cudnn) return;
  CUDNN_CHECK(api.cudnnDestroyConvolutionDescriptor(cudnn->convolution));
  CUDNN_CHECK(api.cudnnDestroyFilterDescriptor(cudnn->weight));
  CUDNN_CHECK(api.cudnnDestroyTensorDescriptor(cudnn->y));
  CUDNN_CHECK(api.cudnnDestroyTensorDescriptor(cudnn->x));
  CUDNN_CHECK(api.cudnnDestroy(cudnn->handle));
  free(cudnn);
}

static void describe(Cudnn *c, CudnnShape shape) {
  Conv2dShape s = shape.conv;
  int P = (s.K - 1) / 2, groups = shape.depthwise ? s.C : 1; /* one channel in a group, either way */
  CUDNN_CHECK(api.cudnnSetTensor4dDescriptor(c->x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, groups,
                                             s.stride * shape.height, s.F_in));
  CUDNN_CHECK(api.cudnnSetTensor4dDescriptor(c->y, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, s.C, shape.height,
                                             s.F_out));
  CUDNN_CHECK(
      api.cudnnSetFilter4dDescriptor(c->weight, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, s.C, 1, s.K, s.K));
  CUDNN_CHECK(api.cudnnSetConvolution2dDescriptor(c->convolution, P, P, s.stride, s.stride, 1, 1,
                                                  CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  CUDNN_CHECK(api.cudnnSetConvolutionGroupCount(c->convolution, groups));
  CUDNN_CHECK(api.cudnnSetConvolutionMathType(c->convolution, CUDNN_FMA_MATH));
}

static cudnnStatus_t workspace_of(Cudnn *c, CudnnPass pass, int algorithm, size_t *bytes) {
  if (pass == FORWARD_PASS)
    return api.cudnnGetConvolutionForwardWorkspaceSize(c->handle, c->x, c->weight, c->convolution, c->y,
                                                       (cudnnConvolutionFwdAlgo_t)algorithm, bytes);
  if (pass == INPUT_PASS)
    return api.cudnnGetConvolutionBackwardDataWorkspaceSize(c->handle, c->weight, c->y, c->convolution, c->x,
                                                            (cudnnConvolutionBwdDataAlgo_t)algorithm, bytes);
  return api.cudnnGetConvolutionBackwardFilterWorkspaceSize(
      c->handle, c->x, c->y, c->convolution, c->weight, (cudnnConvolutionBwdFilterAlgo_t)algorithm, bytes);
}

/* The first whose sums have a fixed order, and that works: what is proposed need not, with groups. */
template <typename Found>
static int first_deterministic(Cudnn *c, CudnnPass pass, const Found *found, int count) {
  size_t bytes;
  for (int i = 0; i < count; i++)
    if (found[i].status == CUDNN_STATUS_SUCCESS && found[i].determinism == CUDNN_DETERMINISTIC &&
        workspace_of(c, pass, (int)found[i].algo, &bytes) == CUDNN_STATUS_SUCCESS)
      return (int)found[i].algo;
  fprintf(stderr, "jargon: cuDNN has no deterministic convolution of this shape: unset JARGON_CUDNN\n");
  exit(1);
}

static int choose(Cudnn *c, CudnnPass pass, CudnnShape shape) {
  int count = 0;
  shape.height = CHOSEN_AT;
  describe(c, shape);
  if (pass == FORWARD_PASS) {
    cudnnConvolutionFwdAlgoPerf_t found[CANDIDATES];
    CUDNN_CHECK(api.cudnnGetConvolutionForwardAlgorithm_v7(c->handle, c->x, c->weight, c->convolution, c->y,
                                                           CANDIDATES, &count, found));
    return first_deterministic(c, pass, found, count);
  }
  if (pass == INPUT_PASS) {
    cudnnConvolutionBwdDataAlgoPerf_t found[CANDIDATES];
    CUDNN_CHECK(api.cudnnGetConvolutionBackwardDataAlgorithm_v7(c->handle, c->weight, c->y, c->convolution,
                                                                c->x, CANDIDATES, &count, found));
    return first_deterministic(c, pass, found, count);
  }
  cudnnConvolutionBwdFilterAlgoPerf_t found[CANDIDATES];
  CUDNN_CHECK(api.cudnnGetConvolutionBackwardFilterAlgorithm_v7(c->handle, c->x, c->y, c->convolution,
                                                                c->weight, CANDIDATES, &count, found));
  return first_deterministic(c, pass, found, count);
}

static bool same_conv(Conv2dShape a, Conv2dShape b) {
  return a.F_in == b.F_in && a.F_out == b.F_out && a.C == b.C && a.K == b.K && a.stride == b.stride;
}

/* The algorithm, with the descriptors set for the shape. */
static int algorithm_of(Cudnn *c, CudnnPass pass, CudnnShape shape) {
  int i = 0;
  while (i < c->count && !(c->choices[i].pass == pass && c->choices[i].depthwise == shape.depthwise &&
                           same_conv(c->choices[i].conv, shape.conv)))
    i++;
  if (i == CHOICES) {
    fprintf(stderr, "jargon: more than %d shapes of convolutions\n", CHOICES);
    exit(1);
  }
  if (i == c->count) {
    c->choices[i] = Choice{pass, shape.depthwise, shape.conv, choose(c, pass, shape)};
    c->count++;
  }
  describe(c, shape);
  return c->choices[i].algorithm;
}

size_t cudnn_workspace(Stream *stream, CudnnPass pass, CudnnShape shape) {
  Cudnn *c = stream_cudnn(stream);
  size_t bytes = 0;
  CUDNN_CHECK(workspace_of(c, pass, algorithm_of(c, pass, shape), &bytes));
  return bytes;
}

void cudnn_run(Stream *stream, CudnnPass pass, CudnnShape shape, float *x, float *weight, float *y,
               void *workspace) {
  Cudnn *c = stream_cudnn(stream);
  int algorithm = algorithm_of(c, pass, shape);
  size_t bytes = 0;
  CUDNN_CHECK(workspace_of(c, pass, algorithm, &bytes));
  float one = 1, zero = 0;
  if (pass == FORWARD_PASS)
    CUDNN_CHECK(api.cudnnConvolutionForward(c->handle, &one, c->x, x, c->weight, weight, c->convolution,
                                            (cudnnConvolutionFwdAlgo_t)algorithm, workspace, bytes, &zero,
                                            c->y, y));
  else if (pass == INPUT_PASS)
    CUDNN_CHECK(api.cudnnConvolutionBackwardData(c->handle, &one, c->weight, weight, c->y, y, c->convolution,
                                                 (cudnnConvolutionBwdDataAlgo_t)algorithm, workspace, bytes,
                                                 &zero, c->x, x));
  else
    CUDNN_CHECK(api.cudnnConvolutionBackwardFilter(c->handle, &one, c->x, x, c->y, y, c->convolution,
                                                   (cudnnConvolutionBwdFilterAlgo_t)algorithm, workspace,
                                                   bytes, &one, c->weight, weight));
}
#endif
