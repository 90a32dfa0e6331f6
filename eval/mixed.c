#include "eval/mixed.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "eval/distributions.h"

enum { MOST = MIXED_TERMS_MOST + 1, ROUNDS = 100 };

static const double FALLEN = 40;      /* where the integrand is cut off: e^-40 of its peak */
static const double SD_LEAST = 1e-3;  /* below it speakers do not differ */
static const double EFFECT_MOST = 12; /* a larger log ratio of rates means that no finite maximum exists */
static const double CONVERGED = 1e-8; /* of Newton's step */

/* theta is beta and then, unless speakers are taken as alike, log sd. */
typedef struct Model {
  const MixedData *data;
  int size;     /* of theta */
  double *rate; /* words exp(x beta) of each row */
} Model;

/* The integrand's logarithm for a speaker with that sum of errors and of rates, given b. */
static double integrand(double errors, double rate, double sd, double b) {
  return errors * b - rate * exp(b) - b * b / (2 * sd * sd) - log(sd) - log(2 * M_PI) / 2;
}

/* Newton's method, which for a concave function with a damped first step does not fail. */
static double mode(double errors, double rate, double sd) {
  double b = 0;
  for (int i = 0; i < 200; i++) {
    double mean = rate * exp(b), step = (errors - mean - b / (sd * sd)) / (mean + 1 / (sd * sd));
    b += fmax(fmin(step, 1), -1);
    if (fabs(step) < 1e-12) break;
  }
  return b;
}

/* The logarithm of the integral, and the means of exp(b) and b^2 under the integrand. */
typedef struct Moments {
  double log_integral, exponential, square;
} Moments;

static Moments moments(double errors, double rate, double sd) {
  double middle = mode(errors, rate, sd), step = 0.5 / sqrt(rate * exp(middle) + 1 / (sd * sd));
  double peak = integrand(errors, rate, sd, middle), sum = 0, exponential = 0, square = 0;
  for (int side = -1; side <= 1; side += 2)
    for (int k = side > 0;; k++) {
      double b = middle + side * k * step, below = integrand(errors, rate, sd, b) - peak;
      if (below < -FALLEN) break;
      sum += exp(below);
      exponential += exp(below + b);
      square += exp(below) * b * b;
    }
  return (Moments){peak + log(sum * step), exponential / sum, square / sum};
}

static int speaker_end(const MixedData *data, int start) {
  int end = start + 1;
  while (end < data->rows && data->speaker[end] == data->speaker[start]) end++;
  return end;
}

/* The log likelihood; assigns the gradient. */
static double likelihood(const Model *model, const double *theta, double *gradient) {
  const MixedData *data = model->data;
  int terms = data->terms;
  double sum = 0, sd = model->size > terms ? exp(theta[terms]) : 0;
  memset(gradient, 0, (size_t)model->size * sizeof *gradient);
  for (int start = 0, end; start < data->rows; start = end) {
    double errors = 0, rate = 0;
    end = speaker_end(data, start);
    for (int i = start; i < end; i++) {
      double linear = log(data->words[i]);
      for (int k = 0; k < terms; k++) linear += data->x[i * terms + k] * theta[k];
      sum += data->errors[i] * linear - lgamma(data->errors[i] + 1);
      rate += model->rate[i] = exp(linear);
      errors += data->errors[i];
    }
    Moments about = sd > 0 ? moments(errors, rate, sd) : (Moments){-rate, 1, 0};
    sum += about.log_integral;
    for (int i = start; i < end; i++)
      for (int k = 0; k < terms; k++)
        gradient[k] += data->x[i * terms + k] * (data->errors[i] - model->rate[i] * about.exponential);
    if (sd > 0) gradient[terms] += about.square / (sd * sd) - 1;
  }
  return sum;
}

/* Minus the second derivatives. */
static void information(const Model *model, const double *theta, double matrix[MOST][MOST]) {
  double moved[MOST], above[MOST], below[MOST];
  int size = model->size;
  for (int k = 0; k < size; k++) {
    double step = 1e-5;
    memcpy(moved, theta, (size_t)size * sizeof *moved);
    moved[k] = theta[k] + step;
    likelihood(model, moved, above);
    moved[k] = theta[k] - step;
    likelihood(model, moved, below);
    for (int i = 0; i < size; i++) matrix[k][i] = (below[i] - above[i]) / (2 * step);
  }
  for (int k = 0; k < size; k++)
    for (int i = 0; i < k; i++) matrix[k][i] = matrix[i][k] = (matrix[k][i] + matrix[i][k]) / 2;
}

/* The lower triangle of matrix + damp diagonal becomes its Cholesky factor; false: not positive definite. */
static bool factorise(double matrix[MOST][MOST], int size, double damp, double factor[MOST][MOST]) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j <= i; j++) {
      double sum = matrix[i][j] + (i == j ? damp * (fabs(matrix[i][i]) + 1e-9) : 0);
      for (int k = 0; k < j; k++) sum -= factor[i][k] * factor[j][k];
      if (i == j && !(sum > 1e-10 * fabs(matrix[i][i]))) return false;
      factor[i][j] = i == j ? sqrt(sum) : sum / factor[j][j];
    }
  return true;
}

