/* Log-mel features from 16-bit samples, as transformers' ParakeetFeatureExtractor computes them:
 *   x = samples / 32768; pre-emphasis x[n] -= a x[n - 1] over the whole signal (x[0] stays);
 *   frames of n_fft centred on multiples of hop (n_fft / 2 zeros before and after), times a symmetric Hann window of
 *   win_length centred in n_fft; power spectrum; Slaney mel filters with area normalisation; log(m + 2^-24);
 *   T = floor(samples / hop) frames; each bin minus its mean over the T frames, over (its standard deviation with
 *   T - 1, plus 1e-5); for T = 1 the variance is taken as 0.
 * An utterance with fewer samples than hop has no frames.
 *
 * SpecAugment (Park et al. 2019, arXiv 1904.08779) sets bands of bins and spans of frames to 0, the mean. */
#ifndef JARGON_KERNELS_FRONTEND_H
#define JARGON_KERNELS_FRONTEND_H

#include "kernels/types.h"

typedef struct FrontendConfig {
  int sample_rate; /* Hz */
  int n_fft, win_length, hop_length;
  int n_mels;
  float preemphasis;
} FrontendConfig;

/* Frames of an utterance of that many samples. */
static inline int32_t frontend_frames(const FrontendConfig *config, int64_t samples) {
  return (int32_t)(samples / config->hop_length);
}

/* The tables (window, filters, transform) in backend memory. */
typedef struct Frontend Frontend;
typedef Frontend *FrontendNew(const FrontendConfig *config);
typedef void FrontendFree(Frontend *frontend);

/* Assigns features (R, n_mels) float; samples of utterance u: samples[sample_offsets[u] .. sample_offsets[u + 1] - 1].
 * rows.offsets are the caller's, by frontend_frames(). */
typedef void FrontendForward(Stream *stream, const Frontend *frontend, float *features, const int16_t *samples,
                             const int64_t *sample_offsets, Rows rows);

typedef struct SpecAugmentConfig {
  int freq_masks, freq_width; /* bands; most bins of one */
  int time_masks;             /* spans an utterance */
  float time_ratio;           /* longest span as a share of the utterance's frames */
} SpecAugmentConfig;

/* Masks features (R, C) in place. Width uniform in 0..most, start uniform in what is left. */
typedef void SpecAugment(Stream *stream, float *features, Rows rows, int C, SpecAugmentConfig config, RandomKey key);

BACKEND_FUNCTION(FrontendNew, frontend_new);
BACKEND_FUNCTION(FrontendFree, frontend_free);
BACKEND_FUNCTION(FrontendForward, frontend_forward);
BACKEND_FUNCTION(SpecAugment, spec_augment);

#endif
