/* Times every operation at the sizes of the table in kernels/README.md, on a GPU (or, with small letters,
 * anywhere):
 *
 *   kernels DEVICE f32|bf16 SECONDS LETTER=VALUE... [WORD]
 *
 * The letters are those of tests/bench/kernel_floors.py (`--letters` prints them). One JSON line a row of
 * that table, under its name there, with the median milliseconds of a call; calls follow each other without a
 * pause, as in a model, so what the cache keeps between them is kept. SECONDS: for one row. WORD: only rows
 * whose name has it. JARGON_GEMM=own:
 * only the products, as "..., our own". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"
#include "kernels/random.h"
#include "src/base/status.h"
#include "tests/bench/timing.h"

enum { PATTERN = 1 << 20, SAMPLES_MOST = 200, BUFFERS = 16 };

#define LETTERS(X) X(U) X(T) X(C) X(F) X(H) X(D) X(K) X(V) X(S) X(N) X(B) X(G) X(P)

typedef struct Bench {
  const Backend *k;
  Stream *stream;
  double budget;
  const char *word; /* of the rows wanted */
#define X(letter) size_t letter;
  LETTERS(X)
#undef X
  int R;
  Rows level[4]; /* of the features, and after each convolution */
  RandomKey key;
  float pattern[PATTERN]; /* standard uniform noise in -1 .. 1 */
  float *device_pattern;
  void *buffers[BUFFERS]; /* of one row */
  int count;
} Bench;

/* ---- memory of one row ---- */

static void *take(Bench *b, size_t bytes) {
  void *memory = b->k->memory_new(bytes);
  if (!memory) {
    fprintf(stderr, "kernels: not enough memory for %.1f MB more: give smaller letters\n",
            (double)bytes / 1e6);
    exit(ERR_MEMORY);
  }
  b->buffers[b->count++] = memory;
  return memory;
}

static void release(Bench *b) {
  b->k->stream_sync(b->stream);
  while (b->count) b->k->memory_free(b->buffers[--b->count]);
}

static void *bytes_of(Bench *b, const void *data, size_t bytes) {
  void *memory = take(b, bytes ? bytes : 1);
  b->k->memory_upload(b->stream, memory, data, bytes);
  b->k->stream_sync(b->stream);
  return memory;
}

/* n activations, or n floats, of noise. */
static void *act(Bench *b, size_t n) {
  size_t size = dtype_size(b->k->dtype);
  char *y = take(b, n * size);
  for (size_t done = 0; done < n; done += PATTERN)
    b->k->memory_cast(b->stream, y + done * size, b->device_pattern, n - done < PATTERN ? n - done : PATTERN);
  return y;
}

static float *flt(Bench *b, size_t n) {
  float *y = take(b, n * sizeof *y);
  for (size_t done = 0; done < n; done += PATTERN)
    b->k->memory_upload(b->stream, y + done, b->pattern,
                        (n - done < PATTERN ? n - done : PATTERN) * sizeof *y);
  return y;
}

static Rows rows_new(Bench *b, int length) {
  int32_t *offsets = xcalloc(b->U + 1, sizeof *offsets);
  for (size_t u = 0; u <= b->U; u++) offsets[u] = (int32_t)u * length;
  void *memory = b->k->memory_new((b->U + 1) * sizeof *offsets);
  b->k->memory_upload(b->stream, memory, offsets, (b->U + 1) * sizeof *offsets);
  b->k->stream_sync(b->stream);
  free(offsets);
  return (Rows){(int)b->U, (int)b->U * length, length, memory};
}

/* ---- timing ---- */

typedef struct Timer {
  Bench *b;
  const char *name;
  double started, begun, seconds[SAMPLES_MOST];
  int samples, calls,
      done; /* calls: of one sample, made larger until it takes 2 ms; 0: the call to warm up */
} Timer;

static Timer timer(Bench *b, const char *name) {
  b->k->stream_sync(b->stream);
  return (Timer){.b = b, .name = name, .begun = now()};
}

