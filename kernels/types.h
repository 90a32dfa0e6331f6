/* What every operation shares: shape letters, packed rows, activation types, the random key.
 *
 * Shape letters: R rows, U utterances, T frames of one utterance, C channels, H heads, D channels of a head,
 * V vocabulary, S labels, K kernel width, M/N/K of a product.
 *
 * Packed rows: the frames of all utterances stand one after the other, (R, C) row-major, with no padding between
 * them.  Rows at and after offsets[U] (spare rows, when a caller wants a fixed R) are zero and take part in no
 * statistic, gradient or loss. */
#ifndef JARGON_KERNELS_TYPES_H
#define JARGON_KERNELS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef enum DType { DTYPE_F32, DTYPE_BF16 } DType;

static inline size_t dtype_size(DType type) { return type == DTYPE_F32 ? 4 : 2; }

/* How packed rows divide into utterances. `offsets` lies in backend memory and has U + 1 entries. */
typedef struct Rows {
  int U;                  /* utterances */
  int R;                  /* rows allocated, spare ones included */
  int T_max;              /* frames of the longest utterance */
  const int32_t *offsets; /* utterance u has rows offsets[u] .. offsets[u + 1] - 1 */
} Rows;

/* Names one place where random numbers are drawn. What is drawn is a function of (seed, step, site, utterance,
 * frame, channel), never of the packed row: kernels/random.h. */
typedef struct RandomKey {
  uint64_t seed;
  uint32_t step;              /* optimiser step; the micro-batch does not matter */
  uint32_t site;              /* which dropout of the model */
  const uint32_t *utterances; /* backend memory: U identities (epoch-independent index of each utterance) */
} RandomKey;

/* The queue of a device's work, with its scratch memory. Functions of one stream run in order. */
typedef struct Stream Stream;

/* Code that is the same on every backend, a GPU's threads included. */
#ifdef __CUDACC__
#define JARGON_INLINE static __host__ __device__ inline
#else
#define JARGON_INLINE static inline
#endif

/* Declares the twins of one operation: the same signature for every backend, C linkage, so that a definition that
 * differs does not compile. A backend is one device and one activation type. */
#ifdef __cplusplus
#define JARGON_EXTERN extern "C"
#else
#define JARGON_EXTERN extern
#endif
#define BACKEND_FUNCTION(Type, name)                                                                         \
  JARGON_EXTERN Type cpu_##name;                                                                             \
  JARGON_EXTERN Type cuda_f32_##name;                                                                        \
  JARGON_EXTERN Type cuda_bf16_##name

#endif
