/* CTC's loss, and greedy decoding: kernels/ctc.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/bf16.h"
#include "tests/ops/ops.h"
#include "tests/ops/ref_ctc.h"

enum { FITTING, ANY, NONE }; /* how many labels an utterance has */

typedef struct Case {
  int32_t *labels, *offsets; /* host */
  CtcLabels device;
  Tensor *logits;
  int V, blank;
  float scale;
} Case;

static int frames_needed(const int32_t *labels, int S) {
  int frames = S;
  for (int s = 1; s < S; s++) frames += labels[s] == labels[s - 1];
  return frames;
}

/* Labels of few classes, so that they repeat, next to each other and apart. */
static Case case_new(Ops *t, const Shape *shape, int kind) {
  Case c = {.V = shape->C + 1, .scale = 0.37f};
  int R = t->offsets[shape->U], classes = c.V - 1 < 5 ? c.V - 1 : 5;
  c.blank = kind == ANY ? 0 : c.V - 1; /* the formula takes any class for the blank */
  c.labels = ops_host(t, (size_t)(R + shape->U + 1) * sizeof *c.labels);
  c.offsets = ops_host(t, (size_t)(shape->U + 1) * sizeof *c.offsets);
  c.device.S_max = 0;
  for (int u = 0; u < shape->U; u++) {
    int T = t->offsets[u + 1] - t->offsets[u], S = kind == NONE ? 0 : ops_below(t, T + 2);
    int32_t *labels = c.labels + c.offsets[u];
    for (int s = 0; s < S; s++) labels[s] = (ops_below(t, classes) + 1 + c.blank) % c.V;
    while (kind == FITTING && frames_needed(labels, S) > T) S--;
    c.offsets[u + 1] = c.offsets[u] + S;
    if (S > c.device.S_max) c.device.S_max = S;
  }
  c.device.total = c.offsets[shape->U];
  c.device.labels = ops_bytes(t, "labels", c.labels, (size_t)c.device.total * sizeof *c.labels);
  c.device.offsets = ops_bytes(t, "label offsets", c.offsets, (size_t)(shape->U + 1) * sizeof *c.offsets);
  return c;
}

static void reference(const Ops *t, const Case *c, const double *logits, double *nll, double *dlogits) {
  memset(dlogits, 0, (size_t)(t->rows.R * c->V) * sizeof *dlogits);
  for (int u = 0; u < t->rows.U; u++) {
    int T = t->offsets[u + 1] - t->offsets[u], S = c->offsets[u + 1] - c->offsets[u],
        at = t->offsets[u] * c->V;
    const int32_t *labels = c->labels + c->offsets[u];
    nll[u] = ref_ctc_loss(logits + at, labels, T, S, c->V, c->blank);
    if (isfinite(nll[u]))
      ref_ctc_gradient(dlogits + at, logits + at, labels, T, S, c->V, c->blank, (double)c->scale);
  }
}

static void loss_alone(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                       const void *context) {
  const Case *c = context;
  ptrdiff_t u = key.utterances - t->key.utterances; /* which one it is */
  int32_t S = c->offsets[u + 1] - c->offsets[u], offsets[2] = {0, S};
  CtcLabels labels = {c->device.labels + c->offsets[u],
                      ops_bytes(t, "offsets alone", offsets, sizeof offsets), S, S};
  float *nll = t->backend->memory_new(sizeof *nll);
  t->backend->ctc_loss(t->stream, nll, out[0], in[0], rows[0], labels, c->V, c->blank, c->scale, true);
  t->backend->stream_sync(t->stream);
  t->backend->memory_free(nll);
}

static void check_loss(Ops *t, const Shape *shape, int kind, double spread) {
  Case c = case_new(t, shape, kind);
  size_t n = (size_t)(t->rows.R * c.V);
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = spread * ops_random(t);
  c.logits = ops_activation(t, "logits", values, n);
  Tensor *nll = ops_output(t, "nll", (size_t)shape->U), *dlogits = ops_output(t, "dlogits", n);
  t->backend->ctc_loss(t->stream, nll->data, dlogits->data, c.logits->data, t->rows, c.device, c.V, c.blank,
                       c.scale, true);
  reference(t, &c, c.logits->want, nll->want, dlogits->want);
  ops_alone(t, (Rows[]){t->rows, t->rows}, loss_alone, (Sliced[]){{c.logits, c.V, 0}}, 1,
            (Sliced[]){{dlogits, c.V, 0}}, 1, &c);
  Tensor *again = ops_output(t, "nll without gradient", (size_t)shape->U);
  t->backend->ctc_loss(t->stream, again->data, NULL, c.logits->data, t->rows, c.device, c.V, c.blank, c.scale,
                       true);
  memcpy(again->want, nll->want, nll->n * sizeof *nll->want);
}

static void loss_case(Ops *t, const Shape *shape) {
  check_loss(t, shape, FITTING, 1);
  check_loss(t, shape, FITTING, 8); /* confident: most of the lattice is unlikely */
  check_loss(t, shape, ANY, 1);
  check_loss(t, shape, NONE, 1);
}

