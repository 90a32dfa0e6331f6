/* sclite's .sys and .raw: a row a speaker, their sum, mean, standard deviation (N-1) and median. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/sclite.h"

enum {
  SENTENCES,
  WORDS,
  CORRECT,
  SUBSTITUTED,
  DELETED,
  INSERTED,
  ERRORS,
  WRONG,
  FIGURES,
  PAGE = 80,
  CELL = 5
};

static const char *const HEADERS[FIGURES] = {" # Snt", "# Wrd", " Corr", "  Sub",
                                             "  Del",  "  Ins", "  Err", "S.Err"};

typedef struct Figures {
  double of[FIGURES];
} Figures;

static void figures_add(Figures *figures, AlignCounts counts) {
  double more[FIGURES] = {1,
                          (double)align_reference(counts),
                          (double)counts.match,
                          (double)counts.sub,
                          (double)counts.del,
                          (double)counts.ins,
                          (double)align_errors(counts),
                          align_errors(counts) > 0};
  for (int k = 0; k < FIGURES; k++) figures->of[k] += more[k];
}

/* Counts as percentages of the words, and wrong sentences of the sentences. */
static Figures figures_percent(Figures counts) {
  Figures out = counts;
  for (int k = CORRECT; k < FIGURES; k++) {
    double whole = counts.of[k == WRONG ? SENTENCES : WORDS];
    out.of[k] =
        whole > 0 ? counts.of[k] / whole * 100 : 0; /* in this order: 57 of 400 is 14.2, as in sclite */
  }
  return out;
}

