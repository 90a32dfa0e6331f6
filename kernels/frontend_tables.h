/* The tables of the front end, the same for both backends: window and mel filters of kernels/frontend.h, on
 * the host. Functions in a header because each backend is linked on its own. */
#ifndef JARGON_KERNELS_FRONTEND_TABLES_H
#define JARGON_KERNELS_FRONTEND_TABLES_H

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/frontend.h"

/* A triangle over the bins first .. first + count - 1 of the spectrum. */
typedef struct MelFilter {
  int first, count;
  int start; /* of its weights */
} MelFilter;

typedef struct FrontendTables {
  float *window;      /* (win_length), over 32768: samples become -1 .. 1 */
  MelFilter *filters; /* (n_mels) */
  float *weights;     /* of all filters, one after the other: a bin lies in at most two */
  int weight_count;
} FrontendTables;

/* Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above. */
static inline double mel_of_hertz(double hertz) {
  return hertz < 1000.0 ? 3.0 * hertz / 200.0 : 15.0 + 27.0 * log(hertz / 1000.0) / log(6.4);
}

static inline double hertz_of_mel(double mel) {
  return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * exp((mel - 15.0) * log(6.4) / 27.0);
}

/* Triangles between neighbours of n_mels + 2 points, equally far in mel, each of area 1 in hertz. */
static inline void frontend_tables_filters(FrontendTables *tables, const FrontendConfig *c) {
  int bins = c->n_fft / 2 + 1;
  double step = mel_of_hertz(c->sample_rate / 2.0) / (c->n_mels + 1),
         bin_hertz = (double)c->sample_rate / c->n_fft;
  for (int m = 0; m < c->n_mels; m++) {
    double left = hertz_of_mel(m * step), centre = hertz_of_mel((m + 1) * step),
           right = hertz_of_mel((m + 2) * step);
    MelFilter *filter = &tables->filters[m];
    filter->start = tables->weight_count;
    for (int k = 0; k < bins; k++) {
      double rising = (k * bin_hertz - left) / (centre - left),
             falling = (right - k * bin_hertz) / (right - centre);
      double height = rising < falling ? rising : falling;
      if (height <= 0) continue;
      if (filter->count == 0) filter->first = k;
      filter->count++;
      tables->weights[tables->weight_count++] = (float)(height * 2.0 / (right - left));
    }
  }
}

static inline FrontendTables frontend_tables_new(const FrontendConfig *config) {
  assert(config->n_fft % 2 == 0 && config->win_length > 1 && config->win_length <= config->n_fft);
  FrontendTables tables;
  tables.window = (float *)malloc(sizeof(float) * (size_t)config->win_length);
  tables.filters = (MelFilter *)calloc((size_t)config->n_mels, sizeof(MelFilter));
  tables.weights = (float *)malloc(sizeof(float) * 2 * (size_t)(config->n_fft / 2 + 1));
  tables.weight_count = 0;
  assert(tables.window && tables.filters && tables.weights);
  for (int i = 0; i < config->win_length; i++)
    tables.window[i] = (float)((0.5 - 0.5 * cos(2.0 * M_PI * i / (config->win_length - 1))) / 32768.0);
  frontend_tables_filters(&tables, config);
  return tables;
}

static inline void frontend_tables_free(FrontendTables *tables) {
  free(tables->window);
  free(tables->filters);
  free(tables->weights);
}

#endif
