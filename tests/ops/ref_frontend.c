#include "tests/ops/ref_frontend.h"

#include <math.h>
#include <stdlib.h>

/* Slaney's scale: 200/3 Hz a mel below 1 kHz, 27 mel for each factor of 6.4 above. */
static double to_hertz(double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * pow(6.4, (mel - 15) / 27); }

static double to_mel(double hertz) {
  return hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * log(hertz / 1000) / log(6.4);
}

/* The weight of a frequency in filter m: a triangle of area 1. */
static double filter(const FrontendConfig *c, int m, double hertz) {
  double top = to_mel(c->sample_rate / 2.0), left = to_hertz(top * m / (c->n_mels + 1)),
         centre = to_hertz(top * (m + 1) / (c->n_mels + 1)),
         right = to_hertz(top * (m + 2) / (c->n_mels + 1));
  if (hertz <= left || hertz >= right) return 0;
  return (hertz < centre ? (hertz - left) / (centre - left) : (right - hertz) / (right - centre)) * 2 /
         (right - left);
}

/* power (n_fft / 2 + 1) of the frame around sample `centre`. */
static void power_of(double *power, const double *x, int count, int centre, const FrontendConfig *c,
                     const double *cosine, const double *sine) {
  int N = c->n_fft, pad = (N - c->win_length) / 2;
  double *frame = calloc((size_t)N, sizeof *frame);
  for (int i = 0; i < c->win_length; i++) {
    int n = centre - N / 2 + pad + i;
    if (n >= 0 && n < count) frame[pad + i] = x[n] * (0.5 - 0.5 * cos(2 * M_PI * i / (c->win_length - 1)));
  }
  for (int k = 0; k <= N / 2; k++) {
    double re = 0, im = 0;
    for (int i = 0; i < N; i++) re += frame[i] * cosine[i * k % N], im += frame[i] * sine[i * k % N];
    power[k] = re * re + im * im;
  }
  free(frame);
}

void ref_frontend(double *features, const int16_t *samples, int count, const FrontendConfig *c) {
  int N = c->n_fft, T = count / c->hop_length, M = c->n_mels;
  double *x = calloc((size_t)count + 1, sizeof *x), *power = calloc((size_t)N, sizeof *power),
         *turns = calloc(2 * (size_t)N, sizeof *turns);
  for (int i = 0; i < N; i++) turns[i] = cos(2 * M_PI * i / N), turns[N + i] = sin(2 * M_PI * i / N);
  double *filters = calloc((size_t)(M * N), sizeof *filters);
  for (int m = 0; m < M; m++)
    for (int k = 0; k <= N / 2; k++) filters[m * N + k] = filter(c, m, (double)k * c->sample_rate / N);
  for (int n = 0; n < count; n++)
    x[n] = (samples[n] - (n > 0 ? (double)c->preemphasis * samples[n - 1] : 0)) / 32768;
  for (int t = 0; t < T; t++) {
    power_of(power, x, count, t * c->hop_length, c, turns, turns + N);
    for (int m = 0; m < M; m++) {
      double sum = 0;
      for (int k = 0; k <= N / 2; k++) sum += power[k] * filters[m * N + k];
      features[t * M + m] = log(sum + 0x1p-24);
    }
  }
  for (int m = 0; m < M; m++) {
    double mean = 0, variance = 0;
    for (int t = 0; t < T; t++) mean += features[t * M + m] / T;
    for (int t = 0; T > 1 && t < T; t++) variance += pow(features[t * M + m] - mean, 2) / (T - 1);
    for (int t = 0; t < T; t++) features[t * M + m] = (features[t * M + m] - mean) / (sqrt(variance) + 1e-5);
  }
  free(filters);
  free(x);
  free(power);
  free(turns);
}