/* More labels than a CUDA block has threads, more states than twice that, and two labels that take turns, so
 * that each occurs more often than that, far apart; behind a short utterance, in few more frames than they
 * need. */
static void many_labels_case(Ops *t, const Shape *shape) {
  enum { FEW = 3, MANY = 300, CLASSES = 4 };
  if (shape != &ops_shapes[0]) { /* once is enough */
    (void)ops_output(t, "nothing", 0);
    return;
  }
  Case c = {.V = CLASSES + 1, .blank = CLASSES, .scale = 0.37f};
  c.labels = ops_host(t, (FEW + MANY) * sizeof *c.labels);
  for (int s = 0; s < FEW + MANY; s++)
    c.labels[s] = ops_below(t, 16) == 0 ? ops_below(t, CLASSES) : 1 + s % 2;
  int32_t ends[3] = {0, FEW, FEW + MANY};
  c.offsets = ends;
  c.device = (CtcLabels){ops_bytes(t, "labels", c.labels, (FEW + MANY) * sizeof *c.labels),
                         ops_bytes(t, "label offsets", ends, sizeof ends), MANY, FEW + MANY};
  int lengths[2] = {2 * FEW, frames_needed(c.labels + FEW, MANY) + 50};
  int offsets[3] = {0, lengths[0], lengths[0] + lengths[1]};
  t->rows = ops_rows(t, 2, lengths, 1);
  t->offsets = memcpy(ops_host(t, sizeof offsets), offsets, sizeof offsets);
  size_t n = (size_t)(t->rows.R * c.V);
  Tensor *logits = ops_input(t, "logits", n), *nll = ops_output(t, "nll", 2),
         *dlogits = ops_output(t, "dlogits", n);
  t->backend->ctc_loss(t->stream, nll->data, dlogits->data, logits->data, t->rows, c.device, c.V, c.blank,
                       c.scale, true);
  reference(t, &c, logits->want, nll->want, dlogits->want);
}

/* dlogits over logits. */
static void in_place_case(Ops *t, const Shape *shape) {
  Case c = case_new(t, shape, FITTING);
  size_t n = (size_t)(t->rows.R * c.V);
  Tensor *logits = ops_updated(t, "logits", n), *nll = ops_output(t, "nll", (size_t)shape->U);
  double *before = ops_host(t, n * sizeof *before);
  memcpy(before, logits->want, n * sizeof *before);
  t->backend->ctc_loss(t->stream, nll->data, logits->data, logits->data, t->rows, c.device, c.V, c.blank,
                       c.scale, true);
  reference(t, &c, before, nll->want, logits->want);
}

static void test_loss(void **state) { (void)state, ops_run("ctc_loss", loss_case); }
static void test_many_labels(void **state) {
  (void)state, ops_run("ctc_loss of many labels", many_labels_case);
}
static void test_in_place(void **state) { (void)state, ops_run("ctc_loss in place", in_place_case); }

/* Without zero_infinity the rows of an utterance whose labels do not fit are NaN, and only they; with a class
 * that cannot be (a logit of -infinity) nothing fits either. */
static void impossible_case(Ops *t, const Shape *shape) {
  if (t->offsets[shape->U] == 0 || shape->C > 64) {
    (void)ops_output(t, "nothing", 0);
    return;
  }
  int V = shape->C + 1, R = t->rows.R, U = shape->U;
  size_t n = (size_t)(R * V);
  int32_t *labels = ops_host(t, (size_t)(R + U) * sizeof *labels),
          *offsets = ops_host(t, (size_t)(U + 1) * sizeof *offsets);
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = ops_random(t);
  for (int u = 0; u < U; u++) { /* by turns: one label too many, one that cannot be, none */
    int T = t->offsets[u + 1] - t->offsets[u];
    offsets[u + 1] = offsets[u] + (u % 3 == 0 ? T + 1 : u % 3 == 1 ? 1 : 0);
    for (int r = t->offsets[u]; u % 3 == 1 && r < t->offsets[u + 1]; r++) values[r * V] = -INFINITY;
  }
  CtcLabels device = {ops_bytes(t, "labels", labels, (size_t)offsets[U] * sizeof *labels),
                      ops_bytes(t, "label offsets", offsets, (size_t)(U + 1) * sizeof *offsets), R + 1,
                      offsets[U]};
  Tensor *logits = ops_activation(t, "logits", values, n), *nll = ops_output(t, "nll", (size_t)U);
  float *dlogits = t->backend->memory_new((n + 1) * sizeof *dlogits);
  bf16_register(dlogits, "dlogits", n);
  t->backend->memory_zero(t->stream, dlogits, (n + 1) * sizeof *dlogits);
  t->backend->ctc_loss(t->stream, nll->data, dlogits, logits->data, t->rows, device, V, V - 1, 1, false);
  float *got = ops_download(t, dlogits, n);
  bf16_forget(dlogits);
  t->backend->memory_free(dlogits);
  for (int u = 0; u < U; u++) {
    int T = t->offsets[u + 1] - t->offsets[u];
    nll->want[u] =
        u % 3 < 2 ? INFINITY : ref_ctc_loss(logits->want + t->offsets[u] * V, NULL, T, 0, V, V - 1);
    for (int i = t->offsets[u] * V; i < t->offsets[u + 1] * V; i++)
      if ((u % 3 < 2) != isnan(got[i]))
        fail_msg("%s: dlogits[%d] of utterance %d is %g", t->shape, i, u, (double)got[i]);
  }
  for (size_t i = (size_t)(t->offsets[U] * V); i < n; i++) assert_true(got[i] == 0);
}

