/* Where the time of one training step goes: the backend's table with a clock around every operation, on a packed corpus.
 *
 *   build/tests/bench/step recipes/presets/s.yaml CORPUS [STEPS]
 *
 * One JSON line: seconds a step and share by part, times real time, and beside it the machine's ceilings, measured in
 * the same run: the product of two 1024 x 1024 matrices, and a copy of 256 MiB. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/corpus/batches.h"
#include "src/corpus/corpus.h"
#include "src/model/preset.h"
#include "src/model/model.h"
#include "tests/bench/timing.h"

typedef enum Part { PRODUCTS, ATTENTION, SUBSAMPLING, CONVOLUTION, NORMS, ELEMENTWISE, CTC, OPTIMISER, FRONTEND, DATA, PARTS } Part;
static const char *const part_names[PARTS] = {"products", "attention", "subsampling", "convolution", "norms",
                                              "elementwise", "ctc", "optimiser", "frontend", "data"};
static double spent[PARTS];
static double flops; /* of the products, as gemm.h counts them */
static const Backend *real;

#define TIMED(part, operation, parameters, arguments)                                                        \
  static void timed_##operation parameters {                                                                 \
    double start = now();                                                                                    \
    real->operation arguments;                                                                               \
    spent[part] += now() - start;                                                                            \
  }