static bool report(Timer *t) {
  qsort(t->seconds, (size_t)t->samples, sizeof *t->seconds, by_value);
  printf("{\"operation\": \"%s\", \"device\": \"%s\", \"precision\": \"%s\", \"ms\": %.6f, \"ms_least\": "
         "%.6f, \"samples\": "
         "%d, \"calls\": %d}\n",
         t->name, t->b->k->name, t->b->k->dtype == DTYPE_F32 ? "f32" : "bf16",
         t->seconds[t->samples / 2] * 1e3, t->seconds[0] * 1e3, t->samples, t->calls);
  fflush(stdout);
  release(t->b);
  return false;
}

/* Whether to call once more. */
static bool again(Timer *t) {
  enum { LEAST = 5, CALLS_MOST = 1000 };
  if (t->done++ < t->calls) return true;
  t->b->k->stream_sync(t->b->stream);
  double time = now(), taken = t->calls ? time - t->started : 0;
  if (t->calls && (taken >= 2e-3 || t->calls == CALLS_MOST || t->samples))
    t->seconds[t->samples++] = taken / t->calls;
  if (t->samples == SAMPLES_MOST || (t->samples >= LEAST && time - t->begun > t->b->budget)) return report(t);
  if (!t->samples) t->calls = t->calls ? (t->calls * 2 < CALLS_MOST ? t->calls * 2 : CALLS_MOST) : 1;
  t->done = 1;
  t->started = now();
  return true;
}

#define TIME(name, call)                                                                                     \
  do {                                                                                                       \
    if (!strstr(name, b->word)) {                                                                            \
      release(b);                                                                                            \
      break;                                                                                                 \
    }                                                                                                        \
    for (Timer t_ = timer(b, name); again(&t_);) call;                                                       \
  } while (0)

/* ---- the rows of the table ---- */

static void frontend(Bench *b) {
  int64_t *offsets = xcalloc(b->U + 1, sizeof *offsets);
  int16_t *samples = xcalloc(b->U * b->N, sizeof *samples);
  for (size_t u = 0; u <= b->U; u++) offsets[u] = (int64_t)(u * b->N);
  for (size_t i = 0; i < b->U * b->N; i++) samples[i] = (int16_t)(random_mix32((uint32_t)i) >> 18);
  FrontendConfig config = {16000, 512, 400, 160, (int)b->B, 0.97F};
  Frontend *made = b->k->frontend_new(&config);
  const int64_t *at = bytes_of(b, offsets, (b->U + 1) * sizeof *offsets);
  const int16_t *x = bytes_of(b, samples, b->U * b->N * sizeof *samples);
  float *features = flt(b, (size_t)b->level[0].R * b->B);
  TIME("frontend_forward", b->k->frontend_forward(b->stream, made, features, x, at, b->level[0]));
  b->k->frontend_free(made);
  free(offsets);
  free(samples);
  features = flt(b, (size_t)b->level[0].R * b->B);
  SpecAugmentConfig augment = {2, 27, 10, 0.05F};
  TIME("spec_augment", b->k->spec_augment(b->stream, features, b->level[0], (int)b->B, augment, b->key));
}

static void first_convolution(Bench *b) {
  Conv2dShape shape = {(int)b->B, (int)b->B / 2, (int)b->G, 3, 2};
  size_t in = (size_t)b->level[0].R * b->B, out = (size_t)b->level[1].R * b->B / 2 * b->G;
  float *x = flt(b, in), *w = flt(b, 9 * b->G), *bias = flt(b, b->G);
  void *y = act(b, out);
  TIME("conv2d_forward", b->k->conv2d_forward(b->stream, y, x, w, bias, b->level[0], b->level[1], shape));
  x = flt(b, in), w = flt(b, 9 * b->G), bias = flt(b, b->G), y = act(b, out);
  TIME("conv2d_backward", b->k->conv2d_backward(b->stream, w, bias, y, x, b->level[0], b->level[1], shape));
}