static int by_value(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

enum { MEAN, DEVIATION, MEDIAN, SUMMARIES };
static const char *const SUMMARY_NAMES[SUMMARIES] = {"Mean", "S.D.", "Median"};

static void figures_summarize(const Figures *rows, int count, Figures summaries[SUMMARIES]) {
  double *sorted = xcalloc((size_t)count, sizeof *sorted);
  for (int k = 0; k < FIGURES; k++) {
    double sum = 0, squares = 0;
    for (int s = 0; s < count; s++) sum += sorted[s] = rows[s].of[k];
    double mean = summaries[MEAN].of[k] = sum / count;
    for (int s = 0; s < count; s++) squares += (rows[s].of[k] - mean) * (rows[s].of[k] - mean);
    summaries[DEVIATION].of[k] = count > 1 ? sqrt(squares / (count - 1)) : 0;
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    summaries[MEDIAN].of[k] = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
  }
  free(sorted);
}

/* ---- printing ---- */

typedef struct Table {
  FILE *stream;
  int margin, name, widths[FIGURES];
  int groups[2]; /* columns of the two groups of figures, with their spaces */
} Table;

/* Halves are rounded up, as sclite does. */
static void cell_text(char text[32], int figure, double value, bool decimal) {
  if (decimal)
    snprintf(text, 32, "%4.1f", floor(value * 10 + 0.5) / 10);
  else
    snprintf(text, 32, figure == WRONG ? "%4.0f" : "%5.0f", value);
}

static void repeat(FILE *stream, char c, int count) {
  while (count-- > 0) fputc(c, stream);
}

/* Puts the text into the middle of `width` columns of the line; an odd space goes before it (behind a long
 * one). */
static void put(char *line, const char *text, int width) {
  int length = (int)strlen(text),
      left = width > length ? (width - length + (length <= CELL || *text == ' ')) / 2 : 0;
  memcpy(line + left, text, (size_t)length);
}

/* The figures of one row, as "| ... | ... |". */
static void figures_print(const Table *table, char texts[FIGURES][32]) {
  for (int g = 0, k = 0; g < 2; g++) {
    char line[FIGURES * 34];
    memset(line, ' ', sizeof line);
    for (int at = 0; k < (g ? FIGURES : CORRECT); at += table->widths[k++] + 2)
      put(line + at, texts[k], table->widths[k]);
    fprintf(table->stream, "|%.*s", table->groups[g], line);
  }
  fputs("|\n", table->stream);
}

static void named_row(const Table *table, const char *name, const Figures *figures, bool decimal_counts,
                      bool decimal_rest) {
  char texts[FIGURES][32];
  for (int k = 0; k < FIGURES; k++)
    cell_text(texts[k], k, figures->of[k], k < CORRECT ? decimal_counts : decimal_rest);
  repeat(table->stream, ' ', table->margin);
  fprintf(table->stream, "| %-*s", table->name - 1, name);
  figures_print(table, texts);
}

static void summary_row(const Table *table, const char *name, const Figures *figures) {
  char texts[FIGURES][32];
  int length = (int)strlen(name), left = (table->name - length) / 2;
  for (int k = 0; k < FIGURES; k++) cell_text(texts[k], k, figures->of[k], true);
  repeat(table->stream, ' ', table->margin);
  fprintf(table->stream, "|%*s%-*s", left, "", table->name - left, name);
  figures_print(table, texts);
}

static void line_print(const Table *table, char first, char fill, char between, char last) {
  repeat(table->stream, ' ', table->margin);
  fputc(first, table->stream);
  repeat(table->stream, fill, table->name);
  for (int g = 0; g < 2; g++) {
    fputc(between, table->stream);
    repeat(table->stream, fill, table->groups[g]);
  }
  fprintf(table->stream, "%c\n", last);
}

static Table table_fit(FILE *stream, const Sclite *sclite, bool percent, const Figures *rows,
                       const Figures *sum, const Figures summaries[SUMMARIES]) {
  Table table = {stream, 0, percent ? 8 : 6, {0}, {1, 1}};
  for (int s = 0; s < sclite->speaker_count; s++)
    if ((int)strlen(sclite->speakers[s]) + 2 > table.name) table.name = (int)strlen(sclite->speakers[s]) + 2;
  for (int k = 0; k < FIGURES; k++) {
    char text[32];
    table.widths[k] = CELL;
    for (int r = -1 - SUMMARIES; r < sclite->speaker_count; r++) {
      const Figures *figures = r >= 0 ? &rows[r] : r == -1 ? sum : &summaries[r + 1 + SUMMARIES];
      cell_text(text, k, figures->of[k], r < -1 || (percent && k >= CORRECT));
      if ((int)strlen(text) > table.widths[k]) table.widths[k] = (int)strlen(text);
    }
    table.groups[k >= CORRECT] += table.widths[k] + (k == WORDS || k == WRONG ? 0 : 2);
  }
  int width = table.name + table.groups[0] + table.groups[1] + 4;
  table.margin = width < PAGE ? (PAGE - width) / 2 : 0;
  return table;
}

static void head_print(const Table *table, const char *title, bool characters) {
  static const char HEADING[] = "SYSTEM SUMMARY PERCENTAGES by SPEAKER";
  int inner = table->name + table->groups[0] + table->groups[1] + 2, length = (int)strlen(title);
  int left = inner > length ? (inner - length) / 2 : 0;
  char texts[FIGURES][32];
  for (int k = 0; k < FIGURES; k++) strcpy(texts[k], k == WORDS && characters ? "# Chr" : HEADERS[k]);
  int before = (PAGE - (int)strlen(HEADING)) / 2;
  fprintf(table->stream, "\n\n\n%*s%-*s\n\n", before, "", PAGE - before, HEADING);
  line_print(table, ',', '-', '-', '.');
  repeat(table->stream, ' ', table->margin);
  fprintf(table->stream, "|%*s%-*s|\n", left, "", inner - left, title);
  line_print(table, '|', '-', '-', '|');
  repeat(table->stream, ' ', table->margin);
  fprintf(table->stream, "| %-*s", table->name - 1, "SPKR");
  figures_print(table, texts);
}

void sclite_table(FILE *stream, const Sclite *sclite, bool percent) {
  Figures *rows = xcalloc((size_t)sclite->speaker_count, sizeof *rows), sum = {0}, summaries[SUMMARIES] = {0};
  for (int i = 0; i < sclite->count; i++) {
    figures_add(&rows[sclite->items[i].speaker], sclite->items[i].alignment.counts);
    figures_add(&sum, sclite->items[i].alignment.counts);
  }
  if (percent) {
    sum = figures_percent(sum);
    for (int s = 0; s < sclite->speaker_count; s++) rows[s] = figures_percent(rows[s]);
  }
  figures_summarize(rows, sclite->speaker_count, summaries);
  Table table = table_fit(stream, sclite, percent, rows, &sum, summaries);
  head_print(&table, sclite->title, sclite->characters);
  for (int s = 0; s < sclite->speaker_count; s++) {
    line_print(&table, '|', '-', '+', '|');
    named_row(&table, sclite->speakers[s], &rows[s], false, percent);
  }
  line_print(&table, '|', '=', '=', '|');
  named_row(&table, percent ? "Sum/Avg" : "Sum", &sum, false, percent);
  line_print(&table, '|', '=', '=', '|');
  for (int m = 0; m < SUMMARIES; m++) summary_row(&table, SUMMARY_NAMES[m], &summaries[m]);
  line_print(&table, '`', '-', '-', '\'');
  free(rows);
}