#define TIMED_OPERATIONS                                                                                     \
  X(FRONTEND, frontend_forward, (Stream *s, const Frontend *f, float *y, const int16_t *x, const int64_t *o, Rows r), (s, f, y, x, o, r)) \
  X(FRONTEND, spec_augment, (Stream *s, float *y, Rows r, int C, SpecAugmentConfig c, RandomKey k), (s, y, r, C, c, k)) \
  X(SUBSAMPLING, conv2d_forward, (Stream *s, void *y, const float *x, const float *w, const float *b, Rows i, Rows o, Conv2dShape c), (s, y, x, w, b, i, o, c)) \
  X(SUBSAMPLING, conv2d_backward, (Stream *s, float *dw, float *db, const void *dy, const float *x, Rows i, Rows o, Conv2dShape c), (s, dw, db, dy, x, i, o, c)) \
  X(SUBSAMPLING, depthwise_conv2d_forward, (Stream *s, void *y, const void *x, const float *w, const float *b, Rows i, Rows o, Conv2dShape c), (s, y, x, w, b, i, o, c)) \
  X(SUBSAMPLING, depthwise_conv2d_backward, (Stream *s, void *dx, float *dw, float *db, const void *dy, const void *x, const float *w, Rows i, Rows o, Conv2dShape c), (s, dx, dw, db, dy, x, w, i, o, c)) \
  X(SUBSAMPLING, transpose_inner, (Stream *s, void *y, const void *x, int R, int A, int B), (s, y, x, R, A, B)) \
  X(SUBSAMPLING, relu_forward, (Stream *s, void *y, const void *x, size_t n), (s, y, x, n)) \
  X(SUBSAMPLING, relu_backward, (Stream *s, void *dx, const void *dy, const void *y, size_t n), (s, dx, dy, y, n)) \
  X(NORMS, layernorm_forward, (Stream *s, void *y, float *m, float *d, const void *x, const float *g, const float *b, int R, int C, float e), (s, y, m, d, x, g, b, R, C, e)) \
  X(NORMS, layernorm_backward, (Stream *s, void *dx, float *dg, float *db, const void *dy, const void *x, const float *m, const float *d, const float *g, int R, int C), (s, dx, dg, db, dy, x, m, d, g, R, C)) \
  X(NORMS, batchnorm_forward, (Stream *s, void *y, float *m, float *d, float *rm, float *rv, const void *x, const float *g, const float *b, Rows r, int C, float e, float mo), (s, y, m, d, rm, rv, x, g, b, r, C, e, mo)) \
  X(NORMS, batchnorm_backward, (Stream *s, void *dx, float *dg, float *db, const void *dy, const void *x, const float *m, const float *d, const float *g, Rows r, int C), (s, dx, dg, db, dy, x, m, d, g, r, C)) \
  X(ELEMENTWISE, silu_forward, (Stream *s, void *y, const void *x, size_t n), (s, y, x, n)) \
  X(ELEMENTWISE, silu_backward, (Stream *s, void *dx, const void *dy, const void *x, size_t n), (s, dx, dy, x, n)) \
  X(ELEMENTWISE, glu_forward, (Stream *s, void *y, const void *x, int R, int C), (s, y, x, R, C)) \
  X(ELEMENTWISE, glu_backward, (Stream *s, void *dx, const void *dy, const void *x, int R, int C), (s, dx, dy, x, R, C)) \
  X(ELEMENTWISE, dropout, (Stream *s, void *y, const void *h, Rows r, int C, float p, RandomKey k), (s, y, h, r, C, p, k)) \
  X(ELEMENTWISE, residual_forward, (Stream *s, void *y, const void *x, const void *h, Rows r, int C, float a, float p, RandomKey k), (s, y, x, h, r, C, a, p, k)) \
  X(ELEMENTWISE, residual_backward, (Stream *s, void *dh, const void *dy, Rows r, int C, float a, float p, RandomKey k), (s, dh, dy, r, C, a, p, k)) \
  X(ELEMENTWISE, add, (Stream *s, void *y, const void *a, const void *b, size_t n), (s, y, a, b, n)) \
  X(ELEMENTWISE, scale, (Stream *s, void *y, const void *x, float a, size_t n), (s, y, x, a, n)) \
  X(CONVOLUTION, depthwise_forward, (Stream *s, void *y, const void *x, const float *w, const float *b, Rows r, int C, int K), (s, y, x, w, b, r, C, K)) \
  X(CONVOLUTION, depthwise_backward, (Stream *s, void *dx, float *dw, float *db, const void *dy, const void *x, const float *w, Rows r, int C, int K), (s, dx, dw, db, dy, x, w, r, C, K)) \
  X(ATTENTION, attention_forward, (Stream *s, void *y, float *l, const void *q, const void *k, const void *v, const void *p, const float *u, const float *w, Rows r, int H, int D, float d, RandomKey key), (s, y, l, q, k, v, p, u, w, r, H, D, d, key)) \
  X(ATTENTION, attention_backward, (Stream *s, void *dq, void *dk, void *dv, void *dp, float *du, float *dw, const void *dy, const void *y, const float *l, const void *q, const void *k, const void *v, const void *p, const float *u, const float *w, Rows r, int H, int D, float d, RandomKey key), (s, dq, dk, dv, dp, du, dw, dy, y, l, q, k, v, p, u, w, r, H, D, d, key)) \
  X(CTC, ctc_loss, (Stream *s, float *n, void *d, const void *x, Rows r, CtcLabels l, int V, int b, float a, bool z), (s, n, d, x, r, l, V, b, a, z)) \
  X(OPTIMISER, gradient_norm, (Stream *s, float *n, const float *g, const AdamwSegment *a, int c), (s, n, g, a, c)) \
  X(OPTIMISER, adamw_step, (Stream *s, float *w, void *wc, float *m, float *v, const float *g, const float *n, const Tally *t, const AdamwSegment *a, int c, AdamwConfig o), (s, w, wc, m, v, g, n, t, a, c, o)) \
  X(DATA, memory_upload, (Stream *s, void *d, const void *h, size_t n), (s, d, h, n))

#define X TIMED
TIMED_OPERATIONS
#undef X

/* The products count what they do; their time is told apart from attention's by standing outside it. */
#define TIMED_PRODUCT(operation, parameters, arguments)                                                      \
  static void timed_##operation parameters {                                                                 \
    double start = now();                                                                                    \
    real->operation arguments;                                                                               \
    spent[PRODUCTS] += now() - start;                                                                        \
    flops += 2.0 * M * N * K;                                                                                \
  }