static void stage(Bench *b, int level, const char *forward, const char *backward) {
  int bins = (int)b->B >> level;
  Conv2dShape shape = {bins, bins / 2, (int)b->G, 3, 2};
  Rows from = b->level[level], to = b->level[level + 1];
  size_t in = (size_t)from.R * (size_t)bins * b->G, out = (size_t)to.R * (size_t)(bins / 2) * b->G;
  void *x = act(b, in), *y = act(b, out), *dx;
  float *w = flt(b, 9 * b->G), *bias = flt(b, b->G), *dw;
  TIME(forward, b->k->depthwise_conv2d_forward(b->stream, y, x, w, bias, from, to, shape));
  x = act(b, in), y = act(b, out), dx = act(b, in);
  w = flt(b, 9 * b->G), bias = flt(b, b->G), dw = flt(b, 9 * b->G);
  TIME(backward, b->k->depthwise_conv2d_backward(b->stream, dx, dw, bias, y, x, w, from, to, shape));
}

static void subsampling(Bench *b) {
  first_convolution(b);
  stage(b, 1, "depthwise_conv2d_forward, stage 2", "depthwise_conv2d_backward, stage 2");
  stage(b, 2, "depthwise_conv2d_forward, stage 3", "depthwise_conv2d_backward, stage 3");
  size_t n = (size_t)b->level[1].R * b->B / 2 * b->G, last = (size_t)b->R * b->B / 8 * b->G;
  void *x = act(b, n), *y = act(b, n), *dx;
  TIME("relu_forward, stage 1", b->k->relu_forward(b->stream, y, x, n));
  x = act(b, n), y = act(b, n), dx = act(b, n);
  TIME("relu_backward, stage 1", b->k->relu_backward(b->stream, dx, y, x, n));
  x = act(b, last), y = act(b, last);
  TIME("transpose_inner", b->k->transpose_inner(b->stream, y, x, b->R, (int)b->B / 8, (int)b->G));
}

static void product(Bench *b, const char *name, size_t M, size_t N, size_t K) {
  void *x = act(b, M * K), *y = act(b, M * N), *w = act(b, N * K);
  float *bias = flt(b, N);
  TIME(name, b->k->gemm_forward(b->stream, y, x, w, bias, (int)M, (int)N, (int)K));
}

static void products(Bench *b, bool own) {
  size_t R = (size_t)b->R, C = b->C, F = b->F;
  product(b, own ? "gemm_forward, C to F, our own" : "gemm_forward, C to F", R, F, C);
  void *dx = act(b, R * F), *dy = act(b, R * C), *w = act(b, C * F), *x;
  TIME(own ? "gemm_backward_input, F to C, our own" : "gemm_backward_input, F to C",
       b->k->gemm_backward_input(b->stream, dx, dy, w, (int)R, (int)C, (int)F));
  float *dw = flt(b, C * F), *dbias = flt(b, F);
  x = act(b, R * C), dy = act(b, R * F);
  TIME(own ? "gemm_backward_weight, C to F, our own" : "gemm_backward_weight, C to F",
       b->k->gemm_backward_weight(b->stream, dw, dbias, dy, x, (int)R, (int)F, (int)C));
  if (own) return;
  product(b, "gemm_forward, C to C", R, C, C);
  product(b, "gemm_forward, C to V (head)", R, b->V, C);
  product(b, "gemm_forward, pointwise of stage 2", (size_t)b->level[2].R * b->B / 4, b->G, b->G);
}

static void attention(Bench *b) {
  size_t n = (size_t)b->R * b->C, p = (2 * b->T - 1) * b->C, lse_n = (size_t)b->R * b->H;
  Rows rows = b->level[3];
  int H = (int)b->H, D = (int)b->D;
  void *q = act(b, n), *k = act(b, n), *v = act(b, n), *y = act(b, n), *positions = act(b, p);
  float *lse = flt(b, lse_n), *u = flt(b, b->C), *w = flt(b, b->C);
  TIME("attention_forward",
       b->k->attention_forward(b->stream, y, lse, q, k, v, positions, u, w, rows, H, D, 0, b->key));
  q = act(b, n), k = act(b, n), v = act(b, n), y = act(b, n), positions = act(b, p);
  lse = flt(b, lse_n), u = flt(b, b->C), w = flt(b, b->C);
  void *dy = act(b, n), *dq = act(b, n), *dk = act(b, n), *dv = act(b, n), *dp = act(b, p);
  float *du = flt(b, b->C), *dw = flt(b, b->C);
  b->k->attention_forward(b->stream, y, lse, q, k, v, positions, u, w, rows, H, D, 0, b->key);
  TIME("attention_backward", b->k->attention_backward(b->stream, dq, dk, dv, dp, du, dw, dy, y, lse, q, k, v,
                                                      positions, u, w, rows, H, D, 0, b->key));
}

