/* The modules of the conformer (Gulati et al. 2020, arXiv 2005.08100), each in a file of its own.
 *
 * The four modules of a block are residual units, y = x + scale drop(f(layer norm(x))), over x, y (R, C) with
 * R the encoder's rows. Forward assigns y; y may be x when no backward follows. Backward works in place: dx
 * is the gradient of y on entry and of x on return; it releases what it took from the arena. */
#ifndef JARGON_MODEL_MODULES_H
#define JARGON_MODEL_MODULES_H

#include "src/model/layers.h"

/* f(n) = W2 drop(silu(W1 n)): feedforward.c */
typedef struct FeedForward {
  Norm norm;
  Linear linear1, linear2;
  float activation_dropout, dropout;
  uint32_t site; /* of the activation; the residual's is site + 1 */
} FeedForward;

typedef struct FeedForwardSaved {
  NormSaved norm;
  void *n;     /* (R, C) layer norm(x) */
  void *h, *a; /* (R, F) W1 n, and drop(silu(h)) */
} FeedForwardSaved;

FeedForward feedforward_build(Params *params, const ModelConfig *config, const char *prefix,
                              const char *norm_prefix, uint32_t site);
void feedforward_forward(const Context *ctx, const FeedForward *ff, FeedForwardSaved *saved, void *y,
                         const void *x);
void feedforward_backward(const Context *ctx, const FeedForward *ff, const FeedForwardSaved *saved, void *dx);

/* f(n) = Wo attention(Wq n, Wk n, Wv n, Wp positions): attention.c, kernels/attention.h */
typedef struct Attention {
  Norm norm;
  Linear q, k, v, o, position;
  int bias_u, bias_v; /* (H, D) */
  int H, D;
  float attention_dropout, dropout;
  uint32_t site; /* of the probabilities; the residual's is site + 1 */
} Attention;

typedef struct AttentionSaved {
  NormSaved norm;
  const void *positions; /* (2 T_max - 1, C) sinusoids */
  void *n;               /* (R, C) layer norm(x) */
  void *q, *k, *v, *y;   /* (R, H D); y: the heads' outputs */
  void *p;               /* (2 T_max - 1, H D) projected positions */
  float *lse;            /* (R, H) */
} AttentionSaved;

Attention attention_build(Params *params, const ModelConfig *config, const char *prefix,
                          const char *norm_prefix, uint32_t site);
void attention_forward(const Context *ctx, const Attention *att, AttentionSaved *saved, void *y,
                       const void *x, const void *positions);
void attention_backward(const Context *ctx, const Attention *att, const AttentionSaved *saved, void *dx);

/* f(n) = W2 silu(batch norm(depthwise(glu(W1 n)))): convolution.c */
typedef struct Convolution {
  Norm norm;
  Linear pointwise1, pointwise2;
  int depthwise_weight, depthwise_bias;
  int batchnorm_weight, batchnorm_bias;
  int running_mean, running_var; /* buffers */
  int C, K;
  float dropout;
  uint32_t site; /* of the residual */
} Convolution;

typedef struct ConvolutionSaved {
  NormSaved norm;
  void *n;             /* (R, C) layer norm(x) */
  void *u;             /* (R, 2 C) W1 n */
  void *g, *d, *b, *s; /* (R, C) after GLU, depthwise, batch norm, SiLU */
  float *mean, *rstd;  /* (C) of the batch */
} ConvolutionSaved;

Convolution convolution_build(Params *params, Params *buffers, const ModelConfig *config, const char *prefix,
                              const char *norm_prefix, uint32_t site);
void convolution_forward(const Context *ctx, const Convolution *conv, ConvolutionSaved *saved, void *y,
                         const void *x);
void convolution_backward(const Context *ctx, const Convolution *conv, const ConvolutionSaved *saved,
                          void *dx);

/* x -> half feed-forward -> attention -> convolution -> half feed-forward -> layer norm: block.c */
typedef struct Block {
  FeedForward feedforward1, feedforward2;
  Attention attention;
  Convolution convolution;
  Norm norm_out;
  int C;
} Block;

typedef struct BlockSaved {
  bool skipped; /* by layer drop */
  FeedForwardSaved feedforward1, feedforward2;
  AttentionSaved attention;
  ConvolutionSaved convolution;
  NormSaved norm_out;
} BlockSaved;

Block block_build(Params *params, Params *buffers, const ModelConfig *config, int layer);
/* Returns y: a new array in training, x itself (overwritten) in inference, where scratch is given back as
 * well. */
void *block_forward(const Context *ctx, const Block *block, BlockSaved *saved, void *x,
                    const void *positions);
void block_backward(const Context *ctx, const Block *block, const BlockSaved *saved, void *dx);

/* Features (R_0, mels) -> (R, C): strided convolutions with ReLU between, then a linear layer: subsampling.c.
 * levels[0] are the features' rows, levels[i] those after the i-th convolution; levels[stages] the encoder's.
 */
enum { STAGES_MAX = 4 };

typedef struct Subsampling {
  int stages;                               /* log2 of the factor */
  int weight[STAGES_MAX], bias[STAGES_MAX]; /* of the strided convolutions */
  Linear pointwise[STAGES_MAX];             /* after each but the first */
  Linear linear;
  int mels, channels, K;
} Subsampling;

typedef struct SubsamplingSaved {
  const float *features;
  void *d[STAGES_MAX]; /* (R_i F_i, channels) after the strided convolution; not for stage 0 */
  void *y[STAGES_MAX]; /* (R_i F_i, channels) after ReLU */
  void *flat;          /* (R, channels F) as the linear layer reads it */
} SubsamplingSaved;

Subsampling subsampling_build(Params *params, const ModelConfig *config);
void subsampling_forward(const Context *ctx, const Subsampling *sub, SubsamplingSaved *saved, void *y,
                         const float *features, const Rows *levels);
void subsampling_backward(const Context *ctx, const Subsampling *sub, const SubsamplingSaved *saved,
                          const void *dy, const Rows *levels);

#endif