TIMED_PRODUCT(gemm_forward, (Stream * s, void *y, const void *x, const void *w, const float *b, int M, int N, int K), (s, y, x, w, b, M, N, K))
TIMED_PRODUCT(gemm_backward_input, (Stream * s, void *dx, const void *dy, const void *w, int M, int N, int K), (s, dx, dy, w, M, N, K))
TIMED_PRODUCT(gemm_backward_weight, (Stream * s, float *dw, float *db, const void *dy, const void *x, int M, int N, int K), (s, dw, db, dy, x, M, N, K))

static double product_ceiling(void) {
  enum { N = 1024 };
  size_t n = (size_t)N * N;
  float *data = malloc(sizeof(float) * 3 * n);
  for (size_t i = 0; i < 3 * n; i++) data[i] = (float)((i * 2654435761u >> 8) % 1000) / 500 - 1;
  Stream *stream = real->stream_new();
  double best = 1e9;
  for (int run = 0; run < 6; run++) {
    double start = now();
    real->gemm_forward(stream, data, data + n, data + 2 * n, NULL, N, N, N);
    best = fmin(best, now() - start);
  }
  real->stream_free(stream);
  free(data);
  return 2.0 * N * N * N / best;
}

static double copy_ceiling(void) {
  size_t size = (size_t)256 << 20, cores = (size_t)omp_get_max_threads();
  char *from = malloc(size), *to = malloc(size);
  memset(from, 1, size);
  memset(to, 2, size);
  double best = 1e9;
  for (int run = 0; run < 4; run++) {
    double start = now();
#pragma omp parallel for
    for (size_t c = 0; c < cores; c++) memcpy(to + size / cores * c, from + size / cores * c, size / cores);
    best = fmin(best, now() - start);
  }
  free(from);
  free(to);
  return 2.0 * (double)size / best;
}

/* One batch of the corpus in training order, with labels drawn at the rate of 15 characters a second. */
typedef struct Work {
  ModelBatch batch;
  int16_t *samples;
  int64_t *sample_offsets;
  int32_t *labels, *label_offsets;
  uint32_t *utterances;
} Work;

static void batch_load(Work *work, const Corpus *corpus, const BatchOrder *order, int b, int vocab) {
  double start = now();
  int first = order->offsets[b], U = order->offsets[b + 1] - first;
  work->sample_offsets = xrealloc(work->sample_offsets, (size_t)U + 1, sizeof(int64_t));
  work->label_offsets = xrealloc(work->label_offsets, (size_t)U + 1, sizeof(int32_t));
  work->utterances = xrealloc(work->utterances, (size_t)U, sizeof(uint32_t));
  work->sample_offsets[0] = 0;
  work->label_offsets[0] = 0;
  for (int u = 0; u < U; u++) {
    int64_t samples = corpus_samples(corpus, order->items[first + u]);
    work->sample_offsets[u + 1] = work->sample_offsets[u] + samples;
    work->label_offsets[u + 1] = work->label_offsets[u] + (int32_t)((double)samples / 16000 * 5);
    work->utterances[u] = (uint32_t)order->items[first + u];
  }
  work->samples = xrealloc(work->samples, (size_t)work->sample_offsets[U], sizeof(int16_t));
  work->labels = xrealloc(work->labels, (size_t)work->label_offsets[U], sizeof(int32_t));
  for (int i = 0; i < work->label_offsets[U]; i++) work->labels[i] = (int32_t)((unsigned)(i * 7919 + b) % (unsigned)(vocab - 1));
  for (int u = 0; u < U; u++)
    if (corpus_read(corpus, order->items[first + u], work->samples + work->sample_offsets[u]) != OK) {
      fprintf(stderr, "step: %s\n", fail_text());
      exit(ERR_DATA);
    }
  work->batch = (ModelBatch){U, work->samples, work->sample_offsets, work->labels, work->label_offsets, work->utterances};
  spent[DATA] += now() - start;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: step PRESET.yaml CORPUS [STEPS]\n");
    return ERR_USAGE;
  }
  int steps = argc > 3 ? atoi(argv[3]) : 20;
  char why[512];
  real = backend_open("cpu", DTYPE_F32, why, sizeof why);
  ModelConfig config;
  Corpus *corpus = NULL;
  Model *model = NULL;
  if (!real) return fprintf(stderr, "step: %s\n", why), 1;
  Backend timed = *real;
