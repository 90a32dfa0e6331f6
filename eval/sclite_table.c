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
  COLUMNS = FIGURES + 1,
  PAGE = 80
};

static const char *const HEADERS[FIGURES] = {" # Snt", "# Wrd", "Corr", " Sub",
                                             " Del",   " Ins",  " Err", "S.Err"};

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

/* Of such a speaker the table of percentages has counts, which have no part in the summaries. */
static bool is_wordless(const Figures *figures, int k) {
  return k >= CORRECT && k < WRONG && figures->of[WORDS] == 0;
}

static int by_value(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

enum { MEAN, DEVIATION, MEDIAN, SUMMARIES };
static const char *const SUMMARY_NAMES[SUMMARIES] = {" Mean ", " S.D. ", "Median"};

static void figures_summarize(const Figures *rows, int count, bool percent, Figures summaries[SUMMARIES]) {
  double *sorted = xcalloc((size_t)count, sizeof *sorted);
  for (int k = 0; k < FIGURES; k++) {
    double sum = 0, squares = 0;
    int n = 0;
    for (int s = 0; s < count; s++)
      if (!percent || !is_wordless(&rows[s], k)) sum += sorted[n++] = rows[s].of[k];
    if (!n) continue;
    double mean = summaries[MEAN].of[k] = sum / n;
    for (int i = 0; i < n; i++) squares += (sorted[i] - mean) * (sorted[i] - mean);
    summaries[DEVIATION].of[k] = n > 1 ? sqrt(squares / (n - 1)) : 0;
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    summaries[MEDIAN].of[k] = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }
  free(sorted);
}

/* ---- cells ---- */

/* A row of the table. Numbers are in the middle of their columns, with a space behind as sclite has them. */
typedef struct Row {
  char *cells[COLUMNS]; /* the first: the speaker's name */
  bool centred;         /* the name as well */
  bool marked;          /* counts stand for percentages of no words */
  char above;           /* the line above is made of it */
} Row;

typedef struct Table {
  Row *rows;
  int count, widths[COLUMNS];
  bool wordless; /* percentages, and a speaker has no words */
} Table;

static Row *row_add(Table *table, char *name, char above) {
  Row *row = &table->rows[table->count++];
  *row = (Row){.cells = {name}, .above = above};
  return row;
}

/* Halves are rounded up, as sclite does. */
static char *decimal(double value, char mark) {
  return xprintf("%5.1f%c", floor(value * 10 + 0.5) / 10, mark);
}

/* counts: what the percentages are of. */
static void figures_put(Row *row, const Figures *counts, bool percent) {
  Figures shares = figures_percent(*counts);
  for (int k = 0; k < FIGURES; k++)
    row->cells[k + 1] = k < CORRECT                             ? xprintf("%5.0f", counts->of[k])
                        : !percent                              ? xprintf("%5.0f ", counts->of[k])
                        : row->marked && is_wordless(counts, k) ? xprintf("%5.0f*", counts->of[k])
                                                                : decimal(shares.of[k], ' ');
}

static void rows_make(Table *table, const Sclite *sclite, bool percent, const Figures *speakers,
                      const Figures *sum, const Figures summaries[SUMMARIES]) {
  table->rows = xcalloc((size_t)sclite->speaker_count + 2 + SUMMARIES, sizeof *table->rows);
  Row *row = row_add(table, xstrdup(" SPKR"), '-');
  for (int k = 0; k < FIGURES; k++)
    row->cells[k + 1] = xstrdup(k == WORDS && sclite->characters ? "# Chr" : HEADERS[k]);
  for (int s = 0; s < sclite->speaker_count; s++) {
    row = row_add(table, xprintf(" %s ", sclite->speakers[s]), '-');
    row->marked = true;
    figures_put(row, &speakers[s], percent);
    table->wordless |= percent && speakers[s].of[WORDS] == 0;
  }
  figures_put(row_add(table, xstrdup(percent ? " Sum/Avg" : " Sum"), '='), sum, percent);
  for (int m = 0; m < SUMMARIES; m++) {
    row = row_add(table, xstrdup(SUMMARY_NAMES[m]), m ? 0 : '=');
    row->centred = true;
    for (int k = 0; k < FIGURES; k++)
      row->cells[k + 1] =
          decimal(summaries[m].of[k], table->wordless && k >= CORRECT && k < WRONG ? '+' : ' ');
  }
}

static void table_free(Table *table) {
  for (int r = 0; r < table->count; r++)
    for (int c = 0; c < COLUMNS; c++) free(table->rows[r].cells[c]);
  free(table->rows);
}

/* ---- layout ---- */

/* The widths of the columns and, returned, of the table: as wide as the title, the rest spread over the
 * columns. */
static int table_fit(Table *table, const char *title, int spare[COLUMNS]) {
  int width = COLUMNS + 1, given = 0;
  for (int c = 0; c < COLUMNS; c++) {
    table->widths[c] = 0;
    for (int r = 0; r < table->count; r++) {
      int length = (int)strlen(table->rows[r].cells[c]);
      if (length > table->widths[c]) table->widths[c] = length;
    }
    width += table->widths[c];
  }
  int wanted = (int)strlen(title) + 2, over = wanted > width ? wanted - width : 0;
  for (int c = 0; c < COLUMNS; c++) {
    int until = (int)floor((double)over / COLUMNS * (c + 1) + 0.5);
    spare[c] = (c == COLUMNS - 1 ? over : until) - given;
    given += spare[c];
  }
  return width + over;
}

static void repeat(FILE *stream, char c, int count) {
  while (count-- > 0) fputc(c, stream);
}

/* In the middle of `width` columns, an odd space behind it. */
static void centred_print(FILE *stream, const char *text, int width) {
  int length = (int)strlen(text), left = (width - length) / 2;
  fprintf(stream, "%*s%s%*s", left, "", text, width - length - left, "");
}

static bool is_border(int column) { return column == 0 || column == WORDS + 1; }

static void row_print(FILE *stream, const Table *table, const Row *row, const int spare[COLUMNS]) {
  fputc('|', stream);
  for (int c = 0; c < COLUMNS; c++) {
    repeat(stream, ' ', spare[c] / 2);
    if (c || row->centred)
      centred_print(stream, row->cells[c], table->widths[c]);
    else
      fprintf(stream, "%-*s", table->widths[c], row->cells[c]);
    repeat(stream, ' ', spare[c] - spare[c] / 2);
    fputc(is_border(c) || c == COLUMNS - 1 ? '|' : ' ', stream);
  }
  fputc('\n', stream);
}

/* crosses: the row above has the same columns. */
static void line_print(FILE *stream, const Table *table, char fill, bool crosses, const int spare[COLUMNS]) {
  fputc('|', stream);
  for (int c = 0; c < COLUMNS; c++) {
    repeat(stream, fill, table->widths[c] + spare[c]);
    fputc(c == COLUMNS - 1 ? '|' : crosses && fill == '-' && is_border(c) ? '+' : fill, stream);
  }
  fputc('\n', stream);
}

static void edge_print(FILE *stream, char left, char right, int width) {
  fputc(left, stream);
  repeat(stream, '-', width - 2);
  fprintf(stream, "%c\n", right);
}

static void table_print(FILE *stream, Table *table, const char *title) {
  static const char HEADING[] = "SYSTEM SUMMARY PERCENTAGES by SPEAKER";
  int spare[COLUMNS], width = table_fit(table, title, spare), margin = width < PAGE ? (PAGE - width) / 2 : 0;
  fputs("\n\n\n", stream);
  centred_print(stream, HEADING, PAGE);
  fprintf(stream, "\n\n%*s", margin, "");
  edge_print(stream, ',', '.', width);
  fprintf(stream, "%*s|", margin, "");
  centred_print(stream, title, width - 2);
  fputs("|\n", stream);
  for (int r = 0; r < table->count; r++) {
    fprintf(stream, "%*s", margin, "");
    if (table->rows[r].above) {
      line_print(stream, table, table->rows[r].above, r > 0, spare);
      fprintf(stream, "%*s", margin, "");
    }
    row_print(stream, table, &table->rows[r], spare);
  }
  fprintf(stream, "%*s", margin, "");
  edge_print(stream, '`', '\'', width);
  if (table->wordless)
    fputs("\n* No Reference words for this/these speaker(s).  Word counts supplied\n  rather than percents.\n"
          "# No Reference words for this/these speaker(s).  NCE not computable.\n"
          "+ Speaker(s) with no reference data is ignored\n",
          stream);
}

void sclite_table(FILE *stream, const Sclite *sclite, bool percent) {
  Figures *rows = xcalloc((size_t)sclite->speaker_count, sizeof *rows), sum = {0}, summaries[SUMMARIES] = {0};
  Figures *shown = xcalloc((size_t)sclite->speaker_count, sizeof *shown);
  Table table = {0};
  for (int i = 0; i < sclite->count; i++) {
    figures_add(&rows[sclite->items[i].speaker], sclite->items[i].alignment.counts);
    figures_add(&sum, sclite->items[i].alignment.counts);
  }
  for (int s = 0; s < sclite->speaker_count; s++) shown[s] = percent ? figures_percent(rows[s]) : rows[s];
  figures_summarize(shown, sclite->speaker_count, percent, summaries);
  rows_make(&table, sclite, percent, rows, &sum, summaries);
  table_print(stream, &table, sclite->title);
  table_free(&table);
  free(rows), free(shown);
}
