#include "eval/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fields.h"
#include "eval/text_table.h"
#include "src/base/status.h"

enum {
  NAME,
  UTTERANCES,
  WORDS,
  SPEAKERS,
  MINUTES,
  SUBS,
  DELS,
  INSS,
  BEFORE,
  WER,
  INTERVAL,
  CHANGE,
  SPEAKER_WER,
  CER,
  COLUMNS
};

static const char *const HEADERS[COLUMNS] = {"",         "utts", "words",  "spk",   "min",           "sub",
                                             "del",      "ins",  "before", "WER %", "95 % interval", "change",
                                             "spk mean", "CER %"};

/* In a narrow terminal these are left out, one after the other. */
static const int LEAVE_OUT[] = {MINUTES, SPEAKER_WER, INSS,  DELS,     SUBS,
                                CER,     UTTERANCES,  WORDS, SPEAKERS, INTERVAL};

enum { GAPS_SHOWN = 5 };

/* Short, because it stands in the column of intervals. */
static char *cell_interval(const json_t *cell) {
  char *interval = interval_text(cell, "interval", false);
  const char *why = field_text(cell, "no_interval");
  if (interval) return interval;
  return xstrdup(!why ? "-" : strlen(why) <= 16 ? why : "none");
}

/* The difference to the other system, with a star where it is significant. */
static char *cell_change(const json_t *before, double most) {
  char *points = points_text(field_number(before, "difference"));
  bool significant = field_number(before, "q") <= most;
  char *change = xprintf("%s%c", points, significant ? '*' : ' ');
  free(points);
  return change;
}

static void row_fill(char **row, const json_t *cell, bool whole, double most) {
  const json_t *before = json_object_get(cell, "before");
  double minutes = field_number(cell, "minutes");
  char *name = group_name(json_object_get(cell, "values"));
  row[NAME] = xprintf("%s%s", whole ? "" : "  ", name);
  row[UTTERANCES] = xprintf("%lld", field_count(cell, "utterances"));
  row[WORDS] = xprintf("%lld", field_count(cell, "words"));
  row[SPEAKERS] = xprintf("%lld", field_count(cell, "speakers"));
  row[MINUTES] = isfinite(minutes) ? xprintf("%.1f", minutes) : xstrdup("-");
  row[SUBS] = xprintf("%lld", field_count(cell, "substitutions"));
  row[DELS] = xprintf("%lld", field_count(cell, "deletions"));
  row[INSS] = xprintf("%lld", field_count(cell, "insertions"));
  row[WER] = percent_text(field_number(cell, "wer"));
  row[INTERVAL] = cell_interval(cell);
  row[SPEAKER_WER] = percent_text(field_number(cell, "speaker_wer"));
  row[CER] = percent_text(field_number(cell, "cer"));
  if (before) row[BEFORE] = percent_text(field_number(before, "wer"));
  if (isfinite(field_number(before, "difference"))) row[CHANGE] = cell_change(before, most);
  free(name);
}

static void rows_fill(TextTable *table, const json_t *document) {
  double most = field_number(json_object_get(document, "thresholds"), "false_discovery_rate");
  size_t s, c;
  json_t *slice, *cell;
  json_array_foreach(json_object_get(document, "slices"), s, slice) {
    if (s) text_table_row(table)[NAME] = keys_name(json_object_get(slice, "keys"));
    json_array_foreach(json_object_get(slice, "cells"), c, cell) {
      row_fill(text_table_row(table), cell, s == 0, most);
    }
  }
}

/* Text from the data, safe for a terminal. */
static void print_text(FILE *stream, const char *text) {
  int width;
  char *safe = text_printable(text, 1 << 20, &width);
  fputs(safe, stream);
  free(safe);
}

static int by_size(const void *left, const void *right) {
  double a = fabs(field_number(*(json_t *const *)left, "difference"));
  double b = fabs(field_number(*(json_t *const *)right, "difference"));
  return (a < b) - (a > b);
}

static void gap_print(FILE *stream, const json_t *gap) {
  const json_t *other = json_object_get(gap, "b");
  char *a = group_name(json_object_get(gap, "a")),
       *b = json_is_object(other) ? group_name(other) : xstrdup("the rest");
  char *points = points_text(field_number(gap, "difference"));
  char *interval = interval_text(gap, "difference_interval", true);
  fprintf(stream, "  %s points (%s), q %.3f: ", points, interval ? interval : "-", field_number(gap, "q"));
  print_text(stream, a), fputs(" against ", stream), print_text(stream, b), fputc('\n', stream);
  free(a), free(b), free(points), free(interval);
}

