/* The operations whose reference is a line or two: activations, dropout, sums, casts, softmax, greedy
 * decoding, SpecAugment and the optimiser. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"
#include "tests/ops/ops.h"

static double logistic(double x) { return 1 / (1 + exp(-x)); }

/* ---- element by element ---- */

static void activation_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)(t->rows.R * shape->C);
  const Backend *k = t->backend;
  Tensor *x = ops_input(t, "x", n), *dy = ops_input(t, "dy", n);
  Tensor *relu = ops_output(t, "relu", n), *silu = ops_output(t, "silu", n);
  Tensor *drelu = ops_output(t, "drelu", n), *dsilu = ops_output(t, "dsilu", n);
  k->relu_forward(t->stream, relu->data, x->data, n);
  k->relu_backward(t->stream, drelu->data, dy->data, relu->data, n);
  k->silu_forward(t->stream, silu->data, x->data, n);
  k->silu_backward(t->stream, dsilu->data, dy->data, x->data, n);
  for (size_t i = 0; i < n; i++) {
    double in = x->want[i], s = logistic(in);
    relu->want[i] = in > 0 ? in : 0;
    drelu->want[i] = in > 0 ? dy->want[i] : 0;
    silu->want[i] = in * s;
    dsilu->want[i] = dy->want[i] * (s + in * s * (1 - s));
  }
}

static void glu_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)(R * C);
  Tensor *x = ops_input(t, "x", 2 * n), *dy = ops_input(t, "dy", n);
  Tensor *y = ops_output(t, "y", n), *dx = ops_output(t, "dx", 2 * n);
  t->backend->glu_forward(t->stream, y->data, x->data, R, C);
  t->backend->glu_backward(t->stream, dx->data, dy->data, x->data, R, C);
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) {
      int at = r * C + c, a = r * 2 * C + c, b = a + C;
      double s = logistic(x->want[b]);
      y->want[at] = x->want[a] * s;
      dx->want[a] = dy->want[at] * s;
      dx->want[b] = dy->want[at] * x->want[a] * s * (1 - s);
    }
}

static void sum_case(Ops *t, const Shape *shape) {
  size_t n = (size_t)(t->rows.R * shape->C);
  Tensor *a = ops_input(t, "a", n), *b = ops_updated(t, "b", n);
  Tensor *y = ops_output(t, "y", n), *cast = ops_output(t, "cast", n);
  t->backend->scale(t->stream, y->data, a->data, -1.5f, n);
  t->backend->add(t->stream, b->data, a->data, b->data, n);
  t->backend->memory_cast(t->stream, cast->data, a->data, n);
  for (size_t i = 0; i < n; i++) {
    y->want[i] = -1.5 * a->want[i];
    b->want[i] += a->want[i];
    cast->want[i] = a->want[i];
  }
}

/* ---- dropout ---- */

/* What the mask multiplies element (r, c) by: 0 or 1 / (1 - p); 0 in spare rows. */
static double kept(const Ops *t, int r, int c, float p) {
  int u = 0;
  if (r >= t->offsets[t->rows.U]) return 0;
  while (r >= t->offsets[u + 1]) u++;
  uint64_t row =
      random_row(t->key.seed, t->key.step, t->key.site, t->utterances[u], (uint32_t)(r - t->offsets[u]));
  double uniform = random_bits(row, (uint32_t)c) / 4294967296.0;
  return uniform >= (double)p ? 1 / (1 - (double)p) : 0;
}

static void dropout_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)(R * C);
  const Backend *k = t->backend;
  static const float rates[] = {0, 0.3f};
  for (int i = 0; i < 2; i++) {
    float p = rates[i];
    Tensor *h = ops_input(t, "h", n), *x = ops_updated(t, "x", n);
    Tensor *y = ops_output(t, "y", n), *dh = ops_output(t, "dh", n);
    k->dropout(t->stream, y->data, h->data, t->rows, C, p, t->key);
    k->residual_backward(t->stream, dh->data, h->data, t->rows, C, 0.5f, p, t->key);
    k->residual_forward(t->stream, x->data, x->data, h->data, t->rows, C, 0.5f, p, t->key);
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) {
        int at = r * C + c;
        double dropped = kept(t, r, c, p) * h->want[at];
        y->want[at] = dropped;
        dh->want[at] = 0.5 * dropped;
        x->want[at] = r < t->offsets[t->rows.U] ? x->want[at] + 0.5 * dropped : 0;
      }
  }
}

