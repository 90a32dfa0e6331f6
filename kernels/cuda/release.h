/* What an operation keeps with a stream, freed when the stream is. */
#ifndef JARGON_KERNELS_CUDA_RELEASE_H
#define JARGON_KERNELS_CUDA_RELEASE_H

#include "kernels/types.h"

void gemm_release(Stream *stream);
void adamw_release(Stream *stream);
void cudnn_release(Stream *stream);

#endif
