#include "eval/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fields.h"
#include "eval/text_table.h"
#include "src/base/status.h"

enum { NAME, WORDS, SPEAKERS, FIRST, SECOND, DIFFERENCE, INTERVAL, BETTER, CHANCE, MAPSSWE, COLUMNS };

static const char *const HEADERS[COLUMNS] = {"",      "words",         "spk",         "A WER %", "B WER %",
                                             "B - A", "95 % interval", "P(B better)", "q",       "MAPSSWE p"};
static const int LEAVE_OUT[] = {MAPSSWE, BETTER, SPEAKERS, WORDS, INTERVAL};

/* A cell and how it came out. */
typedef enum Outcome { WORSE, IMPROVED, SAME, TOO_SMALL, OUTCOMES } Outcome;

static const char *const TITLES[OUTCOMES] = {"worse", "better", "no difference shown", "too small to tell"};

typedef struct Row {
  const json_t *cell;
  Outcome outcome;
  double difference;
} Row;

static Outcome outcome_of(const json_t *cell, double rate) {
  const json_t *before = json_object_get(cell, "before");
  double q = field_number(before, "q"), difference = field_number(before, "difference");
  if (isnan(q)) return TOO_SMALL;
  if (q > rate) return SAME;
  return difference > 0 ? WORSE : IMPROVED;
}

/* By outcome, and what changed most first. */
static int by_change(const void *left, const void *right) {
  const Row *a = left, *b = right;
  if (a->outcome != b->outcome) return (int)a->outcome - (int)b->outcome;
  double x = fabs(a->difference), y = fabs(b->difference);
  return (x < y) - (x > y);
}

static char *probability(double p) {
  if (isnan(p)) return xstrdup("-");
  return p < 0.001 ? xstrdup("< 0.001") : p > 0.999 ? xstrdup("> 0.999") : xprintf("%.3f", p);
}

static void row_fill(TextTable *table, const Row *row) {
  const json_t *before = json_object_get(row->cell, "before");
  char **texts = text_table_row(table), *name = group_name(json_object_get(row->cell, "values"));
  texts[NAME] = xprintf("  %s", name);
  texts[WORDS] = xprintf("%lld", field_count(row->cell, "words"));
  texts[SPEAKERS] = xprintf("%lld", field_count(row->cell, "speakers"));
  texts[FIRST] = percent_text(field_number(before, "wer"));
  texts[SECOND] = percent_text(field_number(row->cell, "wer"));
  texts[DIFFERENCE] = points_text(row->difference);
  texts[INTERVAL] = interval_text(before, "difference_interval", true);
  texts[BETTER] = probability(field_number(before, "improvement_probability"));
  texts[CHANCE] = probability(field_number(before, "q"));
  texts[MAPSSWE] = probability(field_number(json_object_get(before, "mapsswe"), "p"));
  free(name);
}

static Row *rows_make(const json_t *document, int *count) {
  const json_t *slices = json_object_get(document, "slices"), *slice, *cell;
  double rate = field_number(json_object_get(document, "thresholds"), "false_discovery_rate");
  size_t s, c, most = 0;
  json_array_foreach(slices, s, slice) most += json_array_size(json_object_get(slice, "cells"));
  Row *rows = xcalloc(most, sizeof *rows);
  *count = 0;
  json_array_foreach(slices, s, slice) {
    json_array_foreach(json_object_get(slice, "cells"), c, cell) rows[(*count)++] =
        (Row){cell, outcome_of(cell, rate), field_number(json_object_get(cell, "before"), "difference")};
  }
  qsort(rows, (size_t)*count, sizeof *rows, by_change);
  return rows;
}

void compare_print(FILE *stream, const json_t *document, int width) {
  int count, compared = 0;
  bool left_out[COLUMNS] = {false};
  Row *rows = rows_make(document, &count);
  TextTable table = {HEADERS, COLUMNS, LEAVE_OUT, sizeof LEAVE_OUT / sizeof *LEAVE_OUT, NULL, 0};
  const json_t *files = json_object_get(document, "files");
  const char *first = field_text(files, "before"), *second = field_text(files, "hyp");
  for (int r = 0; r < count; r++) {
    if (r == 0 || rows[r].outcome != rows[r - 1].outcome)
      text_table_row(&table)[NAME] = xstrdup(TITLES[rows[r].outcome]);
    row_fill(&table, &rows[r]);
    compared += rows[r].outcome != TOO_SMALL;
  }
  text_table_print(stream, &table, width, left_out);
  const json_t *thresholds = json_object_get(document, "thresholds");
  char *judged = !compared
                     ? xstrdup("")
                     : xprintf(" Worse and better: q <= %g, the paired bootstrap by speaker corrected for %d "
                               "comparisons (Benjamini-Hochberg).",
                               field_number(thresholds, "false_discovery_rate"), compared);
  char *too_small =
      compared == count
          ? xstrdup("")
          : xprintf(" Too small: fewer than %lld known speakers, or all with the same difference.",
                    field_count(thresholds, "least_speakers"));
  char *note =
      xprintf("A: %s; B: %s. B - A: points of the word error rate, below zero B is better.%s%s MAPSSWE takes "
              "segments for independent, those of one speaker too: its p is about these recordings, not "
              "about other speakers.\n",
              first ? first : "-", second ? second : "-", judged, too_small);
  fputc('\n', stream);
  text_wrap(stream, note, width);
  free(note), free(judged), free(too_small), free(rows);
  text_table_free(&table);
}