/* ---- softmax, greedy decoding ---- */

static double log_sum_exp(const double *x, int n) {
  double most = x[0], sum = 0;
  for (int i = 0; i < n; i++) most = fmax(most, x[i]);
  for (int i = 0; i < n; i++) sum += exp(x[i] - most);
  return most + log(sum);
}

static void softmax_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, C = shape->C;
  size_t n = (size_t)(R * C);
  const Backend *k = t->backend;
  Tensor *x = ops_input(t, "x", n), *dy = ops_input(t, "dy", n);
  Tensor *y = ops_output(t, "y", n), *log_y = ops_output(t, "log y", n);
  Tensor *dx = ops_output(t, "dx", n), *log_dx = ops_output(t, "log dx", n);
  k->softmax_forward(t->stream, y->data, x->data, R, C);
  k->log_softmax_forward(t->stream, log_y->data, x->data, R, C);
  double *exact = ops_host(t, n * sizeof *exact);
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) {
      log_y->want[r * C + c] = x->want[r * C + c] - log_sum_exp(x->want + r * C, C);
      exact[r * C + c] = y->want[r * C + c] = exp(log_y->want[r * C + c]);
    }
  Tensor *given = ops_activation(t, "y given", exact, n),
         *log_given = ops_given(t, "log y given", log_y->want, n);
  k->softmax_backward(t->stream, dx->data, dy->data, given->data, R, C);
  k->log_softmax_backward(t->stream, log_dx->data, dy->data, log_given->data, R, C);
  for (int r = 0; r < R; r++) {
    double dot = 0, sum = 0, terms = 0;
    for (int c = 0; c < C; c++)
      dot += dy->want[r * C + c] * given->want[r * C + c], sum += dy->want[r * C + c];
    for (int c = 0; c < C; c++) {
      int at = r * C + c;
      dx->want[at] = given->want[at] * (dy->want[at] - dot);
      log_dx->want[at] = dy->want[at] - exp(log_given->want[at]) * sum;
      terms += fabs(dy->want[at]);
    }
    if (C == 1) dx->terms += terms, log_dx->terms += terms; /* one channel has probability 1 whatever x */
  }
}

static void greedy_case(Ops *t, const Shape *shape) {
  int R = t->rows.R, V = shape->C;
  size_t n = (size_t)(R * V), bytes = (size_t)R * sizeof(int32_t);
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = floor(2 * ops_random(t)); /* ties */
  Tensor *logits = ops_activation(t, "logits", values, n),
         *best_log = ops_output(t, "log-probability", (size_t)R);
  int32_t *best = t->backend->memory_new(bytes), *got = ops_host(t, bytes);
  t->backend->greedy_decode(t->stream, best, best_log->data, logits->data, R, V);
  t->backend->memory_download(t->stream, got, best, bytes);
  t->backend->stream_sync(t->stream);
  t->backend->memory_free(best);
  for (int r = 0; r < R; r++) {
    int most = 0;
    for (int v = 1; v < V; v++)
      if (values[r * V + v] > values[r * V + most]) most = v;
    if (got[r] != most)
      fail_msg("%s, %s: row %d has best class %d, want %d", t->op, t->shape, r, got[r], most);
    best_log->want[r] = values[r * V + most] - log_sum_exp(values + r * V, V);
  }
}

/* ---- SpecAugment ---- */

static int draw(const Ops *t, int u, int index, int most) {
  uint64_t row = random_row(t->key.seed, t->key.step, t->key.site, t->utterances[u], 0);
  return (int)floor(random_bits(row, (uint32_t)index) / 4294967296.0 * (most + 1));
}

static void spec_augment_case(Ops *t, const Shape *shape) {
  int C = shape->C;
  SpecAugmentConfig config = {.freq_masks = 2, .freq_width = 5, .time_masks = 3, .time_ratio = 0.25f};
  Tensor *x = ops_updated(t, "features", (size_t)(t->rows.R * C));
  t->backend->spec_augment(t->stream, x->data, t->rows, C, config, t->key);
  for (int u = 0; u < t->rows.U; u++) {
    int first = t->offsets[u], T = t->offsets[u + 1] - first;
    for (int i = 0; i < 5; i++) {
      int band = i < 2, size = band ? C : T, most = band ? 5 : (int)(0.25f * (float)T);
      int width = draw(t, u, 2 * i, most < size ? most : size), start = draw(t, u, 2 * i + 1, size - width);
      for (int r = 0; r < T; r++)
        for (int c = 0; c < C; c++)
          if ((band ? c : r) >= start && (band ? c : r) < start + width) x->want[(first + r) * C + c] = 0;
    }
  }
}

