#include "eval/scores_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *interval_json(const char *none, Interval interval) {
  return none ? json_null() : json_pack("[f, f]", interval.low, interval.high);
}

/* The counts and rates that a cell has of either system. */
static json_t *rates_json(const Rates *rates) {
  return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "substitutions", (json_int_t)rates->words.sub,
                   "deletions", (json_int_t)rates->words.del, "insertions", (json_int_t)rates->words.ins,
                   "character_errors", (json_int_t)align_errors(rates->characters), "wer",
                   number(rates_error(rates->words)), "cer", number(rates_error(rates->characters)));
}

/* Adds the keys of `more`, and lets go of it. */
static void extend(json_t *object, json_t *more) {
  json_object_update(object, more);
  json_decref(more);
}

static json_t *text_or_null(const char *text) { return text ? json_string(text) : json_null(); }

static json_t *power_json(const Cell *cell) {
  const Power *power = &cell->power;
  int more = power->needed > cell->speakers ? power->needed - cell->speakers : 0;
  return json_pack("{s:o, s:s, s:o, s:o, s:o}", "speaker_sd", number(power->speaker_sd), "of",
                   power->of_all ? "all" : "cell", "detectable", number(power->detectable), "speakers_needed",
                   power->needed ? json_integer(power->needed) : json_null(), "more",
                   power->needed ? json_integer(more) : json_null());
}

static json_t *pairs_json(const MatchedPairs *pairs) {
  return json_pack("{s:I, s:o, s:o, s:o, s:o}", "segments", (json_int_t)pairs->segments, "mean",
                   number(pairs->mean), "sd", number(pairs->sd), "z", number(pairs->z), "p",
                   number(pairs->p));
}

static json_t *before_json(const Cell *cell) {
  const Before *before = &cell->before;
  json_t *out = rates_json(&before->rates);
  extend(out,
         json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "speaker_wer", number(before->speaker_wer),
                   "interval", interval_json(before->has_interval ? NULL : "", before->interval),
                   "difference", number(rates_error(cell->rates.words) - rates_error(before->rates.words)),
                   "difference_interval",
                   interval_json(before->has_difference ? NULL : "", before->difference),
                   "improvement_probability", number(before->improvement), "p", number(before->p), "q",
                   number(before->q), "mapsswe", pairs_json(&before->pairs)));
  return out;
}

static json_t *values_json(const Slice *slice, const Cell *cell) {
  json_t *values = json_object();
  for (int k = 0; k < slice->key_count; k++)
    json_object_set_new(values, slice->keys[k], text_or_null(cell->values[k]));
  return values;
}

static json_t *cell_json(const Slice *slice, const Cell *cell, bool before) {
  bool timed = cell->without_duration < cell->utterances;
  json_t *out =
      json_pack("{s:o, s:i, s:I, s:I, s:i, s:o, s:i, s:i, s:i, s:I}", "values", values_json(slice, cell),
                "utterances", cell->utterances, "words", (json_int_t)align_reference(cell->rates.words),
                "characters", (json_int_t)align_reference(cell->rates.characters), "speakers", cell->speakers,
                "minutes", number(timed ? cell->seconds / 60 : NAN), "without_duration",
                cell->without_duration, "unknown_speaker", cell->unknown_speaker, "empty_references",
                cell->empty_references, "empty_insertions", (json_int_t)cell->empty_insertions);
  extend(out, rates_json(&cell->rates));
  extend(out, json_pack("{s:o, s:o, s:o, s:o, s:o}", "speaker_wer", number(cell->speaker_wer), "interval",
                        interval_json(cell->no_interval, cell->interval), "no_interval",
                        text_or_null(cell->no_interval), "rank",
                        cell->rank ? json_integer(cell->rank) : json_null(), "power",
                        cell_is_group(slice, cell) ? power_json(cell) : json_null()));
  if (before) json_object_set_new(out, "before", before_json(cell));
  return out;
}

static json_t *keys_json(const Slice *slice) {
  json_t *keys = json_array();
  for (int k = 0; k < slice->key_count; k++) json_array_append_new(keys, json_string(slice->keys[k]));
  return keys;
}

static json_t *slices_json(const Slices *slices, bool before) {
  json_t *list = json_array();
  for (int s = 0; s < slices->count; s++) {
    const Slice *slice = &slices->items[s];
    json_t *cells = json_array();
    for (int c = 0; c < slice->count; c++)
      json_array_append_new(cells, cell_json(slice, &slice->cells[c], before));
    json_array_append_new(list, json_pack("{s:o, s:o}", "keys", keys_json(slice), "cells", cells));
  }
  return list;
}

static json_t *figures_json(const GapFigures *figures) {
  const char *no_ratio = figures->ratio_has_interval ? NULL : "";
  return json_pack(
      "{s:[i, i], s:[I, I], s:[o, o], s:o, s:o, s:o, s:o, s:o, s:o}", "speakers", figures->speakers[0],
      figures->speakers[1], "words", (json_int_t)figures->words[0], (json_int_t)figures->words[1], "wer",
      number(figures->wer[0]), number(figures->wer[1]), "no_interval", text_or_null(figures->no_interval),
      "difference", number(figures->difference), "difference_interval",
      interval_json(figures->no_interval, figures->difference_interval), "ratio", number(figures->ratio),
      "ratio_interval", interval_json(no_ratio, figures->ratio_interval), "p", number(figures->p));
}