static void test_impossible(void **state) {
  (void)state, ops_run("ctc_loss of the impossible", impossible_case);
}

/* best is compared here, to the letter; log_probability by ops_run. Every third row has two largest. */
static void greedy_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, V = shape->C;
  size_t n = (size_t)(R * V);
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = ops_random(t);
  for (int r = 0; r < R; r += 3) values[r * V + ops_below(t, V)] = values[r * V + ops_below(t, V)] = 9;
  Tensor *logits = ops_activation(t, "logits", values, n),
         *log_probability = ops_output(t, "log-probability", (size_t)R);
  int32_t *best = t->backend->memory_new(((size_t)R + 1) * sizeof *best);
  t->backend->greedy_decode(t->stream, best, log_probability->data, logits->data, R, V);
  const int32_t *got =
      (const int32_t *)(const void *)ops_download(t, (const float *)(const void *)best, (size_t)R);
  t->backend->memory_free(best);
  for (int r = 0; r < R; r++) {
    const double *row = logits->want + r * V;
    int most = 0;
    double sum = 0;
    for (int v = 1; v < V; v++)
      if (row[v] > row[most]) most = v;
    for (int v = 0; v < V; v++) sum += exp(row[v] - row[most]);
    log_probability->want[r] = -log(sum);
    if (got[r] != most)
      fail_msg("%s, %s: best of row %d is %d, want %d", t->backend->name, t->shape, r, got[r], most);
  }
}

static void test_greedy(void **state) { (void)state, ops_run("greedy_decode", greedy_case); }

/* The reference: against all paths one by one, and its gradient against differences. */
enum { T = 5, V = 4, S = 3, BLANK = 3 };
static const int32_t transcript[S] = {1, 1, 0};

static double loss(void *context) { return ref_ctc_loss(context, transcript, T, S, V, BLANK); }

static double loss_by_paths(const double *logits) {
  double sum = 0;
  for (int path = 0; path < V * V * V * V * V; path++) {
    int collapsed[T], length = 0, before = -1, rest = path;
    double p = 1;
    for (int t = 0; t < T; t++, rest /= V) {
      double all = 0;
      int v = rest % V;
      for (int i = 0; i < V; i++) all += exp(logits[t * V + i]);
      p *= exp(logits[t * V + v]) / all;
      if (v != before && v != BLANK) collapsed[length++] = v;
      before = v;
    }
    int same = length == S;
    for (int s = 0; same && s < S; s++) same = collapsed[s] == transcript[s];
    if (same) sum += p;
  }
  return -log(sum);
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {0};
  double logits[T * V], dlogits[T * V];
  for (int i = 0; i < T * V; i++) logits[i] = ops_random(&t);
  assert_true(fabs(loss(logits) - loss_by_paths(logits)) < 1e-12);
  assert_true(
      isinf(ref_ctc_loss(logits, transcript, S, S, V, BLANK))); /* the equal labels need a blank between */
  ref_ctc_gradient(dlogits, logits, transcript, T, S, V, BLANK, 1);
  ops_differences("ctc dlogits", dlogits, logits, T * V, loss, logits);
}

static void bench(Ops *t) {
  int classes = 1025, labels_each = 40;
  int32_t labels[400], offsets[11] = {0};
  for (int i = 0; i < 400; i++) labels[i] = ops_below(t, classes - 1);
  for (int u = 0; u < 10; u++) offsets[u + 1] = offsets[u] + labels_each;
  Rows rows = ops_bench_rows(t, 150);
  CtcLabels device = {ops_bytes(t, "labels", labels, sizeof labels),
                      ops_bytes(t, "offsets", offsets, sizeof offsets), labels_each, 400};
  size_t n = (size_t)(rows.R * classes);
  float *logits = ops_input(t, "logits", n)->data, *dlogits = ops_input(t, "dlogits", n)->data;
  float *nll = ops_input(t, "nll", 10)->data;
  for (OpsTimer timer = ops_timer(t, "ctc_loss", "10 x 150 frames, 40 labels, V=1025", 8.0 * (double)n, 0);
       ops_again(&timer);)
    t->backend->ctc_loss(t->stream, nll, dlogits, logits, rows, device, classes, classes - 1, 1, true);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),  cmocka_unit_test(test_loss),   cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_impossible), cmocka_unit_test(test_greedy), cmocka_unit_test(test_many_labels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
