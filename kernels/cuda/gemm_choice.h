/* Who makes the products of matrices: cuBLASLt, or, where JARGON_GEMM is "own", the kernel of gemm_own.cuh.
 */
#ifndef JARGON_KERNELS_CUDA_GEMM_CHOICE_H
#define JARGON_KERNELS_CUDA_GEMM_CHOICE_H

#include <stddef.h>

/* Reads JARGON_GEMM. False, with the reason in `why`, where it is another value; unset or empty is cuBLASLt.
 */
bool gemm_open(char *why, size_t why_size);

/* ", cuBLASLt 13.1.0 for products", or ", our own products". */
const char *gemm_describe(void);

#endif