static json_t *matched_json(const Gap *gap, const Gaps *gaps) {
  if (gap->pairs == 0) return json_null();
  json_t *exact = json_array(), *out = figures_json(&gap->matched);
  for (int k = 0; k < gaps->exact_count; k++)
    if (gap_exact(gap, gaps->exact[k])) json_array_append_new(exact, json_string(gaps->exact[k]));
  extend(out, json_pack("{s:o, s:i, s:[f, f], s:[f, f]}", "exact", exact, "pairs", gap->pairs, "mean_seconds",
                        gap->seconds[0], gap->seconds[1], "mean_words", gap->words[0], gap->words[1]));
  return out;
}

static json_t *gaps_json(const Gaps *gaps) {
  json_t *list = json_array();
  for (int g = 0; g < gaps->count; g++) {
    const Gap *gap = &gaps->items[g];
    json_t *out =
        json_pack("{s:o, s:o, s:o}", "keys", keys_json(gap->slice), "a", values_json(gap->slice, gap->a), "b",
                  gap->b ? values_json(gap->slice, gap->b) : json_null());
    extend(out, figures_json(&gap->figures));
    extend(out, json_pack("{s:o, s:o}", "q", number(gap->q), "matched", matched_json(gap, gaps)));
    json_array_append_new(list, out);
  }
  return list;
}

static json_t *model_json(const ModelOf *model) {
  json_t *keys = json_array(), *terms = json_array();
  for (int k = 0; k < model->key_count; k++) json_array_append_new(keys, json_string(model->keys[k]));
  for (int t = 0; t < model->term_count; t++) {
    const ModelTerm *term = &model->terms[t];
    json_array_append_new(terms,
                          json_pack("{s:s, s:s, s:s, s:o, s:[o, o], s:o, s:o}", "key", term->key, "value",
                                    term->value, "baseline", term->baseline, "rate_ratio",
                                    number(term->rate_ratio), "interval", number(term->interval.low),
                                    number(term->interval.high), "p", number(term->p), "q", number(term->q)));
  }
  bool fit = !model->failed;
  return json_pack("{s:o, s:i, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "keys", keys, "speakers",
                   model->speakers, "words", (json_int_t)model->words, "left_out", model->left_out, "failed",
                   text_or_null(model->failed), "terms", terms, "intercept",
                   number(fit ? model->intercept : NAN), "speaker_sd", number(fit ? model->speaker_sd : NAN),
                   "log_likelihood", number(fit ? model->log_likelihood : NAN), "dispersion",
                   number(fit ? model->dispersion : NAN));
}

static json_t *models_json(const Models *models) {
  json_t *list = json_array();
  for (int m = 0; m < models->count; m++) json_array_append_new(list, model_json(&models->items[m]));
  return list;
}

static json_t *settings_json(const ScoresSettings *settings) {
  const AlignCosts *costs = settings->costs;
  const Bootstrap *bootstrap = settings->bootstrap;
  const Thresholds *thresholds = settings->thresholds;
  return json_pack(
      "{s:s, s:s, s:{s:s?, s:s?, s:s?}, s:s, s:{s:s, s:i, s:i, s:i, s:s}, s:s, s:{s:s, s:f, s:i, s:I}, "
      "s:{s:i, s:f, s:f, s:f}}",
      "schema", "jargon-eval-2", "tool", settings->tool, "files", "hyp", settings->hyp, "ref", settings->ref,
      "before", settings->before, "normalization", settings->normalizer, "costs", "name", costs->name,
      "substitution", costs->sub, "insertion", costs->gap, "deletion", costs->gap, "ties",
      "from the end: match or substitution, then insertion, then deletion", "speaker_key", settings->speaker,
      "bootstrap", "method", BOOTSTRAP_METHOD, "level", 0.95, "replicates", bootstrap->replicates, "seed",
      (json_int_t)bootstrap->seed, "thresholds", "least_speakers", thresholds->least_speakers,
      "false_discovery_rate", thresholds->false_discovery_rate, "power", thresholds->power, "gap",
      thresholds->gap);
}

Status scores_json(json_t **document, const Scores *scores) {
  *document = settings_json(scores->settings);
  if (!*document) return fail(ERR_DATA, "a file name or key is not valid UTF-8, which JSON needs");
  json_object_set_new(*document, "slices", slices_json(scores->slices, scores->settings->before));
  json_object_set_new(*document, "gaps", gaps_json(scores->gaps));
  json_object_set_new(*document, "models", models_json(scores->models));
  return OK;
}

Status scores_write(const char *path, const json_t *document) {
  char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
  char *whole = xprintf("%s\n", text);
  Status status = file_write(path, whole, strlen(whole));
  free(text), free(whole);
  return status;
}
