/* The front end: kernels/frontend.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_frontend.h"

static const FrontendConfig configs[] = {
    {.sample_rate = 16000,
     .n_fft = 512,
     .win_length = 400,
     .hop_length = 160,
     .n_mels = 80,
     .preemphasis = 0.97f},
    {.sample_rate = 8000, .n_fft = 128, .win_length = 127, .hop_length = 50, .n_mels = 7, .preemphasis = 0},
};

typedef struct Signal {
  Frontend *frontend;
  int64_t *offsets; /* host */
  const int16_t *samples;
} Signal;

static void forward(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                    const void *context) {
  const Signal *s = context;
  ptrdiff_t u = key.utterances - t->key.utterances; /* which one it is */
  int64_t offsets[2] = {0, s->offsets[u + 1] - s->offsets[u]};
  (void)in;
  t->backend->frontend_forward(t->stream, s->frontend, out[0], s->samples + s->offsets[u],
                               ops_bytes(t, "offsets alone", offsets, sizeof offsets), rows[0]);
}

/* Noise with a tone, at another loudness every utterance; every third is digital silence, whose features are
 * 0, every seventh jumps at random between the two ends of 16 bits. */
static int16_t sample_of(Ops *t, int u, int64_t n) {
  if (u % 7 == 3) return ops_random(t) < 0 ? INT16_MIN : INT16_MAX;
  double loudness = u % 3 == 2 ? 0 : 3000.0 / (1 + u % 5);
  return (int16_t)(loudness * (0.3 * ops_random(t) + sin(0.2 * (double)n * (1 + u % 7))));
}

static void frontend_case(Ops *t, const Shape *shape) {
  for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
    FrontendConfig config = configs[i];
    Signal s = {.frontend = t->backend->frontend_new(&config),
                .offsets = ops_host(t, (size_t)(shape->U + 1) * sizeof *s.offsets)};
    for (int u = 0; u < shape->U; u++) /* any rest below a hop */
      s.offsets[u + 1] = s.offsets[u] + (int64_t)(t->offsets[u + 1] - t->offsets[u]) * config.hop_length +
                         ops_below(t, config.hop_length);
    int16_t *samples = ops_host(t, (size_t)s.offsets[shape->U] * sizeof *samples);
    for (int u = 0; u < shape->U; u++)
      for (int64_t n = s.offsets[u]; n < s.offsets[u + 1]; n++)
        samples[n] = sample_of(t, u, n - s.offsets[u]);
    s.samples = ops_bytes(t, "samples", samples, (size_t)s.offsets[shape->U] * sizeof *samples);
    const int64_t *offsets =
        ops_bytes(t, "sample offsets", s.offsets, (size_t)(shape->U + 1) * sizeof *offsets);
    Tensor *features = ops_output(t, "features", (size_t)(t->rows.R * config.n_mels));
    t->backend->frontend_forward(t->stream, s.frontend, features->data, s.samples, offsets, t->rows);
    memset(features->want, 0, features->n * sizeof *features->want);
    for (int u = 0; u < shape->U; u++)
      ref_frontend(features->want + t->offsets[u] * config.n_mels, samples + s.offsets[u],
                   (int)(s.offsets[u + 1] - s.offsets[u]), &config);
    ops_alone(t, (Rows[]){t->rows, t->rows}, forward, NULL, 0, (Sliced[]){{features, config.n_mels, 0}}, 1,
              &s);
    t->backend->stream_sync(t->stream);
    t->backend->frontend_free(s.frontend);
  }
}

static void test_frontend(void **state) { (void)state, ops_run("frontend_forward", frontend_case); }

/* A tone in the middle of a filter is loudest there: the reference's filters lie where they should. */
static void test_reference(void **state) {
  (void)state;
  enum { SAMPLES = 1600, MELS = 80, CENTRE = 30 };
  int16_t samples[SAMPLES];
  double features[SAMPLES / 160 * MELS],
      hertz = 1000 * pow(6.4, (45.245640471924965 * (CENTRE + 1) / 81 - 15) / 27);
  for (int n = 0; n < SAMPLES; n++) /* from silence to a tone, so that its bins vary most */
    samples[n] = (int16_t)(n < SAMPLES / 2 ? 0 : 8000 * sin(2 * M_PI * hertz * n / 16000));
  ref_frontend(features, samples, SAMPLES, &configs[0]);
  double mean = 0, squares = 0;
  for (int t = 0; t < SAMPLES / 160; t++) {
    mean += features[t * MELS + CENTRE];
    squares += features[t * MELS + CENTRE] * features[t * MELS + CENTRE];
  }
  assert_true(fabs(mean) < 1e-9 && fabs(squares - (SAMPLES / 160 - 1)) < 1e-3);
  assert_true(features[CENTRE] < -0.5 && features[(SAMPLES / 160 - 1) * MELS + CENTRE] > 0.5);
}

static void bench(Ops *t) {
  int64_t offsets[11] = {0};
  for (int u = 0; u < 10; u++) offsets[u + 1] = offsets[u] + 600 * 160;
  int16_t *samples = ops_host(t, (size_t)offsets[10] * sizeof *samples);
  for (int64_t n = 0; n < offsets[10]; n++) samples[n] = sample_of(t, 0, n);
  const int16_t *x = ops_bytes(t, "samples", samples, (size_t)offsets[10] * sizeof *samples);
  const int64_t *at = ops_bytes(t, "offsets", offsets, sizeof offsets);
  Rows rows = ops_bench_rows(t, 600);
  float *features = ops_input(t, "features", (size_t)(rows.R * 80))->data;
  Frontend *frontend = t->backend->frontend_new(&configs[0]);
  for (OpsTimer timer =
           ops_timer(t, "frontend_forward", "10 x 6 s", 2.0 * (double)offsets[10] + 320.0 * rows.R, 0);
       ops_again(&timer);)
    t->backend->frontend_forward(t->stream, frontend, features, x, at, rows);
  t->backend->frontend_free(frontend);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),
      cmocka_unit_test(test_frontend),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