/* How many gaps between groups are significant, and the widest of those. */
static void gaps_print(FILE *stream, const json_t *document) {
  const json_t *gaps = json_object_get(document, "gaps");
  double most = field_number(json_object_get(document, "thresholds"), "false_discovery_rate");
  size_t all = json_array_size(gaps), count = 0;
  json_t **significant = xcalloc(all, sizeof *significant), *gap;
  for (size_t g = 0; g < all; g++)
    if (field_number(gap = json_array_get(gaps, g), "q") <= most) significant[count++] = gap;
  qsort(significant, count, sizeof *significant, by_size);
  if (all)
    fprintf(stream, "\n%zu of %zu gaps between groups are significant (q <= %g)%s\n", count, all, most,
            count > GAPS_SHOWN ? "; the widest:"
            : count            ? ":"
                               : "");
  for (size_t g = 0; g < count && g < GAPS_SHOWN; g++) gap_print(stream, significant[g]);
  free(significant);
}

/* Jargon and confidence, a line each. */
static void extras_print(FILE *stream, const json_t *document) {
  const json_t *jargon = json_array_get(json_object_get(json_object_get(document, "jargon"), "domains"), 0);
  const json_t *confidence = json_object_get(document, "confidence");
  if (jargon) {
    char *recall = percent_text(field_number(jargon, "recall")),
         *precision = percent_text(field_number(jargon, "precision"));
    char *on = percent_text(field_number(jargon, "jargon_wer")),
         *off = percent_text(field_number(jargon, "other_wer"));
    fprintf(
        stream,
        "\njargon: %lld terms, recall %s %%, precision %s %%; WER %s %% on their words, %s %% on the rest\n",
        field_count(jargon, "terms"), recall, precision, on, off);
    free(recall), free(precision), free(on), free(off);
  }
  if (!confidence) return;
  double entropy = field_number(confidence, "nce");
  fprintf(stream, "\nconfidence: expected calibration error %.4f, ", field_number(confidence, "ece"));
  if (isfinite(entropy))
    fprintf(stream, "normalised cross-entropy %.3f\n", entropy);
  else
    fputs("no normalised cross-entropy: every word is right, or none is\n", stream);
}

static void notes_print(FILE *stream, const json_t *document) {
  const json_t *costs = json_object_get(document, "costs"),
               *bootstrap = json_object_get(document, "bootstrap");
  const json_t *thresholds = json_object_get(document, "thresholds"), *all = document_all(document);
  fprintf(stream, "\ntext normalised by %s; costs %s (substitution %lld, insertion and deletion %lld)\n",
          field_text(document, "normalization"), field_text(costs, "name"),
          field_count(costs, "substitution"), field_count(costs, "insertion"));
  fprintf(stream, "interval: 95 %%, %s, %lld replicates, seed %lld\n", field_text(bootstrap, "method"),
          field_count(bootstrap, "replicates"), field_count(bootstrap, "seed"));
  if (json_array_size(json_object_get(document, "slices")) > 1)
    fprintf(stream, "groups of fewer than %lld known speakers get no interval, no rank and no gap\n",
            field_count(thresholds, "least_speakers"));
  if (isfinite(field_number(json_object_get(all, "before"), "difference")))
    fprintf(stream, "change: WER minus before, in points; * significant (q <= %g)\n",
            field_number(thresholds, "false_discovery_rate"));
  if (field_count(all, "unknown_speaker")) {
    fprintf(stream, "%lld utterances name no speaker (key \"", field_count(all, "unknown_speaker"));
    print_text(stream, field_text(document, "speaker_key"));
    fputs("\"): together they are one block, and no speaker\n", stream);
  }
  if (field_count(all, "empty_references"))
    fprintf(stream, "%lld references are empty: the %lld words recognised there count as insertions\n",
            field_count(all, "empty_references"), field_count(all, "empty_insertions"));
  if (field_count(all, "without_duration") && isfinite(field_number(all, "minutes")))
    fprintf(stream, "%lld utterances have no duration: the minutes lack them\n",
            field_count(all, "without_duration"));
}

static void left_out_print(FILE *stream, const bool left_out[COLUMNS]) {
  const char *comma = "too narrow for: ";
  for (int k = 0; k < COLUMNS; k++) {
    if (!left_out[k]) continue;
    fprintf(stream, "%s%s", comma, HEADERS[k]);
    comma = ", ";
  }
  if (*comma == ',') fputs(" (widen the terminal, or --json FILE)\n", stream);
}

void report_print(FILE *stream, const json_t *document, int width) {
  TextTable table = {HEADERS, COLUMNS, LEAVE_OUT, sizeof LEAVE_OUT / sizeof *LEAVE_OUT, NULL, 0};
  bool left_out[COLUMNS];
  char *text = NULL;
  size_t size;
  rows_fill(&table, document);
  text_table_print(stream, &table, width, left_out);
  text_table_free(&table);
  FILE *below = open_memstream(&text, &size);
  gaps_print(below, document);
  extras_print(below, document);
  notes_print(below, document);
  left_out_print(below, left_out);
  fclose(below);
  text_wrap(stream, text, width);
  free(text);
}