/* ---- the optimiser ---- */

/* Two steps from zero moments, then one with a norm that is not a number, which must change nothing. */
static void adamw_case(Ops *t, const Shape *shape) {
  size_t part = (size_t)(t->rows.R * shape->C), n = 3 * part + 9000; /* the last: more than a tile */
  AdamwSegment segments[] = {{.offset = 0, .count = part, .lr_scale = 1, .decay = 0.1f},
                             {.offset = part, .count = part, .lr_scale = 0, .decay = 0.1f}, /* frozen */
                             {.offset = 2 * part, .count = part, .lr_scale = 0.5f},
                             {.offset = 3 * part, .count = 9000, .lr_scale = 2, .decay = 0.01f}};
  const Backend *k = t->backend;
  Tensor *w = ops_updated(t, "w", n), *m = ops_updated(t, "m", n), *v = ops_updated(t, "v", n);
  Tensor *copy = ops_output(t, "w copied", n), *g = ops_input(t, "g", n), *norm = ops_output(t, "norm", 1);
  k->memory_zero(t->stream, m->data, n * sizeof(float));
  k->memory_zero(t->stream, v->data, n * sizeof(float));
  AdamwConfig config = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.98f, .eps = 1e-8f, .clip = 3, .step = 1};
  k->gradient_norm(t->stream, norm->data, g->data, segments, 4);
  double infinite = INFINITY;
  Tensor *no_norm = ops_given(t, "infinite norm", &infinite, 1);
  for (int step = 1; step <= 3; step++) {
    config.step = step;
    k->adamw_step(t->stream, w->data, copy->data, m->data, v->data, g->data,
                  step < 3 ? norm->data : no_norm->data, segments, 4, config);
  }
  double squares = 0;
  for (size_t i = 0; i < n; i++) m->want[i] = v->want[i] = 0;
  for (int s = 0; s < 4; s++)
    for (size_t i = 0; i < segments[s].count && segments[s].lr_scale != 0; i++)
      squares += pow(g->want[segments[s].offset + i], 2);
  norm->want[0] = sqrt(squares);
  double clip = fmin(1, 3 / (norm->want[0] + 1e-6));
  for (int step = 1; step <= 2; step++)
    for (int s = 0; s < 4; s++)
      for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++) {
        double gradient = g->want[i] * clip, lr = 0.01 * (double)segments[s].lr_scale;
        if (segments[s].lr_scale == 0) continue;
        m->want[i] = 0.9 * m->want[i] + 0.1 * gradient;
        v->want[i] = 0.98 * v->want[i] + 0.02 * gradient * gradient;
        w->want[i] -=
            lr * (m->want[i] / (1 - pow(0.9, step)) / (sqrt(v->want[i] / (1 - pow(0.98, step))) + 1e-8) +
                  (double)segments[s].decay * w->want[i]);
      }
  memcpy(copy->want, w->want, n * sizeof *w->want);
}

static void test_activation(void **state) { (void)state, ops_run("relu, silu", activation_case); }
static void test_glu(void **state) { (void)state, ops_run("glu", glu_case); }
static void test_sum(void **state) { (void)state, ops_run("add, scale, cast", sum_case); }
static void test_dropout(void **state) { (void)state, ops_run("dropout, residual", dropout_case); }
static void test_softmax(void **state) { (void)state, ops_run("softmax, log-softmax", softmax_case); }
static void test_greedy(void **state) { (void)state, ops_run("greedy_decode", greedy_case); }
static void test_spec_augment(void **state) { (void)state, ops_run("spec_augment", spec_augment_case); }
static void test_adamw(void **state) { (void)state, ops_run("gradient_norm, adamw_step", adamw_case); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_activation),   cmocka_unit_test(test_glu),     cmocka_unit_test(test_sum),
      cmocka_unit_test(test_dropout),      cmocka_unit_test(test_softmax), cmocka_unit_test(test_greedy),
      cmocka_unit_test(test_spec_augment), cmocka_unit_test(test_adamw),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
