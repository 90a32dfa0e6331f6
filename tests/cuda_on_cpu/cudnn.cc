/* cuDNN for the emulator: convolutions with one channel in a group, channels last, by plain loops in float.
 * Of each pass it offers three algorithms: not deterministic, not supported after all, and good. Running
 * another than the last is an error; so are shapes that do not fit together, pointers that are not aligned,
 * and a workspace that is too small.
 * What the workspace held is lost. */
#include "cudnn.h"

#include <stdlib.h>

#include "device_memory.h"

using emulator::fail;

struct EmulatedCudnn {
  cudaStream_t queue;
};
struct EmulatedTensor {
  int n, c, h, w;
};
struct EmulatedFilter {
  int k, c, h, w;
};
struct EmulatedConvolution {
  int pad_h, pad_w, stride_h, stride_w, groups;
  cudnnMathType_t math;
};

size_t cudnnGetVersion(void) { return 90000; }

const char *cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_NOT_SUPPORTED ? "not supported" : "bad parameter";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  *handle = new EmulatedCudnn();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t queue) {
  handle->queue = queue;
  return CUDNN_STATUS_SUCCESS;
}

/* ---- descriptors ---- */

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *tensor) {
  *tensor = new EmulatedTensor();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t, int n, int c, int h, int w) {
  if (n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
  if (format != CUDNN_TENSOR_NHWC) return CUDNN_STATUS_NOT_SUPPORTED;
  *tensor = {n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  delete tensor;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *filter) {
  *filter = new EmulatedFilter();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  if (k < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
  if (format != CUDNN_TENSOR_NHWC || c != 1) return CUDNN_STATUS_NOT_SUPPORTED;
  *filter = {k, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) {
  delete filter;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *convolution) {
  *convolution = new EmulatedConvolution();
  return CUDNN_STATUS_SUCCESS;
}

/* Groups and arithmetic go back to what they are without being set: 1, and TF32 allowed. */
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t) {
  if (pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1) return CUDNN_STATUS_BAD_PARAM;
  if (mode != CUDNN_CROSS_CORRELATION || dilation_h != 1 || dilation_w != 1)
    return CUDNN_STATUS_NOT_SUPPORTED;
  *convolution = {pad_h, pad_w, stride_h, stride_w, 1, CUDNN_DEFAULT_MATH};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t convolution, int groups) {
  convolution->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t math) {
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
  delete convolution;
  return CUDNN_STATUS_SUCCESS;
}

/* ---- the three passes ---- */

static int size_after(int size, int pad, int width, int stride) {
  return (size + 2 * pad - width) / stride + 1;
}

static bool fits(const EmulatedTensor *x, const EmulatedFilter *w, const EmulatedConvolution *c,
                 const EmulatedTensor *y) {
  return x->c == c->groups * w->c && y->c == w->k && w->k % c->groups == 0 && x->n == y->n &&
         y->h == size_after(x->h, c->pad_h, w->h, c->stride_h) &&
         y->w == size_after(x->w, c->pad_w, w->w, c->stride_w);
}

enum { LOOSE, UNSUPPORTED, GOOD }; /* algorithms of each pass */

template <class Found, class Algorithm>
static cudnnStatus_t offer(Found *found, int asked, int *count, Algorithm loose, Algorithm unsupported,
                           Algorithm good) {
  const Found all[] = {
      {loose, CUDNN_STATUS_SUCCESS, 1, 0, CUDNN_NON_DETERMINISTIC, CUDNN_FMA_MATH, {}},
      {unsupported, CUDNN_STATUS_SUCCESS, 2, 0, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, {}},
      {good, CUDNN_STATUS_SUCCESS, 3, 0, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, {}},
  };
  *count = asked < 3 ? asked : 3;
  for (int i = 0; i < *count; i++) found[i] = all[i];
  return CUDNN_STATUS_SUCCESS;
}

static size_t workspace_of(const EmulatedTensor *y) { return (size_t)y->h * 4 + 4; }

static cudnnStatus_t tell_workspace(const EmulatedTensor *y, int algorithm, size_t *bytes) {
  *bytes = workspace_of(y);
  return algorithm == UNSUPPORTED ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}

struct Pass {
  const EmulatedTensor *x_is, *y_is;
  const EmulatedFilter *w_is;
  const EmulatedConvolution *convolution;
  float alpha, beta;
};

static void check(cudnnHandle_t handle, const Pass &pass, int algorithm, void *workspace, size_t bytes,
                  const void *x, const void *w, const void *y) {
  const void *pointers[] = {x, w, y, workspace};
  emulator::on_a_stream("cuDNN", handle->queue);
  if (!fits(pass.x_is, pass.w_is, pass.convolution, pass.y_is)) fail("cuDNN: the shapes do not fit together");
  if (algorithm != GOOD) fail("cuDNN: this algorithm is not deterministic, or not supported");
  if (pass.convolution->math != CUDNN_FMA_MATH) fail("cuDNN: TF32 is allowed");
  if (bytes < workspace_of(pass.y_is)) fail("cuDNN: a workspace of %zu bytes", bytes);
  for (const void *p : pointers)
    if ((uintptr_t)p % 16) fail("cuDNN: a pointer is not aligned");
  memset(workspace, 0xff, bytes);
}

/* Calls visit(x index, w index, y index) for every product of a pass, those of one output in a row. */
template <class Visit> static void products(const Pass &pass, Visit visit) {
  const EmulatedTensor &x = *pass.x_is, &y = *pass.y_is;
  const EmulatedFilter &w = *pass.w_is;
  const EmulatedConvolution &c = *pass.convolution;
  for (int n = 0; n < y.n; n++)
    for (int h = 0; h < y.h; h++)
      for (int column = 0; column < y.w; column++)
        for (int k = 0; k < y.c; k++)
          for (int i = 0; i < w.h * w.w; i++) {
            int hx = h * c.stride_h - c.pad_h + i / w.w, wx = column * c.stride_w - c.pad_w + i % w.w;
            if (hx < 0 || hx >= x.h || wx < 0 || wx >= x.w) continue;
            visit((((size_t)n * x.h + hx) * x.w + wx) * x.c + k / (w.k / c.groups), (size_t)k * w.h * w.w + i,
                  (((size_t)n * y.h + h) * y.w + column) * y.c + k);
          }
}

/* beta 0 assigns, whatever stood there. */
static void keep(float *p, size_t n, float beta) {
  for (size_t i = 0; i < n; i++) p[i] = beta == 0 ? 0 : beta * p[i];
}

static size_t elements(const EmulatedTensor *t) { return (size_t)t->n * t->c * t->h * t->w; }

static Pass pass_of(cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t y, cudnnFilterDescriptor_t w,
                    cudnnConvolutionDescriptor_t convolution, const void *alpha, const void *beta) {
  return {x, y, w, convolution, *static_cast<const float *>(alpha), *static_cast<const float *>(beta)};
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t convolution,
                                                     cudnnTensorDescriptor_t y, int asked, int *count,
                                                     cudnnConvolutionFwdAlgoPerf_t *found) {
  if (!fits(x, w, convolution, y)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, asked, count, EMULATED_FORWARD_0, EMULATED_FORWARD_1, EMULATED_FORWARD_2);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t,
                                                      cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
  return tell_workspace(y, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t x_is,
                                      const void *x, cudnnFilterDescriptor_t w_is, const void *w,
                                      cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *workspace, size_t bytes,
                                      const void *beta, cudnnTensorDescriptor_t y_is, void *y) {
  Pass pass = pass_of(x_is, y_is, w_is, convolution, alpha, beta);
  const float *from = static_cast<const float *>(x), *weight = static_cast<const float *>(w);
  float *to = static_cast<float *>(y);
  emulator::DeviceMemory unlocked;
  check(handle, pass, algorithm, workspace, bytes, x, w, y);
  keep(to, elements(y_is), pass.beta);
  products(pass, [&](size_t xi, size_t wi, size_t yi) { to[yi] += pass.alpha * weight[wi] * from[xi]; });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t convolution,
                                                          cudnnTensorDescriptor_t dx, int asked, int *count,
                                                          cudnnConvolutionBwdDataAlgoPerf_t *found) {
  if (!fits(dx, w, convolution, dy)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, asked, count, EMULATED_DATA_0, EMULATED_DATA_1, EMULATED_DATA_2);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t,
    cudnnTensorDescriptor_t, cudnnConvolutionBwdDataAlgo_t algorithm, size_t *bytes) {
  return tell_workspace(dy, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           cudnnFilterDescriptor_t w_is, const void *w,
                                           cudnnTensorDescriptor_t dy_is, const void *dy,
                                           cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void *workspace,
                                           size_t bytes, const void *beta, cudnnTensorDescriptor_t dx_is,
                                           void *dx) {
  Pass pass = pass_of(dx_is, dy_is, w_is, convolution, alpha, beta);
  const float *from = static_cast<const float *>(dy), *weight = static_cast<const float *>(w);
  float *to = static_cast<float *>(dx);
  emulator::DeviceMemory unlocked;
  check(handle, pass, algorithm, workspace, bytes, dx, w, dy);
  keep(to, elements(dx_is), pass.beta);
  products(pass, [&](size_t xi, size_t wi, size_t yi) { to[xi] += pass.alpha * weight[wi] * from[yi]; });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t convolution,
                                                            cudnnFilterDescriptor_t dw, int asked, int *count,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t *found) {
  if (!fits(x, dw, convolution, dy)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, asked, count, EMULATED_FILTER_0, EMULATED_FILTER_1, EMULATED_FILTER_2);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t, cudnnTensorDescriptor_t, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t,
    cudnnFilterDescriptor_t, cudnnConvolutionBwdFilterAlgo_t algorithm, size_t *bytes) {
  return tell_workspace(dy, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
                                             cudnnTensorDescriptor_t x_is, const void *x,
                                             cudnnTensorDescriptor_t dy_is, const void *dy,
                                             cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void *workspace,
                                             size_t bytes, const void *beta, cudnnFilterDescriptor_t dw_is,
                                             void *dw) {
  Pass pass = pass_of(x_is, dy_is, dw_is, convolution, alpha, beta);
  const float *from = static_cast<const float *>(x), *gradient = static_cast<const float *>(dy);
  float *to = static_cast<float *>(dw);
  emulator::DeviceMemory unlocked;
  check(handle, pass, algorithm, workspace, bytes, x, dw, dy);
  keep(to, (size_t)dw_is->k * dw_is->h * dw_is->w, pass.beta);
  products(pass, [&](size_t xi, size_t wi, size_t yi) { to[wi] += pass.alpha * gradient[yi] * from[xi]; });
  return CUDNN_STATUS_SUCCESS;
}
