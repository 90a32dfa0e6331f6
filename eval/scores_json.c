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

static json_t *cell_json(const Slice *slice, const Cell *cell, bool before) {
  json_t *values = json_object();
  for (int k = 0; k < slice->key_count; k++)
    json_object_set_new(values, slice->keys[k], cell->values[k] ? json_string(cell->values[k]) : json_null());
  bool timed = cell->without_duration < cell->utterances;
  json_t *out =
      json_pack("{s:o, s:i, s:I, s:I, s:i, s:o, s:i, s:i, s:i, s:I}", "values", values, "utterances",
                cell->utterances, "words", (json_int_t)align_reference(cell->rates.words), "characters",
                (json_int_t)align_reference(cell->rates.characters), "speakers", cell->speakers, "minutes",
                number(timed ? cell->seconds / 60 : NAN), "without_duration", cell->without_duration,
                "unknown_speaker", cell->unknown_speaker, "empty_references", cell->empty_references,
                "empty_insertions", (json_int_t)cell->empty_insertions);
  json_t *rates = rates_json(&cell->rates);
  json_object_update(out, rates);
  json_decref(rates);
  json_object_set_new(out, "speaker_wer", number(cell->speaker_wer));
  json_object_set_new(out, "interval", interval_json(cell->no_interval, cell->interval));
  json_object_set_new(out, "no_interval", cell->no_interval ? json_string(cell->no_interval) : json_null());
  if (before) json_object_set_new(out, "before", rates_json(&cell->before));
  return out;
}

static json_t *slices_json(const Slices *slices, bool before) {
  json_t *list = json_array();
  for (int s = 0; s < slices->count; s++) {
    const Slice *slice = &slices->items[s];
    json_t *keys = json_array(), *cells = json_array();
    for (int k = 0; k < slice->key_count; k++) json_array_append_new(keys, json_string(slice->keys[k]));
    for (int c = 0; c < slice->count; c++)
      json_array_append_new(cells, cell_json(slice, &slice->cells[c], before));
    json_array_append_new(list, json_pack("{s:o, s:o}", "keys", keys, "cells", cells));
  }
  return list;
}

static json_t *settings_json(const ScoresSettings *settings) {
  const AlignCosts *costs = settings->costs;
  const Bootstrap *bootstrap = settings->bootstrap;
  return json_pack("{s:s, s:s, s:{s:s, s:s?, s:s?}, s:s, s:{s:s, s:i, s:i, s:i, s:s}, s:s, s:{s:s, s:f, s:i, "
                   "s:I}, s:{s:i}}",
                   "schema", "jargon-eval-2", "tool", settings->tool, "files", "hyp", settings->hyp, "ref",
                   settings->ref, "before", settings->before, "normalization", settings->normalizer, "costs",
                   "name", costs->name, "substitution", costs->sub, "insertion", costs->gap, "deletion",
                   costs->gap, "ties", "from the end: match or substitution, then insertion, then deletion",
                   "speaker_key", settings->speaker, "bootstrap", "method", BOOTSTRAP_METHOD, "level", 0.95,
                   "replicates", bootstrap->replicates, "seed", (json_int_t)bootstrap->seed, "thresholds",
                   "least_speakers", BOOTSTRAP_BLOCKS_LEAST);
}

Status scores_json(json_t **document, const Slices *slices, const ScoresSettings *settings) {
  *document = settings_json(settings);
  if (!*document) return fail(ERR_DATA, "a file name or key is not valid UTF-8, which JSON needs");
  json_object_set_new(*document, "slices", slices_json(slices, settings->before));
  return OK;
}

Status scores_write(const char *path, const json_t *document) {
  char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
  char *whole = xprintf("%s\n", text);
  Status status = file_write(path, whole, strlen(whole));
  free(text), free(whole);
  return status;
}
