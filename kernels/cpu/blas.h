/* OpenBLAS, opened at run time: its serial flavour, under our own tiles (kernels/cpu/gemm.c).
 *
 * Opened by path, because Debian's flavours share one name and the threaded ones lose half their speed inside
 * OpenMP code; at run time, because OpenBLAS reads OPENBLAS_CORETYPE as it is loaded and 0.3.21 takes CPUs
 * younger than itself for a Haswell. */
#ifndef JARGON_KERNELS_CPU_BLAS_H
#define JARGON_KERNELS_CPU_BLAS_H

#include <stdbool.h>
#include <stddef.h>

enum { BLAS_ROW_MAJOR = 101, BLAS_NO_TRANS = 111, BLAS_TRANS = 112 };

/* C (M, N) = alpha op(A) (M, K) op(B) (K, N) + beta C, as the C interface of BLAS defines it. */
typedef void BlasSgemm(int order, int transA, int transB, int M, int N, int K, float alpha, const float *A,
                       int lda, const float *B, int ldb, float beta, float *C, int ldc);

/* Opens the library, once: the file named by JARGON_BLAS, else the first found where distributions put the
 * serial flavour. False, with the reason in `why`, when there is none. Call it from one thread. */
bool blas_open(char *why, size_t why_size);

/* Of the opened library. */
extern BlasSgemm *blas_sgemm;
const char *blas_describe(void); /* version, flavour and core type */

#endif
