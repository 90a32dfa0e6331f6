/* kernels/adamw.h, naively in double. */
#ifndef JARGON_TESTS_REF_ADAMW_H
#define JARGON_TESTS_REF_ADAMW_H

#include "kernels/adamw.h"

double ref_gradient_norm(const double *g, const AdamwSegment *segments, int count);
void ref_adamw_step(double *w, double *m, double *v, const double *g, double norm,
                    int updates, const AdamwSegment *segments, int count, AdamwConfig config);

#endif
