/* The network: log-mel front end, subsampling, conformer blocks, CTC head; from samples to logits and back.
 */
#ifndef JARGON_MODEL_CONFORMER_H
#define JARGON_MODEL_CONFORMER_H

#include "src/model/modules.h"

typedef struct Conformer {
  Subsampling subsampling;
  Block *blocks;
  int layers, C;
  Linear head; /* ctc_head: (V, C, 1) */
  float input_scale, dropout, dropout_positions, layerdrop;
} Conformer;

/* One batch in backend memory. */
typedef struct Input {
  const Frontend *frontend;
  const int16_t *samples;
  const int64_t *sample_offsets;
  SpecAugmentConfig augment;   /* in training only */
  Rows levels[STAGES_MAX + 1]; /* of the features, and after each strided convolution */
  const void *positions;       /* (2 T_max - 1, C) sinusoids, of the encoder's T_max */
  Rows position_rows;          /* each position an utterance of its own, for dropout_positions */
  const uint32_t *position_ids;
} Input;

typedef struct ConformerSaved {
  SubsamplingSaved subsampling;
  BlockSaved *blocks; /* as many as layers; the caller's */
  void *x;            /* (R, C) what the head reads */
} ConformerSaved;

Conformer conformer_build(Params *params, Params *buffers, const ModelConfig *config);
void conformer_free(Conformer *conformer);

/* Returns the logits (R, V). */
void *conformer_forward(const Context *ctx, const Conformer *conformer, ConformerSaved *saved,
                        const Input *input);
void conformer_backward(const Context *ctx, const Conformer *conformer, const ConformerSaved *saved,
                        const Input *input, const void *dlogits);

/* The sinusoids of positions T - 1 .. -(T - 1), (2 T - 1, C) floats (Vaswani et al. 2017, arXiv 1706.03762,
 * with sine and cosine interleaved). */
void position_table(float *table, int T, int C);

#endif