static void convolution(Bench *b) {
  size_t n = (size_t)b->R * b->C;
  int R = b->R, C = (int)b->C, K = (int)b->K;
  Rows rows = b->level[3];
  void *x = act(b, 2 * n), *y = act(b, n), *dx;
  TIME("glu_forward", b->k->glu_forward(b->stream, y, x, R, C));
  x = act(b, 2 * n), y = act(b, n), dx = act(b, 2 * n);
  TIME("glu_backward", b->k->glu_backward(b->stream, dx, y, x, R, C));
  x = act(b, n), y = act(b, n);
  float *w = flt(b, b->C * b->K), *bias = flt(b, b->C), *dw, *of[6];
  TIME("depthwise_forward", b->k->depthwise_forward(b->stream, y, x, w, bias, rows, C, K));
  x = act(b, n), y = act(b, n), dx = act(b, n);
  w = flt(b, b->C * b->K), bias = flt(b, b->C), dw = flt(b, b->C * b->K);
  TIME("depthwise_backward", b->k->depthwise_backward(b->stream, dx, dw, bias, y, x, w, rows, C, K));
#define OF_CHANNELS                                                                                          \
  for (int i = 0; i < 6; i++) of[i] = flt(b, b->C);                                                          \
  x = act(b, n), y = act(b, n)
  OF_CHANNELS;
  TIME("batchnorm_forward", b->k->batchnorm_forward(b->stream, y, of[0], of[1], of[2], of[3], x, of[4], of[5],
                                                    rows, C, 1e-5F, 0.1F));
  OF_CHANNELS;
  dx = act(b, n);
  TIME("batchnorm_backward",
       b->k->batchnorm_backward(b->stream, dx, of[2], of[3], y, x, of[0], of[1], of[4], rows, C));
  OF_CHANNELS;
  TIME("batchnorm_infer", b->k->batchnorm_infer(b->stream, y, x, of[4], of[5], of[0], of[1], rows, C, 1e-5F));
#undef OF_CHANNELS
}

static void norms(Bench *b) {
  size_t n = (size_t)b->R * b->C, wide = (size_t)b->R * b->F;
  int R = b->R, C = (int)b->C;
  Rows rows = b->level[3];
  void *x = act(b, n), *y = act(b, n), *h;
  float *mean = flt(b, (size_t)R), *rstd = flt(b, (size_t)R), *gamma = flt(b, b->C), *beta = flt(b, b->C);
  TIME("layernorm_forward", b->k->layernorm_forward(b->stream, y, mean, rstd, x, gamma, beta, R, C, 1e-5F));
  x = act(b, n), y = act(b, n), h = act(b, n);
  mean = flt(b, (size_t)R), rstd = flt(b, (size_t)R), gamma = flt(b, b->C), beta = flt(b, b->C);
  float *dgamma = flt(b, b->C);
  TIME("layernorm_backward",
       b->k->layernorm_backward(b->stream, h, dgamma, beta, y, x, mean, rstd, gamma, R, C));
  x = act(b, wide), y = act(b, wide);
  TIME("silu_forward", b->k->silu_forward(b->stream, y, x, wide));
  x = act(b, wide), y = act(b, wide), h = act(b, wide);
  TIME("silu_backward", b->k->silu_backward(b->stream, h, y, x, wide));
  x = act(b, wide), y = act(b, wide);
  TIME("dropout", b->k->dropout(b->stream, y, x, rows, (int)b->F, 0.1F, b->key));
  x = act(b, n), y = act(b, n), h = act(b, n);
  TIME("residual_forward", b->k->residual_forward(b->stream, y, x, h, rows, C, 0.5F, 0.1F, b->key));
  y = act(b, n), h = act(b, n);
  TIME("residual_backward", b->k->residual_backward(b->stream, h, y, rows, C, 0.5F, 0.1F, b->key));
  x = act(b, n), y = act(b, n), h = act(b, n);
  TIME("add", b->k->add(b->stream, y, x, h, n));
  x = act(b, n), y = act(b, n);
  TIME("scale", b->k->scale(b->stream, y, x, 0.5F, n));
}

