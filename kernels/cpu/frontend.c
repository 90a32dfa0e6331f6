/* Log-mel features and SpecAugment. Frames go to threads one by one; the sums over an utterance's frames that
 * normalise it are in double and in the frames' order. The transform is kissfft's. */
#include "kernels/frontend.h"

#include <assert.h>
#include <kissfft/kiss_fftr.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/math.h"
#include "kernels/cpu/stream.h"
#include "kernels/random.h"

/* A triangle over the bins first .. first + count - 1 of the spectrum. */
typedef struct MelFilter {
  int first, count;
  float *weight; /* (count) */
} MelFilter;

struct Frontend {
  FrontendConfig config;
  float *window; /* (win_length), over 32768: samples become -1 .. 1 */
  MelFilter *filters;
  float *weights; /* of all filters, one after the other */
};

/* Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above. */
static double mel_of_hertz(double hertz) {
  return hertz < 1000.0 ? 3.0 * hertz / 200.0 : 15.0 + 27.0 * log(hertz / 1000.0) / log(6.4);
}

static double hertz_of_mel(double mel) {
  return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * exp((mel - 15.0) * log(6.4) / 27.0);
}

/* Triangles between neighbours of n_mels + 2 points, equally far in mel, each of area 1 in hertz. */
static void filters_new(Frontend *frontend) {
  const FrontendConfig *c = &frontend->config;
  int bins = c->n_fft / 2 + 1;
  double step = mel_of_hertz(c->sample_rate / 2.0) / (c->n_mels + 1),
         bin_hertz = (double)c->sample_rate / c->n_fft;
  frontend->filters = calloc((size_t)c->n_mels, sizeof *frontend->filters);
  frontend->weights = malloc(sizeof(float) * 2 * (size_t)bins); /* a bin lies in at most two */
  assert(frontend->filters && frontend->weights);
  float *weight = frontend->weights;
  for (int m = 0; m < c->n_mels; m++) {
    double left = hertz_of_mel(m * step), centre = hertz_of_mel((m + 1) * step),
           right = hertz_of_mel((m + 2) * step);
    MelFilter *filter = &frontend->filters[m];
    filter->weight = weight;
    for (int k = 0; k < bins; k++) {
      double rising = (k * bin_hertz - left) / (centre - left),
             falling = (right - k * bin_hertz) / (right - centre);
      double height = rising < falling ? rising : falling;
      if (height <= 0) continue;
      if (filter->count == 0) filter->first = k;
      filter->weight[filter->count++] = (float)(height * 2.0 / (right - left));
    }
    weight += filter->count;
  }
}

Frontend *cpu_frontend_new(const FrontendConfig *config) {
  assert(config->n_fft % 2 == 0 && config->win_length > 1 && config->win_length <= config->n_fft);
  Frontend *frontend = calloc(1, sizeof *frontend);
  assert(frontend);
  frontend->config = *config;
  frontend->window = malloc(sizeof(float) * (size_t)config->win_length);
  assert(frontend->window);
  for (int i = 0; i < config->win_length; i++)
    frontend->window[i] = (float)((0.5 - 0.5 * cos(2.0 * M_PI * i / (config->win_length - 1))) / 32768.0);
  filters_new(frontend);
  return frontend;
}

void cpu_frontend_free(Frontend *frontend) {
  if (!frontend) return;
  free(frontend->window);
  free(frontend->filters);
  free(frontend->weights);
  free(frontend);
}

/* Scratch of one thread. kissfft keeps intermediate results in its plan, so each thread has its own. */
typedef struct Workspace {
  kiss_fftr_cfg plan;
  float *frame;           /* (n_fft) */
  kiss_fft_cpx *spectrum; /* (n_fft / 2 + 1) */
  float *power;           /* (n_fft / 2 + 1) */
} Workspace;

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t plan_bytes(int n_fft) {
  size_t bytes = 0;
  kiss_fftr_alloc(n_fft, 0, NULL, &bytes);
  return bytes;
}

static size_t workspace_bytes(int n_fft) {
  return round_up(plan_bytes(n_fft)) + round_up(sizeof(float) * (size_t)n_fft) +
         round_up((sizeof(kiss_fft_cpx) + sizeof(float)) * (size_t)(n_fft / 2 + 1));
}

static Workspace workspace_new(char *memory, int n_fft) {
  size_t bytes = plan_bytes(n_fft);
  Workspace w;
  w.plan = kiss_fftr_alloc(n_fft, 0, memory, &bytes);
  w.frame = (float *)(memory + round_up(bytes));
  w.spectrum = (kiss_fft_cpx *)((char *)w.frame + round_up(sizeof(float) * (size_t)n_fft));
  w.power = (float *)(w.spectrum + n_fft / 2 + 1);
  memset(w.frame, 0, sizeof(float) * (size_t)n_fft);
  return w;
}

/* frame[i] = window[i] (x[first + i] - a x[first + i - 1]), i < win_length; x[n] is 0 outside 0 .. count - 1.
 */
static void take_frame(float *frame, const Frontend *frontend, const int16_t *x, int64_t count,
                       int64_t first) {
  int length = frontend->config.win_length;
  const float *window = frontend->window;
  float a = frontend->config.preemphasis;
  int begin = first < 0 ? (int)-first : 0;
  int end = count - first < length ? (int)(count - first) : length;
  for (int i = 0; i < begin; i++) frame[i] = 0;
  for (int i = end; i < length; i++) frame[i] = 0;
  const int16_t *now = x + first;
  if (first <= 0) { /* the signal's first sample has none before it */
    frame[begin] = window[begin] * (float)x[0];
    begin++;
  }
  for (int i = begin; i < end; i++) frame[i] = window[i] * ((float)now[i] - a * (float)now[i - 1]);
}