static void solve(double factor[MOST][MOST], int size, const double *right, double *out) {
  for (int i = 0; i < size; i++) {
    out[i] = right[i];
    for (int k = 0; k < i; k++) out[i] -= factor[i][k] * out[k];
    out[i] /= factor[i][i];
  }
  for (int i = size - 1; i >= 0; i--) {
    for (int k = i + 1; k < size; k++) out[i] -= factor[k][i] * out[k];
    out[i] /= factor[i][i];
  }
}

/* Newton's method from theta on, damped until the step goes up. *collapsed: sd went to 0. */
static Status maximise(const Model *model, double *theta, double *best, bool *collapsed) {
  double matrix[MOST][MOST], factor[MOST][MOST], gradient[MOST], step[MOST], next[MOST];
  int terms = model->data->terms, size = model->size;
  *best = likelihood(model, theta, gradient);
  for (int round = 0; round < ROUNDS; round++) {
    double damp = 0, largest = 0, value = -INFINITY;
    information(model, theta, matrix);
    for (int attempt = 0; attempt < 40; attempt++, damp = damp ? 4 * damp : 1e-4) {
      if (!factorise(matrix, size, damp, factor)) continue;
      solve(factor, size, gradient, step);
      largest = 0;
      for (int k = 0; k < size; k++) largest = fmax(largest, fabs(step[k]));
      for (int k = 0; k < size; k++) next[k] = theta[k] + step[k] * fmin(1, 2 / fmax(largest, 1e-300));
      value = likelihood(model, next, gradient);
      if (value >= *best - 1e-9 * fabs(*best)) break;
      likelihood(model, theta, gradient);
    }
    if (!(value >= *best - 1e-9 * fabs(*best))) break;
    memcpy(theta, next, (size_t)size * sizeof *theta);
    *best = value;
    if (size > terms && theta[terms] < log(SD_LEAST)) {
      *collapsed = true;
      return OK;
    }
    for (int k = 1; k < terms; k++)
      if (fabs(theta[k]) > EFFECT_MOST)
        return fail(ERR_DATA, "a group without errors has no finite rate ratio");
    if (largest < CONVERGED) return OK;
  }
  return fail(ERR_DATA, "no maximum of the likelihood was found");
}

/* Pearson's, over the degrees of freedom that rows, terms and shrunken intercepts leave. */
static double dispersion(const Model *model, double sd) {
  const MixedData *data = model->data;
  double squares = 0, freedom = data->rows - data->terms;
  for (int start = 0, end; start < data->rows; start = end) {
    double errors = 0, rate = 0;
    end = speaker_end(data, start);
    for (int i = start; i < end; i++) errors += data->errors[i], rate += model->rate[i];
    double b = sd > 0 ? mode(errors, rate, sd) : 0, mean = rate * exp(b);
    if (sd > 0) freedom -= mean / (mean + 1 / (sd * sd));
    for (int i = start; i < end; i++) {
      double expected = model->rate[i] * exp(b);
      squares += (data->errors[i] - expected) * (data->errors[i] - expected) / expected;
    }
  }
  return freedom >= 1 ? squares / freedom : NAN;
}

Status mixed_fit(const MixedData *data, MixedFit *fit) {
  Status status = OK;
  assert(data->terms <= MIXED_TERMS_MOST && data->terms > 0);
  Model model = {data, data->terms, xcalloc((size_t)data->rows, sizeof(double))};
  double theta[MOST] = {0}, matrix[MOST][MOST], factor[MOST][MOST], errors = 0, words = 0, sum = 0;
  double gradient[MOST];
  bool collapsed = false;
  *fit = (MixedFit){0};
  for (int start = 0; start < data->rows; start = speaker_end(data, start)) fit->speakers++;
  for (int i = 0; i < data->rows; i++) errors += data->errors[i], words += data->words[i];
  if (!(errors > 0)) TRY(fail(ERR_DATA, "there are no errors"));
  theta[0] = log(errors / words);
  TRY(maximise(&model, theta, &sum, &collapsed));
  memcpy(fit->beta, theta, (size_t)data->terms * sizeof *theta);
  model.size = data->terms + 1;
  theta[data->terms] = log(0.3);
  TRY(maximise(&model, theta, &fit->log_likelihood, &collapsed));
  if (collapsed) {
    model.size = data->terms;
    memcpy(theta, fit->beta, (size_t)data->terms * sizeof *theta);
    fit->log_likelihood = likelihood(&model, theta, gradient);
  }
  fit->sd = collapsed ? 0 : exp(theta[data->terms]);
  memcpy(fit->beta, theta, (size_t)data->terms * sizeof *theta);
  information(&model, theta, matrix);
  likelihood(&model, theta, gradient); /* the rates at theta */
  fit->dispersion = dispersion(&model, fit->sd);
  if (!factorise(matrix, model.size, 0, factor))
    TRY(fail(ERR_DATA, "some groups cannot be told apart from others"));
  for (int k = 0; k < data->terms; k++) {
    double unit[MOST] = {0}, column[MOST] = {0};
    unit[k] = 1;
    solve(factor, model.size, unit, column);
    fit->error[k] = sqrt(column[k]);
  }
done:
  free(model.rate);
  return status;
}

static double freedom_of(const MixedFit *fit, int terms) { return fmax(1, fit->speakers - terms); }

double mixed_reach(const MixedFit *fit, int terms) { return student_upper(0.025, freedom_of(fit, terms)); }

double mixed_p(const MixedFit *fit, int terms, int k) {
  return 2 * student_tail(fabs(fit->beta[k] / fit->error[k]), freedom_of(fit, terms));
}
