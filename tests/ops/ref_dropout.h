/* kernels/dropout.h, naively in double: y = x + scale drop(h), x NULL for 0. */
#ifndef JARGON_TESTS_REF_DROPOUT_H
#define JARGON_TESTS_REF_DROPOUT_H

#include "kernels/types.h"

/* Of one utterance of T frames with that identity. */
void ref_residual(double *y, const double *x, const double *h, int T, int C, double scale, float p,
                  RandomKey key, uint32_t utterance);

#endif
