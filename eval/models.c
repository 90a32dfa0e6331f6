#include "eval/models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/distributions.h"

/* One key's columns: those of its cells that take part, but for the baseline. */
typedef struct Factor {
  const Slice *slice;
  int *column; /* of each cell: -1 baseline, -2 left out */
  int *level;  /* of each utterance: its cell */
  const Cell *baseline;
} Factor;

static int factor_make(Factor *factor, const Slice *slice, int utterances, const Thresholds *thresholds,
                       int next) {
  int most = -1, fit = 0;
  *factor = (Factor){slice, xcalloc((size_t)slice->count, sizeof(int)),
                     xcalloc((size_t)utterances, sizeof(int)), NULL};
  for (int c = 0; c < slice->count; c++) {
    const Cell *cell = &slice->cells[c];
    for (int i = 0; i < cell->utterances; i++) factor->level[cell->items[i]] = c;
    factor->column[c] = -2;
    if (!cell->values[0] || too_few(cell->speakers, thresholds)) continue;
    fit++;
    factor->column[c] = -1;
    if (most < 0 || align_reference(cell->rates.words) > align_reference(slice->cells[most].rates.words))
      most = c;
  }
  if (most >= 0) factor->baseline = &slice->cells[most];
  for (int c = 0; c < slice->count; c++)
    if (factor->column[c] == -1 && c != most) factor->column[c] = next++;
  return fit;
}

typedef struct Row {
  int speaker, item;
} Row;

static int by_speaker(const void *left, const void *right) {
  const Row *a = left, *b = right;
  return a->speaker != b->speaker ? a->speaker - b->speaker : a->item - b->item;
}

/* The utterances that take part, by speaker; *rows is the caller's to free. */
static int rows_make(const Factor *factors, int count, const Slices *slices, const Hypotheses *hypotheses,
                     Row **rows) {
  int made = 0;
  *rows = xcalloc((size_t)hypotheses->count, sizeof **rows);
  for (int i = 0; i < hypotheses->count; i++) {
    bool fits =
        slices->speaker[i] < slices->speakers && align_reference(hypotheses->items[i].rates.words) > 0;
    for (int f = 0; f < count; f++) fits = fits && factors[f].column[factors[f].level[i]] != -2;
    if (fits) (*rows)[made++] = (Row){slices->speaker[i], i};
  }
  qsort(*rows, (size_t)made, sizeof **rows, by_speaker);
  return made;
}

static void model_take(ModelOf *model, const Factor *factors, int count, const MixedFit *fit) {
  model->intercept = fit->beta[0];
  model->speaker_sd = fit->sd;
  model->log_likelihood = fit->log_likelihood;
  model->dispersion = fit->dispersion;
  int terms = model->term_count + 1;
  double reach = mixed_reach(fit, terms);
  for (int f = 0; f < count; f++)
    for (int c = 0; c < factors[f].slice->count; c++) {
      int k = factors[f].column[c];
      if (k < 0) continue;
      model->terms[k - 1] = (ModelTerm){
          .key = factors[f].slice->keys[0],
          .value = factors[f].slice->cells[c].values[0],
          .baseline = factors[f].baseline->values[0],
          .rate_ratio = exp(fit->beta[k]),
          .p = mixed_p(fit, terms, k),
          .interval = {exp(fit->beta[k] - reach * fit->error[k]), exp(fit->beta[k] + reach * fit->error[k])}};
    }
}