static CtcLabels labels_new(Bench *b) {
  size_t total = b->U * b->S;
  int32_t *labels = xcalloc(total + 1, sizeof *labels), *offsets = xcalloc(b->U + 1, sizeof *offsets);
  for (size_t i = 0; i < total; i++) labels[i] = (int32_t)(random_mix32((uint32_t)i) % (b->V - 1));
  for (size_t u = 0; u <= b->U; u++) offsets[u] = (int32_t)(u * b->S);
  CtcLabels made = {bytes_of(b, labels, total * sizeof *labels),
                    bytes_of(b, offsets, (b->U + 1) * sizeof *offsets), (int)b->S, (int)total};
  free(labels);
  free(offsets);
  return made;
}

static void losses(Bench *b) {
  size_t n = (size_t)b->R * b->V;
  int R = b->R, V = (int)b->V;
  void *x = act(b, n), *y = act(b, n), *dx;
  TIME("softmax_forward", b->k->softmax_forward(b->stream, y, x, R, V));
  x = act(b, n), y = act(b, n), dx = act(b, n);
  TIME("softmax_backward", b->k->softmax_backward(b->stream, dx, x, y, R, V));
  x = act(b, n);
  float *logs = flt(b, n), *dlogs;
  TIME("log_softmax_forward", b->k->log_softmax_forward(b->stream, logs, x, R, V));
  dx = act(b, n), logs = flt(b, n), dlogs = flt(b, n);
  TIME("log_softmax_backward", b->k->log_softmax_backward(b->stream, dx, dlogs, logs, R, V));
  x = act(b, n), dx = act(b, n);
  CtcLabels labels = labels_new(b);
  float *nll = flt(b, b->U);
  TIME("ctc_loss", b->k->ctc_loss(b->stream, nll, dx, x, b->level[3], labels, V, V - 1, 1, true));
  x = act(b, n);
  int32_t *best = take(b, (size_t)R * sizeof *best);
  float *probability = flt(b, (size_t)R);
  TIME("greedy_decode", b->k->greedy_decode(b->stream, best, probability, x, R, V));
}

static void optimiser(Bench *b) {
  Tally zero = {.updated = 1, .updates = 1000};
  size_t kept_n = 34 * b->C;
  AdamwSegment whole = {0, b->P, 1, 0.01F};
  AdamwConfig config = {1e-4F, 0.9F, 0.98F, 1e-9F, 1};
  Tally *tally = bytes_of(b, &zero, sizeof zero);
  float *norm = flt(b, 1), *nll = flt(b, b->U);
  TIME("tally_batch, tally_step", {
    b->k->tally_batch(b->stream, tally, nll, (int)b->U);
    b->k->tally_step(b->stream, tally, norm, (TallyStepInfo){1, 1, 10});
  });
  tally = bytes_of(b, &zero, sizeof zero);
  float *x = flt(b, kept_n), *kept = flt(b, kept_n);
  TIME("tally_keep, 17 blocks", b->k->tally_keep(b->stream, tally, x, kept, kept_n));
  float *g = flt(b, b->P), *w, *m, *v;
  norm = flt(b, 1);
  TIME("gradient_norm", b->k->gradient_norm(b->stream, norm, g, &whole, 1));
  tally = bytes_of(b, &zero, sizeof zero);
  norm = flt(b, 1), g = flt(b, b->P), w = flt(b, b->P), m = flt(b, b->P), v = flt(b, b->P);
  void *cast = act(b, b->P);
  TIME("adamw_step", b->k->adamw_step(b->stream, w, cast, m, v, g, norm, tally, &whole, 1, config));
  w = flt(b, b->P), cast = act(b, b->P);
  TIME("memory_cast", b->k->memory_cast(b->stream, cast, w, b->P));
}

