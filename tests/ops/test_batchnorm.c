/* Batch norm over all real rows: kernels/batchnorm.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/ops/ops.h"
#include "tests/ops/ref_batchnorm.h"

static const float eps = 1e-5f, momentum = 0.1f;

/* Rows that are not centred: their mean is large beside their spread, as where one-pass variances fail. */
static Tensor *off_centre(Ops *t, size_t n) {
  double *values = ops_host(t, n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = 100 + 0.5 * ops_random(t);
  return ops_activation(t, "x", values, n);
}

typedef struct Reference {
  double *mean, *var, *var_more;
} Reference;

static Reference reference(Ops *t, const Tensor *x, int N, int C) {
  size_t bytes = (size_t)C * sizeof(double);
  Reference r = {ops_host(t, bytes), ops_host(t, bytes), ops_host(t, bytes)};
  if (N > 0) ref_batchnorm_statistics(r.mean, r.var, r.var_more, x->want, N, C);
  return r;
}

static double rstd_of(double var, int N) { return N > 0 ? 1 / sqrt(var + (double)eps) : 0; }

static void check_forward(Ops *t, const Shape *shape, bool centred, bool running) {
  int C = shape->C, N = t->offsets[shape->U];
  size_t n = (size_t)(t->rows.R * C), channels = (size_t)C;
  Tensor *x = centred ? ops_input(t, "x", n) : off_centre(t, n);
  Tensor *gamma = ops_input(t, "gamma", channels), *beta = ops_input(t, "beta", channels);
  Tensor *y = ops_output(t, "y", n), *mean = ops_output(t, "mean", channels),
         *rstd = ops_output(t, "rstd", channels);
  Tensor *running_mean = running ? ops_updated(t, "running mean", channels) : NULL;
  Tensor *running_var = running ? ops_updated(t, "running variance", channels) : NULL;
  t->backend->batchnorm_forward(t->stream, y->data, mean->data, rstd->data,
                                running ? running_mean->data : NULL, running ? running_var->data : NULL,
                                x->data, gamma->data, beta->data, t->rows, C, eps, momentum);
  Reference r = reference(t, x, N, C);
  memset(y->want, 0, n * sizeof *y->want);
  ref_batchnorm_apply(y->want, x->want, gamma->want, beta->want, r.mean, r.var, N, C, (double)eps);
  for (int c = 0; c < C; c++) {
    mean->want[c] = r.mean[c];
    rstd->want[c] = rstd_of(r.var[c], N);
    if (!running || N == 0) continue;
    running_mean->want[c] += (double)momentum * (r.mean[c] - running_mean->want[c]);
    running_var->want[c] += (double)momentum * (r.var_more[c] - running_var->want[c]);
  }
}

static void forward_case(Ops *t, const Shape *shape) {
  check_forward(t, shape, true, true);
  check_forward(t, shape, false, false);
}

/* In place, which must give the same as aside. */
static void in_place_case(Ops *t, const Shape *shape) {
  int C = shape->C, N = t->offsets[shape->U];
  size_t n = (size_t)(t->rows.R * C), channels = (size_t)C;
  Tensor *x = ops_updated(t, "x", n), *gamma = ops_input(t, "gamma", channels),
         *beta = ops_input(t, "beta", channels);
  Tensor *mean = ops_output(t, "mean", channels), *rstd = ops_output(t, "rstd", channels);
  Reference r = reference(t, x, N, C);
  ref_batchnorm_apply(x->want, x->want, gamma->want, beta->want, r.mean, r.var, N, C, (double)eps);
  memset(x->want + N * C, 0, (n - (size_t)(N * C)) * sizeof *x->want);
  for (int c = 0; c < C; c++) mean->want[c] = r.mean[c], rstd->want[c] = rstd_of(r.var[c], N);
  t->backend->batchnorm_forward(t->stream, x->data, mean->data, rstd->data, NULL, NULL, x->data, gamma->data,
                                beta->data, t->rows, C, eps, momentum);
}

static void backward_case(Ops *t, const Shape *shape) {
  int C = shape->C, N = t->offsets[shape->U];
  size_t n = (size_t)(t->rows.R * C), channels = (size_t)C;
  for (int in_place = 0; in_place <= 1; in_place++) {
    Tensor *x = ops_input(t, "x", n), *gamma = ops_input(t, "gamma", channels);
    Tensor *dy = in_place ? ops_updated(t, "dy", n) : ops_input(t, "dy", n);
    Tensor *dx = in_place ? dy : ops_output(t, "dx", n);
    Tensor *dgamma = ops_updated(t, "dgamma", channels), *dbeta = ops_updated(t, "dbeta", channels);
    Reference r = reference(t, x, N, C);
    double *rstd = ops_host(t, channels * sizeof *rstd);
    for (int c = 0; c < C; c++) rstd[c] = rstd_of(r.var[c], N);
    Tensor *mean = ops_given(t, "mean", r.mean, channels), *saved = ops_given(t, "rstd", rstd, channels);

    double *dg = ops_host(t, channels * sizeof *dg), *db = ops_host(t, channels * sizeof *db);
    double *want = ops_host(t, n * sizeof *want);
    ref_batchnorm_backward(want, dg, db, dy->want, x->want, gamma->want, N, C, (double)eps);
    memcpy(dx->want, want, n * sizeof *want);
    for (int c = 0; c < C; c++) dgamma->want[c] += dg[c], dbeta->want[c] += db[c];
    t->backend->batchnorm_backward(t->stream, dx->data, dgamma->data, dbeta->data, dy->data, x->data,
                                   mean->data, saved->data, gamma->data, t->rows, C);
  }
}

typedef struct Layer {
  Tensor *gamma, *beta, *mean, *var;
  int C;
} Layer;

static void infer(Ops *t, const Rows rows[2], RandomKey key, float *const *in, float *const *out,
                  const void *context) {
  const Layer *l = context;
  (void)key;
  t->backend->batchnorm_infer(t->stream, out[0], in[0], l->gamma->data, l->beta->data, l->mean->data,
                              l->var->data, rows[0], l->C, eps);
}

static void infer_case(Ops *t, const Shape *shape) {
  int C = shape->C;
  size_t n = (size_t)(t->rows.R * C), channels = (size_t)C;
  double *variances = ops_host(t, channels * sizeof *variances);
  for (int c = 0; c < C; c++) variances[c] = fabs(ops_random(t));
  Layer l = {ops_input(t, "gamma", channels), ops_input(t, "beta", channels), ops_input(t, "mean", channels),
             ops_given(t, "variance", variances, channels), C};
  Tensor *x = ops_input(t, "x", n), *y = ops_output(t, "y", n);
  memset(y->want, 0, n * sizeof *y->want);
  ref_batchnorm_apply(y->want, x->want, l.gamma->want, l.beta->want, l.mean->want, l.var->want,
                      t->offsets[shape->U], C, (double)eps);
  infer(t, (Rows[]){t->rows, t->rows}, t->key, (float *[]){x->data}, (float *[]){y->data}, &l);
  ops_alone(t, (Rows[]){t->rows, t->rows}, infer, (Sliced[]){{x, C, 0}}, 1, (Sliced[]){{y, C, 0}}, 1, &l);
}

static void test_forward(void **state) { (void)state, ops_run("batchnorm_forward", forward_case); }
static void test_in_place(void **state) { (void)state, ops_run("batchnorm_forward in place", in_place_case); }
static void test_backward(void **state) { (void)state, ops_run("batchnorm_backward", backward_case); }
static void test_infer(void **state) { (void)state, ops_run("batchnorm_infer", infer_case); }

/* The reference's gradients: of sum g y. */
enum { N = 6, CHANNELS = 3 };
typedef struct Numbers {
  double x[N * CHANNELS], gamma[CHANNELS], beta[CHANNELS], g[N * CHANNELS];
} Numbers;

static double loss(void *context) {
  Numbers *n = context;
  double mean[CHANNELS], var[CHANNELS], var_more[CHANNELS], y[N * CHANNELS], sum = 0;
  ref_batchnorm_statistics(mean, var, var_more, n->x, N, CHANNELS);
  ref_batchnorm_apply(y, n->x, n->gamma, n->beta, mean, var, N, CHANNELS, 1e-3);
  for (int i = 0; i < N * CHANNELS; i++) sum += n->g[i] * y[i];
  return sum;
}

static void test_reference(void **state) {
  (void)state;
  Ops t = {0};
  Numbers n;
  double *numbers = (double *)&n, dx[N * CHANNELS], dgamma[CHANNELS], dbeta[CHANNELS];
  for (size_t i = 0; i < sizeof n / sizeof(double); i++) numbers[i] = ops_random(&t);
  ref_batchnorm_backward(dx, dgamma, dbeta, n.g, n.x, n.gamma, N, CHANNELS, 1e-3);
  ops_differences("batch norm dx", dx, n.x, N * CHANNELS, loss, &n);
  ops_differences("batch norm dgamma", dgamma, n.gamma, CHANNELS, loss, &n);
  ops_differences("batch norm dbeta", dbeta, n.beta, CHANNELS, loss, &n);
}

static void bench(Ops *t) {
  int C = 144;
  Rows rows = ops_bench_rows(t, 150);
  size_t n = (size_t)(rows.R * C), channels = (size_t)C;
  float *x = ops_input(t, "x", n)->data, *y = ops_input(t, "y", n)->data, *dx = ops_input(t, "dx", n)->data;
  float *of[6];
  for (int i = 0; i < 6; i++) of[i] = ops_input(t, "of channels", channels)->data;
  const char *shape = "10 x 150 frames, C=144";
  double bytes = 4.0 * (double)n;
  for (OpsTimer timer = ops_timer(t, "batchnorm_forward", shape, 4 * bytes, 0); ops_again(&timer);)
    t->backend->batchnorm_forward(t->stream, y, of[0], of[1], of[2], of[3], x, of[4], of[5], rows, C, eps,
                                  momentum);
  for (OpsTimer timer = ops_timer(t, "batchnorm_backward", shape, 5 * bytes, 0); ops_again(&timer);)
    t->backend->batchnorm_backward(t->stream, dx, of[2], of[3], y, x, of[0], of[1], of[4], rows, C);
  for (OpsTimer timer = ops_timer(t, "batchnorm_infer", shape, 2 * bytes, 0); ops_again(&timer);)
    t->backend->batchnorm_infer(t->stream, y, x, of[4], of[5], of[0], of[1], rows, C, eps);
}

int main(void) {
  if (ops_bench(bench)) return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference), cmocka_unit_test(test_forward), cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_backward),  cmocka_unit_test(test_infer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
