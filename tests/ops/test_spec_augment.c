/* SpecAugment: kernels/frontend.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ops/ops.h"

typedef struct Layer {
  int C;
  SpecAugmentConfig config;
} Layer;

static void augment(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                    const void *context) {
  const Layer *l = context;
  size_t bytes = (size_t)rows->R * (size_t)l->C * sizeof(float);
  float *host = malloc(bytes + 1);
  t->backend->memory_download(t->stream, host, in[0], bytes);
  t->backend->stream_sync(t->stream);
  t->backend->memory_upload(t->stream, out[0], host, bytes);
  t->backend->stream_sync(t->stream);
  free(host);
  t->backend->spec_augment(t->stream, out[0], *rows, l->C, l->config, key);
}

/* Runs of set flags: how many; *total: their lengths together. */
static int runs(const bool *set, int n, int *total) {
  int count = 0;
  *total = 0;
  for (int i = 0; i < n; i++) {
    count += set[i] && (i == 0 || !set[i - 1]);
    *total += set[i];
  }
  return count;
}

/* x (T, C) after and before: 0 in whole bands and whole spans, as many and as wide as the settings allow, and
 * untouched elsewhere. */
static void check_masks(Ops *t, const float *got, const float *before, int T, Layer l) {
  bool *bands = ops_host(t, (size_t)l.C), *spans = ops_host(t, (size_t)T);
  int total;
  for (int r = 0; r < T; r++) {
    spans[r] = true;
    for (int c = 0; c < l.C; c++) spans[r] = spans[r] && got[r * l.C + c] == 0;
  }
  for (int c = 0; c < l.C; c++) {
    bands[c] = T > 0;
    for (int r = 0; r < T; r++) bands[c] = bands[c] && got[r * l.C + c] == 0;
  }
  for (int i = 0; i < T * l.C; i++) {
    float want = spans[i / l.C] || bands[i % l.C] ? 0 : before[i];
    if (got[i] != want)
      fail_msg("%s: [%d] of an utterance is %g, want %g", t->shape, i, (double)got[i], (double)want);
  }
  if (runs(spans, T, &total) == 1 && total == T) return; /* all masked: bands do not show */
  int longest = (int)(l.config.time_ratio * (float)T);
  assert_true(total <= l.config.time_masks * longest);
  assert_true(runs(spans, T, &total) <= l.config.time_masks);
  assert_true(runs(bands, l.C, &total) <= l.config.freq_masks);
  assert_true(total <= l.config.freq_masks * l.config.freq_width);
}

static void check(Ops *t, Layer l) {
  size_t n = (size_t)t->rows.R * (size_t)l.C;
  Tensor *x = ops_input(t, "x", n), *y = ops_updated(t, "features", n);
  t->backend->memory_upload(t->stream, y->data, x->initial, n * sizeof(float));
  t->backend->spec_augment(t->stream, y->data, t->rows, l.C, l.config, t->key);
  float *got = ops_download(t, y->data, n);
  for (int u = 0; u < t->rows.U; u++) {
    size_t at = (size_t)t->offsets[u] * (size_t)l.C;
    check_masks(t, got + at, x->initial + at, t->offsets[u + 1] - t->offsets[u], l);
  }
  size_t used = (size_t)t->offsets[t->rows.U] * (size_t)l.C;
  for (size_t i = 0; i < n; i++)
    y->want[i] = i < used ? (double)got[i] : x->want[i]; /* spare rows are left */
  ops_alone(t, (Rows[]){t->rows, t->rows}, augment, &(Sliced){x, l.C, 0}, 1, &(Sliced){y, l.C, 0}, 1, &l);
}

static void masks_case(Ops *t, const Shape *shape) {
  check(t, (Layer){shape->C, {.freq_masks = 2, .freq_width = 5, .time_masks = 3, .time_ratio = 0.1F}});
  check(t, (Layer){shape->C, {.freq_masks = 1, .freq_width = 1000, .time_masks = 1, .time_ratio = 1}});
  check(t, (Layer){shape->C, {.freq_masks = 0, .freq_width = 9, .time_masks = 0, .time_ratio = 0.5F}});
}

static void test_masks(void **state) { (void)state, ops_run("spec_augment", masks_case); }

/* Of one band of at most WIDEST bins in each of MANY utterances: widths 0 .. WIDEST come equally often, and
 * so do the places of the start for each width; another step gives other masks. */
enum { MANY = 6000, BINS = 12, WIDEST = 4, FRAMES = 2 };

static void uniform(const char *what, const int *counts, int kinds, int total) {
  double mean = (double)total / kinds;
  for (int k = 0; k < kinds; k++)
    if (fabs(counts[k] - mean) > 5 * sqrt(mean))
      fail_msg("%s %d came %d times of %d", what, k, counts[k], total);
}

static void statistics_case(Ops *t, const Shape *shape) {
  ops_output(t, "nothing", 0);
  if (shape != &ops_shapes[0]) return; /* once is enough */
  size_t n = (size_t)MANY * FRAMES * BINS;
  int *lengths = ops_host(t, MANY * sizeof *lengths), widths[WIDEST + 1] = {0}, starts[BINS] = {0}, same = 0;
  uint32_t *names = ops_host(t, MANY * sizeof *names);
  for (int u = 0; u < MANY; u++) lengths[u] = FRAMES, names[u] = (uint32_t)u;
  Rows rows = ops_rows(t, MANY, lengths, 0);
  RandomKey key = {.seed = 9, .utterances = ops_bytes(t, "utterances", names, MANY * sizeof *names)};
  float *got[2];
  for (int step = 0; step < 2; step++) {
    Tensor *x = ops_updated(t, "x", n);
    for (size_t i = 0; i < n; i++) x->initial[i] = 1;
    t->backend->memory_upload(t->stream, x->data, x->initial, n * sizeof(float));
    key.step = (uint32_t)step;
    t->backend->spec_augment(t->stream, x->data, rows, BINS,
                             (SpecAugmentConfig){.freq_masks = 1, .freq_width = WIDEST}, key);
    got[step] = ops_download(t, x->data, n);
    for (size_t i = 0; i < n; i++) x->want[i] = (double)got[step][i];
  }
  for (int u = 0; u < MANY; u++) {
    const float *row = got[0] + (size_t)u * FRAMES * BINS;
    int width = 0, start = 0;
    for (int c = BINS - 1; c >= 0; c--)
      if (row[c] == 0) width++, start = c;
    widths[width]++;
    if (width == WIDEST) starts[start]++;
    same += memcmp(row, got[1] + (size_t)u * FRAMES * BINS, BINS * sizeof *row) == 0;
  }
  uniform("width", widths, WIDEST + 1, MANY);
  uniform("start", starts, BINS - WIDEST + 1, widths[WIDEST]);
  assert_true(same < MANY / 3);
}

static void test_statistics(void **state) {
  (void)state, ops_run("spec_augment, statistics", statistics_case);
}

/* Bytes of the masked share alone would depend on the masks: the line has the whole features'. */
static void bench(Ops *t) {
  int C = 80;
  Rows rows = ops_bench_rows(t, 600);
  size_t n = (size_t)rows.R * (size_t)C;
  SpecAugmentConfig config = {.freq_masks = 2, .freq_width = 27, .time_masks = 10, .time_ratio = 0.05F};
  float *features = ops_input(t, "features", n)->data;
  for (OpsTimer timer = ops_timer(t, "spec_augment", "10 x 6 s", 4.0 * (double)n, 0); ops_again(&timer);)
    t->backend->spec_augment(t->stream, features, rows, C, config, t->key);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_masks), cmocka_unit_test(test_statistics)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