static Status letters_read(Bench *b, int count, char **arguments) {
  for (int i = 0; i < count; i++) {
    char letter = arguments[i][0], *end;
    bool known = false;
    if (i == count - 1 && !strchr(arguments[i], '=')) {
      b->word = arguments[i];
      break;
    }
    if (!letter || arguments[i][1] != '=') return fail(ERR_USAGE, "%s is not LETTER=VALUE", arguments[i]);
    long value = strtol(arguments[i] + 2, &end, 10);
    if (*end || value <= 0) return fail(ERR_USAGE, "%s is not a positive number", arguments[i]);
#define X(name)                                                                                              \
  if (letter == #name[0]) b->name = (size_t)value, known = true;
    LETTERS(X)
#undef X
    if (!known && !strchr("RQb", letter)) /* these follow from the others, and from the precision */

      return fail(ERR_USAGE, "%s: there is no letter %c", arguments[i], letter);
  }
#define X(name)                                                                                              \
  if (!b->name) return fail(ERR_USAGE, "the letter " #name " is missing");
  LETTERS(X)
#undef X
  if (b->C != b->H * b->D || b->B % 8 || b->N != b->T * 8 * 160)
    return fail(ERR_USAGE, "C is H D, B a multiple of 8, and N 1280 T");
  return OK;
}

static Status bench(Bench *b, const char *device, const char *precision) {
  char why[512];
  DType dtype = strcmp(precision, "bf16") == 0 ? DTYPE_BF16 : DTYPE_F32;
  b->k = backend_open(device, dtype, why, sizeof why);
  if (!b->k) return fail(ERR_USAGE, "%s", why);
  b->stream = b->k->stream_new();
  b->R = (int)(b->U * b->T);
  for (size_t i = 0; i < PATTERN; i++)
    b->pattern[i] = (float)(random_mix32((uint32_t)i) >> 8) / (1 << 23) - 1;
  b->device_pattern = b->k->memory_new(sizeof b->pattern);
  b->k->memory_upload(b->stream, b->device_pattern, b->pattern, sizeof b->pattern);
  for (int i = 0; i < 4; i++) b->level[i] = rows_new(b, (int)b->T * (8 >> i));
  uint32_t *ids = xcalloc(b->U, sizeof *ids);
  void *names = b->k->memory_new(b->U * sizeof *ids);
  b->k->memory_upload(b->stream, names, ids, b->U * sizeof *ids);
  b->k->stream_sync(b->stream);
  free(ids);
  b->key = (RandomKey){.seed = 1, .step = 1, .utterances = names};
  const char *choice = getenv("JARGON_GEMM");
  bool own = choice && strcmp(choice, "own") == 0;
  products(b, own);
  if (!own) {
    frontend(b);
    subsampling(b);
    attention(b);
    convolution(b);
    norms(b);
    losses(b);
    optimiser(b);
  }
  b->k->memory_free(names);
  for (int i = 0; i < 4; i++) b->k->memory_free((void *)b->level[i].offsets);
  b->k->memory_free(b->device_pattern);
  b->k->stream_free(b->stream);
  return OK;
}

int main(int argc, char **argv) {
  static Bench b;
  if (argc < 5 || (strcmp(argv[2], "f32") != 0 && strcmp(argv[2], "bf16") != 0)) {
    fprintf(stderr,
            "usage: kernels DEVICE f32|bf16 SECONDS LETTER=VALUE... [WORD]   (kernel_floors.py --letters)\n");
    return ERR_USAGE;
  }
  b.budget = atof(argv[3]);
  b.word = "";
  Status status = letters_read(&b, argc - 4, argv + 4);
  if (status == OK) status = bench(&b, argv[1], argv[2]);
  if (status != OK) fprintf(stderr, "kernels: %s\n", fail_text());
  return (int)status;
}