/* features (n_mels) of frame t. */
static void log_mel(float *features, const Frontend *frontend, Workspace *w, const int16_t *x, int64_t count,
                    int t) {
  const FrontendConfig *c = &frontend->config;
  take_frame(w->frame + (c->n_fft - c->win_length) / 2, frontend, x, count,
             (int64_t)t * c->hop_length - c->n_fft / 2 + (c->n_fft - c->win_length) / 2);
  kiss_fftr(w->plan, w->frame, w->spectrum);
#pragma omp simd
  for (int k = 0; k <= c->n_fft / 2; k++)
    w->power[k] = w->spectrum[k].r * w->spectrum[k].r + w->spectrum[k].i * w->spectrum[k].i;
  for (int m = 0; m < c->n_mels; m++) {
    const MelFilter *filter = &frontend->filters[m];
    float sum = 0;
    for (int k = 0; k < filter->count; k++) sum += filter->weight[k] * w->power[filter->first + k];
    features[m] = sum;
  }
  for (int m = 0; m < c->n_mels; m++) features[m] = fast_log(features[m] + 0x1p-24f);
}

/* Each bin minus its mean, over its standard deviation + 1e-5. sums: scratch, 2 n_mels. */
static void normalise(float *features, int T, int n_mels, double *mean, double *scale) {
  for (int m = 0; m < n_mels; m++) mean[m] = scale[m] = 0;
  for (int t = 0; t < T; t++)
    for (int m = 0; m < n_mels; m++) mean[m] += (double)features[(size_t)t * (size_t)n_mels + (size_t)m];
  for (int m = 0; m < n_mels; m++) mean[m] /= T;
  for (int t = 0; t < T; t++)
    for (int m = 0; m < n_mels; m++) {
      double d = (double)features[(size_t)t * (size_t)n_mels + (size_t)m] - mean[m];
      scale[m] += d * d;
    }
  for (int m = 0; m < n_mels; m++) scale[m] = 1.0 / ((T > 1 ? sqrt(scale[m] / (T - 1)) : 0.0) + 1e-5);
  for (int t = 0; t < T; t++)
    for (int m = 0; m < n_mels; m++) {
      float *x = &features[(size_t)t * (size_t)n_mels + (size_t)m];
      *x = (float)(((double)*x - mean[m]) * scale[m]);
    }
}

void cpu_frontend_forward(Stream *stream, const Frontend *frontend, float *features, const int16_t *samples,
                          const int64_t *sample_offsets, Rows rows) {
  const FrontendConfig *c = &frontend->config;
  size_t n_mels = (size_t)c->n_mels, used = (size_t)rows.offsets[rows.U];
  size_t sums = round_up(2 * sizeof(double) * n_mels), per_thread = workspace_bytes(c->n_fft) + sums;
  char *scratch = stream_scratch(stream, per_thread * (size_t)omp_get_max_threads());
  memset(features + used * n_mels, 0, sizeof(float) * ((size_t)rows.R - used) * n_mels);
#pragma omp parallel
  {
    char *memory = scratch + per_thread * (size_t)omp_get_thread_num();
    Workspace w = workspace_new(memory + sums, c->n_fft);
    for (int u = 0; u < rows.U; u++) {
      const int16_t *x = samples + sample_offsets[u];
      int64_t count = sample_offsets[u + 1] - sample_offsets[u];
      int T = rows.offsets[u + 1] - rows.offsets[u];
      assert(T == frontend_frames(c, count));
#pragma omp for schedule(static) nowait
      for (int t = 0; t < T; t++)
        log_mel(features + ((size_t)rows.offsets[u] + (size_t)t) * n_mels, frontend, &w, x, count, t);
    }
#pragma omp barrier
#pragma omp for schedule(static)
    for (int u = 0; u < rows.U; u++)
      normalise(features + (size_t)rows.offsets[u] * n_mels, rows.offsets[u + 1] - rows.offsets[u], c->n_mels,
                (double *)memory, (double *)memory + n_mels);
  }
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* The next of an utterance's draws, uniform in 0 .. most. */
static int draw(uint64_t row, uint32_t *drawn, int most) {
  return (int)((uint64_t)random_bits(row, (*drawn)++) * (uint64_t)(most + 1) >> 32);
}

/* Draws 0, 1, 2, ... of frame 0 of the utterance: width and start of each band, then of each span. */
void cpu_spec_augment(Stream *stream, float *features, Rows rows, int C, SpecAugmentConfig config,
                      RandomKey key) {
  (void)stream;
#pragma omp parallel for schedule(static)
  for (int u = 0; u < rows.U; u++) {
    int T = rows.offsets[u + 1] - rows.offsets[u];
    float *x = features + (size_t)rows.offsets[u] * (size_t)C;
    uint64_t row = random_row(key.seed, key.step, key.site, key.utterances[u], 0);
    uint32_t drawn = 0;
    for (int i = 0; i < config.freq_masks; i++) {
      int width = draw(row, &drawn, smaller(config.freq_width, C));
      int start = draw(row, &drawn, C - width);
      for (int t = 0; t < T; t++) memset(x + (size_t)t * (size_t)C + start, 0, sizeof(float) * (size_t)width);
    }
    for (int i = 0; i < config.time_masks; i++) {
      int width = draw(row, &drawn, smaller((int)(config.time_ratio * (float)T), T));
      int start = draw(row, &drawn, T - width);
      memset(x + (size_t)start * (size_t)C, 0, sizeof(float) * (size_t)width * (size_t)C);
    }
  }
}
