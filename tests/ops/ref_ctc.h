/* kernels/ctc.h in double, as its formula stands, for one utterance of T frames and S labels. */
#ifndef JARGON_TESTS_REF_CTC_H
#define JARGON_TESTS_REF_CTC_H

#include <stdint.h>

/* logits (T, V). Infinity when no path fits. */
double ref_ctc_loss(const double *logits, const int32_t *labels, int T, int S, int V, int blank);

/* dlogits (T, V) are assigned; the loss must be finite. */
void ref_ctc_gradient(double *dlogits, const double *logits, const int32_t *labels, int T, int S, int V,
                      int blank, double scale);

#endif
