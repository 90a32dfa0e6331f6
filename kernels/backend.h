/* The table of operations, and how a backend is found. A backend is one device and one activation type. */
#ifndef JARGON_KERNELS_BACKEND_H
#define JARGON_KERNELS_BACKEND_H

#include "kernels/activation.h"
#include "kernels/adamw.h"
#include "kernels/attention.h"
#include "kernels/batchnorm.h"
#include "kernels/conv2d.h"
#include "kernels/ctc.h"
#include "kernels/depthwise.h"
#include "kernels/dropout.h"
#include "kernels/frontend.h"
#include "kernels/gemm.h"
#include "kernels/layernorm.h"
#include "kernels/memory.h"
#include "kernels/softmax.h"
#include "kernels/tally.h"
#include "kernels/types.h"

/* Every operation once: the table's fields, its initialiser and the check for holes all follow from this
 * list. */
#define BACKEND_OPERATIONS(X)                                                                                \
  X(StreamNew, stream_new)                                                                                   \
  X(StreamFree, stream_free)                                                                                 \
  X(StreamSync, stream_sync)                                                                                 \
  X(StreamMark, stream_mark)                                                                                 \
  X(StreamWait, stream_wait)                                                                                 \
  X(MemoryNew, memory_new)                                                                                   \
  X(MemoryFree, memory_free)                                                                                 \
  X(HostNew, host_new)                                                                                       \
  X(HostFree, host_free)                                                                                     \
  X(MemoryUpload, memory_upload)                                                                             \
  X(MemoryDownload, memory_download)                                                                         \
  X(MemoryZero, memory_zero)                                                                                 \
  X(MemoryCast, memory_cast)                                                                                 \
  X(FrontendNew, frontend_new)                                                                               \
  X(FrontendFree, frontend_free)                                                                             \
  X(FrontendForward, frontend_forward)                                                                       \
  X(SpecAugment, spec_augment)                                                                               \
  X(Conv2dForward, conv2d_forward)                                                                           \
  X(Conv2dBackward, conv2d_backward)                                                                         \
  X(DepthwiseConv2dForward, depthwise_conv2d_forward)                                                        \
  X(DepthwiseConv2dBackward, depthwise_conv2d_backward)                                                      \
  X(TransposeInner, transpose_inner)                                                                         \
  X(GemmForward, gemm_forward)                                                                               \
  X(GemmBackwardInput, gemm_backward_input)                                                                  \
  X(GemmBackwardWeight, gemm_backward_weight)                                                                \
  X(LayernormForward, layernorm_forward)                                                                     \
  X(LayernormBackward, layernorm_backward)                                                                   \
  X(ReluForward, relu_forward)                                                                               \
  X(ReluBackward, relu_backward)                                                                             \
  X(SiluForward, silu_forward)                                                                               \
  X(SiluBackward, silu_backward)                                                                             \
  X(GluForward, glu_forward)                                                                                 \
  X(GluBackward, glu_backward)                                                                               \
  X(Dropout, dropout)                                                                                        \
  X(ResidualForward, residual_forward)                                                                       \
  X(ResidualBackward, residual_backward)                                                                     \
  X(Add, add)                                                                                                \
  X(Scale, scale)                                                                                            \
  X(DepthwiseForward, depthwise_forward)                                                                     \
  X(DepthwiseBackward, depthwise_backward)                                                                   \
  X(BatchnormForward, batchnorm_forward)                                                                     \
  X(BatchnormBackward, batchnorm_backward)                                                                   \
  X(BatchnormInfer, batchnorm_infer)                                                                         \
  X(AttentionForward, attention_forward)                                                                     \
  X(AttentionBackward, attention_backward)                                                                   \
  X(SoftmaxForward, softmax_forward)                                                                         \
  X(SoftmaxBackward, softmax_backward)                                                                       \
  X(LogSoftmaxForward, log_softmax_forward)                                                                  \
  X(LogSoftmaxBackward, log_softmax_backward)                                                                \
  X(CtcLoss, ctc_loss)                                                                                       \
  X(GreedyDecode, greedy_decode)                                                                             \
  X(TallyBatch, tally_batch)                                                                                 \
  X(TallyStep, tally_step)                                                                                   \
  X(TallyKeep, tally_keep)                                                                                   \
  X(GradientNorm, gradient_norm)                                                                             \
  X(AdamwStep, adamw_step)

typedef struct Backend {
  const char *name;              /* "cpu", "cuda" or "dry" */
  DType dtype;                   /* of activations and of the weights that products read */
  const char *operations;        /* BACKEND_LAYOUT of the build that made the table: another one is refused */
  const char *(*describe)(void); /* the line of backend_describe() */
#define X(Type, operation) Type *operation;
  BACKEND_OPERATIONS(X)
#undef X
} Backend;

/* The list as text: tells tables of different builds apart. */
#define BACKEND_LAYOUT_X(Type, operation) #Type " " #operation ";"
#define BACKEND_LAYOUT BACKEND_OPERATIONS(BACKEND_LAYOUT_X)

/* The CPU backend's table of that type; NULL with the reason in `why`. libjargon_cuda.so exports the same
 * under the name "jargon_cuda_backend"; there NULL means that the machine has no usable device. */
typedef const Backend *BackendExport(DType dtype, char *why, size_t why_size);
JARGON_EXTERN BackendExport jargon_cpu_backend;

/* The backend called `device` ("cpu", "cuda", or "auto": cuda where there is one, else cpu) with that
 * activation type. NULL, with the reason in `why`, when there is none; never another one silently. A table
 * with a hole is refused. JARGON_CUDA names the library to open instead of the libjargon_cuda.so beside the
 * program; JARGON_CUDNN has cuda make its convolutions with cuDNN, JARGON_GEMM=own its products with our own
 * kernel (README.md). Not thread-safe. */
const Backend *backend_open(const char *device, DType dtype, char *why, size_t why_size);

/* How the choice of `device` ended: "device=cuda", "device=cpu", or "device=cpu (no CUDA found)" where it was
 * auto. */
const char *backend_choice(const char *device, const Backend *backend);

/* One line on what the backend computes with: device, threads, width of the vectors. */
const char *backend_describe(const Backend *backend);

/* A backend whose operations do nothing: the shape-only pass that sizes an arena (src/base/arena.h). */
const Backend *backend_dry(DType dtype);

#endif