#define X(part, operation, parameters, arguments) timed.operation = timed_##operation;
  TIMED_OPERATIONS
#undef X
  timed.gemm_forward = timed_gemm_forward;
  timed.gemm_backward_input = timed_gemm_backward_input;
  timed.gemm_backward_weight = timed_gemm_backward_weight;
  if (preset_read(&config, argv[1]) != OK || corpus_open(&corpus, argv[2]) != OK ||
      model_new(&model, &config, &timed, 1) != OK)
    return fprintf(stderr, "step: %s\n", fail_text()), 1;

  int count = corpus_count(corpus);
  int64_t *lengths = xcalloc((size_t)count, sizeof *lengths);
  for (int i = 0; i < count; i++) lengths[i] = corpus_samples(corpus, i);
  BatchOrder order = batch_order(lengths, count, count, &(BatchSettings){.batch_seconds = 60, .buckets = 8, .seed = 1}, 0);
  if (order.batches < steps + 3) return fprintf(stderr, "step: the corpus has only %d batches of 60 s\n", order.batches), 1;

  size_t n = model_weight_count(model);
  float *moments = real->memory_new(2 * n * sizeof(float)), *norm = real->memory_new(sizeof(float));
  Tally *tally = real->memory_new(sizeof *tally);
  real->memory_zero(model_stream(model), tally, sizeof *tally);
  real->memory_zero(model_stream(model), moments, 2 * n * sizeof(float));
  AdamwSegment whole = {0, n, 1, 0.01F};
  Work work = {0};
  double start = 0, audio = 0;
  for (int step = -3; step < steps; step++) { /* three to warm up */
    if (step == 0) {
      memset(spent, 0, sizeof spent);
      flops = audio = 0;
      start = now();
    }
    batch_load(&work, corpus, &order, step + 3, config.vocab_size);
    audio += (double)work.sample_offsets[work.batch.U] / 16000;
    ModelTraining training = {.seed = 1, .step = (uint32_t)(step + 4), .loss_scale = 1e-3F, .augment = {2, 10, 2, 0.05F}, .tally = tally};
    if (model_train_batch(model, &work.batch, &training, NULL) != OK) return fprintf(stderr, "step: %s\n", fail_text()), 1;
    timed.gradient_norm(model_stream(model), norm, model_gradients(model), &whole, 1);
    real->tally_step(model_stream(model), tally, norm, (TallyStepInfo){1, 1, 1});
    timed.adamw_step(model_stream(model), model_weights(model), NULL, moments, moments + n, model_gradients(model), norm, tally, &whole, 1,
                     (AdamwConfig){1e-4F, 0.9F, 0.98F, 1e-8F, 1});
    real->memory_zero(model_stream(model), model_gradients(model), n * sizeof(float));
  }
  double wall = now() - start, known = 0;
  double peak = product_ceiling(), copy = copy_ceiling();
  printf("{\"bench\": \"step\", \"preset\": \"%s\", \"weights_m\": %.3f, \"threads\": %d, \"backend\": \"%s\", \"steps\": %d, "
         "\"batch_seconds\": 60, \"ms_a_step\": %.1f, \"times_real_time\": %.1f",
         argv[1], (double)n / 1e6, omp_get_max_threads(), backend_describe(real), steps, 1e3 * wall / steps, audio / wall);
  for (int part = 0; part < PARTS; part++) {
    known += spent[part];
    printf(", \"%s_ms\": %.2f", part_names[part], 1e3 * spent[part] / steps);
  }
  printf(", \"other_ms\": %.2f, \"products_gflops\": %.1f, \"ceiling_gflops\": %.1f, \"ceiling_copy_gb_s\": %.1f}\n",
         1e3 * (wall - known) / steps, flops / spent[PRODUCTS] / 1e9, peak / 1e9, copy / 1e9);
  free(lengths);
  batch_order_free(&order);
  model_free(model);
  corpus_close(corpus);
  return 0;
}
