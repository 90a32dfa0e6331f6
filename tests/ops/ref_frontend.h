/* kernels/frontend.h in double, as its formula stands, for one utterance. */
#ifndef JARGON_TESTS_REF_FRONTEND_H
#define JARGON_TESTS_REF_FRONTEND_H

#include "kernels/frontend.h"

/* features (T, n_mels), T = samples / hop_length. */
void ref_frontend(double *features, const int16_t *samples, int count, const FrontendConfig *config);

#endif