static void model_fit(ModelOf *model, const Factor *factors, int count, const Slices *slices,
                      const Hypotheses *hypotheses) {
  Row *rows;
  int row_count = rows_make(factors, count, slices, hypotheses, &rows), terms = model->term_count + 1;
  double *x = xcalloc((size_t)row_count * (size_t)terms, sizeof *x);
  double *errors = xcalloc((size_t)row_count, sizeof *errors),
         *words = xcalloc((size_t)row_count, sizeof *words);
  int *speaker = xcalloc((size_t)row_count, sizeof *speaker);
  MixedFit fit;
  for (int r = 0; r < row_count; r++) {
    AlignCounts counts = hypotheses->items[rows[r].item].rates.words;
    x[r * terms] = 1;
    for (int f = 0; f < count; f++) {
      int k = factors[f].column[factors[f].level[rows[r].item]];
      if (k > 0) x[r * terms + k] = 1;
    }
    errors[r] = (double)align_errors(counts);
    words[r] = (double)align_reference(counts);
    speaker[r] = rows[r].speaker;
    model->words += align_reference(counts);
    model->speakers += r == 0 || rows[r].speaker != rows[r - 1].speaker;
  }
  model->left_out = hypotheses->count - row_count;
  MixedData data = {row_count, terms, x, errors, words, speaker};
  if (mixed_fit(&data, &fit) == OK)
    model_take(model, factors, count, &fit);
  else
    model->failed = xstrdup(fail_text());
  free(rows), free(x), free(errors), free(words), free(speaker);
}

static void model_make(ModelOf *model, const Slice **keys, int count, const Slices *slices,
                       const Hypotheses *hypotheses, const Thresholds *thresholds) {
  Factor *factors = xcalloc((size_t)count, sizeof *factors);
  const char *alone = NULL;
  *model = (ModelOf){.keys = xcalloc((size_t)count, sizeof(char *)), .key_count = count};
  for (int f = 0; f < count; f++) {
    int fit = factor_make(&factors[f], keys[f], hypotheses->count, thresholds, model->term_count + 1);
    model->keys[f] = keys[f]->keys[0];
    model->term_count += fit ? fit - 1 : 0;
    if (fit < 2) alone = keys[f]->keys[0];
  }
  model->terms = xcalloc((size_t)model->term_count, sizeof *model->terms);
  if (alone)
    model->failed =
        xprintf("%s has no two known values with at least %d speakers", alone, thresholds->least_speakers);
  else if (model->term_count >= MIXED_TERMS_MOST)
    model->failed = xprintf("more than %d values", MIXED_TERMS_MOST);
  else
    model_fit(model, factors, count, slices, hypotheses);
  if (model->failed) model->term_count = 0;
  for (int f = 0; f < count; f++) free(factors[f].column), free(factors[f].level);
  free(factors);
}

static void models_correct(Models *models) {
  int count = 0, at = 0;
  for (int m = 0; m < models->count; m++) count += models->items[m].term_count;
  double *p = xcalloc((size_t)count, sizeof *p);
  for (int m = 0; m < models->count; m++)
    for (int t = 0; t < models->items[m].term_count; t++) p[at++] = models->items[m].terms[t].p;
  benjamini_hochberg(p, count, p);
  at = 0;
  for (int m = 0; m < models->count; m++)
    for (int t = 0; t < models->items[m].term_count; t++) models->items[m].terms[t].q = p[at++];
  free(p);
}

void models_make(Models *models, const Slices *slices, const Hypotheses *hypotheses,
                 const Thresholds *thresholds) {
  const Slice **single = xcalloc((size_t)slices->count, sizeof *single);
  int count = 0;
  for (int s = 1; s < slices->count; s++)
    if (slices->items[s].key_count == 1) single[count++] = &slices->items[s];
  *models = (Models){xcalloc((size_t)count + 1, sizeof(ModelOf)), 0};
  for (int s = 0; s < count; s++)
    model_make(&models->items[models->count++], &single[s], 1, slices, hypotheses, thresholds);
  if (count > 1) model_make(&models->items[models->count++], single, count, slices, hypotheses, thresholds);
  models_correct(models);
  free(single);
}

void models_free(Models *models) {
  for (int m = 0; m < models->count; m++)
    free(models->items[m].keys), free(models->items[m].terms), free(models->items[m].failed);
  free(models->items);
  *models = (Models){0};
}
