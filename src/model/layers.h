/* What the conformer's modules share: the context of one pass, and the two layers that occur everywhere,
 * linear and layer norm.
 *
 * A module is a struct of parameter indices and sizes, with three functions next to each other: build
 * registers its parameters, forward fills a <Module>Saved with the activations that backward reads, backward
 * mirrors forward. Everything a pass allocates comes from the context's arena; the caller releases it. */
#ifndef JARGON_MODEL_LAYERS_H
#define JARGON_MODEL_LAYERS_H

#include "src/model/params.h"

typedef struct Context {
  const Backend *kernels;
  Stream *stream;
  Arena *arena;
  const Params *params, *buffers; /* names and places */
  float *weights;                 /* master weights */
  char *weights_cast;             /* the same in the activation type, for products */
  float *gradients;               /* NULL in inference */
  float *buffer_values;
  bool training; /* dropout, and the batch's statistics in batch norm */
  RandomKey key; /* its site is set where it is used */
  Rows rows;     /* of the encoder's frames, after subsampling */
} Context;

/* Where random numbers are drawn. Block l has the sites SITE_BLOCKS + l SITES_PER_BLOCK and up. */
enum { SITE_AUGMENT, SITE_INPUT, SITE_POSITIONS, SITE_LAYERDROP, SITE_BLOCKS = 16, SITES_PER_BLOCK = 8 };

/* "<prefix>.<name>" into out (128 bytes); returns out. */
const char *name_in(char *out, const char *prefix, const char *name);

/* A parameter in the master weights, and its gradient; NULL for PARAM_NONE. */
float *param_weight(const Context *ctx, int index);
float *param_gradient(const Context *ctx, int index);
float *param_buffer(const Context *ctx, int index);

/* (R, C) activations, or floats, from the arena. */
void *take_rows(const Context *ctx, size_t R, size_t C);
float *take_floats(const Context *ctx, size_t count);

RandomKey key_at(const Context *ctx, uint32_t site);
/* The probability in training, 0 in inference. */
float dropout_rate(const Context *ctx, float p);

/* y (R, C) = drop(y), in place: nothing to do for p = 0. Also its own backward. */
void dropout_in_place(const Context *ctx, void *y, int C, float p, uint32_t site);

/* y = x w^T + b: x (M, K), w (N, K), y (M, N). */
typedef struct Linear {
  int weight, bias; /* bias may be PARAM_NONE */
  int N, K;
} Linear;

/* `ndim` 3 and 4: the pointwise convolution, whose weight has trailing dimensions of 1. */
Linear linear_build(Params *params, const char *prefix, int N, int K, bool bias, int ndim);
void linear_forward(const Context *ctx, const Linear *linear, void *y, const void *x, int M);
/* Assigns dx unless it is NULL; accumulates the parameters' gradients. */
void linear_backward(const Context *ctx, const Linear *linear, void *dx, const void *dy, const void *x,
                     int M);

typedef struct Norm {
  int weight, bias;
  int C;
} Norm;

typedef struct NormSaved {
  const void *x;
  float *mean, *rstd;
} NormSaved;

Norm norm_build(Params *params, const char *prefix, int C);
/* y (R, C), R the encoder's rows. */
void norm_forward(const Context *ctx, const Norm *norm, NormSaved *saved, void *y, const void *x);
/* dx may be dy. */
void norm_backward(const Context *ctx, const Norm *norm, const NormSaved *saved, void *dx, const void *dy);

#endif
