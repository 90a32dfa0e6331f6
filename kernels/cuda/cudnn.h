/* cuDNN's convolutions of one float image, for conv2d_cudnn.cuh. The library is opened at run time, when
 * JARGON_CUDNN names it (libjargon_cuda.so does not need it), through the part of its interface that version
 * 9 calls legacy. Only algorithms that cuDNN itself calls deterministic; float throughout, no TF32. */
#ifndef JARGON_KERNELS_CUDA_CUDNN_H
#define JARGON_KERNELS_CUDA_CUDNN_H

#include "kernels/conv2d.h"

/* Channels last: x (stride height, F_in, C or 1), weight (C, K, K), y (height, F_out, C), padding (K - 1)
 * / 2. */
typedef struct CudnnShape {
  Conv2dShape conv;
  bool depthwise;
  int height;
} CudnnShape;

enum CudnnPass {
  FORWARD_PASS, /* y = weight * x */
  INPUT_PASS,   /* dx from dy and weight */
  WEIGHT_PASS,  /* dweight += from dy and x */
};

/* Opens the library that JARGON_CUDNN names. False when it cannot, with the reason in `why`; true, and
 * nothing is done, when the variable is unset or empty. */
bool cudnn_open(char *why, size_t why_size);

/* Whether it is open: then it makes the convolutions. */
bool cudnn_chosen(void);

/* ", cuDNN 9.19.0 for convolutions", or "". */
const char *cudnn_describe(void);

/* Bytes of workspace that cudnn_run() takes. Chooses the algorithm when first asked for such a convolution of
 * any height. */
size_t cudnn_workspace(Stream *stream, CudnnPass pass, CudnnShape shape);

/* Pointers are 256-aligned, in backend memory. x, weight and y are the images or their gradients. */
void cudnn_run(Stream *stream, CudnnPass pass, CudnnShape shape, float *x, float *weight, float *y,
               void *workspace);

#endif
