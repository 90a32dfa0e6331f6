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
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"
#include "kernels/frontend_tables.h"
#include "kernels/random.h"

struct Frontend {
  FrontendConfig config;
  FrontendTables tables;
};

Frontend *cpu_frontend_new(const FrontendConfig *config) {
  Frontend *frontend = malloc(sizeof *frontend);
  assert(frontend);
  *frontend = (Frontend){.config = *config, .tables = frontend_tables_new(config)};
  return frontend;
}

void cpu_frontend_free(Frontend *frontend) {
  if (!frontend) return;
  frontend_tables_free(&frontend->tables);
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
  w.frame = (float *)(void *)(memory + round_up(bytes));
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
  const float *window = frontend->tables.window;
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
    const MelFilter *filter = &frontend->tables.filters[m];
    const float *weight = frontend->tables.weights + filter->start, *power = w->power + filter->first;
    float sum = 0;
    for (int k = 0; k < filter->count; k++) sum += weight[k] * power[k];
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
  size_t n_mels = (size_t)c->n_mels;
  size_t sums = round_up(2 * sizeof(double) * n_mels), per_thread = workspace_bytes(c->n_fft) + sums;
  char *scratch = stream_scratch(stream, per_thread * (size_t)omp_get_max_threads());
  zero_spare_rows(features, rows, n_mels);
#pragma omp parallel
  {
    char *memory = scratch + per_thread * (size_t)omp_get_thread_num();
    double *mean = (void *)memory, *scale = mean + n_mels;
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
                mean, scale);
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
