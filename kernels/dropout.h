/* Dropout and the residual branch (Srivastava et al. 2014): h is kept with probability 1 - p and divided by 1 - p,
 * by random bits of (seed, step, site, utterance, frame, channel): kernels/random.h. p = 0 keeps all and draws none.
 * The mask is drawn again in backward, not stored.
 *
 *   dropout   y = drop(h)                 dh = drop(dy), the same mask
 *   residual  y = x + scale drop(h)       dh = scale drop(dy); dx = dy needs no operation
 *
 * x, h, y (R, C) activations, R = rows.R. Outputs are assigned; y may be x or h, dh may be dy. Spare rows become 0. */
#ifndef JARGON_KERNELS_DROPOUT_H
#define JARGON_KERNELS_DROPOUT_H

#include "kernels/types.h"

/* Forward, and its own backward with dy for h. */
typedef void Dropout(Stream *stream, void *y, const void *h, Rows rows, int C, float p, RandomKey key);

typedef void ResidualForward(Stream *stream, void *y, const void *x, const void *h, Rows rows, int C, float scale,
                             float p, RandomKey key);
typedef void ResidualBackward(Stream *stream, void *dh, const void *dy, Rows rows, int C, float scale, float p,
                              RandomKey key);

/* y = a + b, and y = scale x, n elements; y may be an input. */
typedef void Add(Stream *stream, void *y, const void *a, const void *b, size_t n);
typedef void Scale(Stream *stream, void *y, const void *x, float scale, size_t n);

BACKEND_FUNCTION(Dropout, dropout);
BACKEND_FUNCTION(ResidualForward, residual_forward);
BACKEND_FUNCTION(ResidualBackward, residual_backward);
BACKEND_FUNCTION(Add, add);
BACKEND_FUNCTION(Scale, scale);

#endif
