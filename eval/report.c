#include "eval/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* The table: texts by row and column. */
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
  SPEAKER_WER,
  CER,
  COLUMNS
};
enum { NAME_LEAST = 12 }; /* columns that a name keeps */

static const char *const HEADERS[COLUMNS] = {"",     "utts", "words",  "spk",   "min",           "sub",
                                             "del",  "ins",  "before", "WER %", "95 % interval", "spk mean",
                                             "CER %"};

/* In a narrow terminal these are left out, one after the other. */
static const int LEAVE_OUT[] = {MINUTES, SPEAKER_WER, INSS,       DELS,     SUBS,
                                CER,     WORDS,       UTTERANCES, SPEAKERS, INTERVAL};
enum { LEAVE_OUT_COUNT = sizeof LEAVE_OUT / sizeof *LEAVE_OUT };

typedef char *Row[COLUMNS]; /* NULL: empty */

/* `text` without what a terminal would obey, cut to `most` columns; the caller's to free. *width: its
 * columns. */
static char *printable(const char *text, int most, int *width) {
  char *out = xcalloc(strlen(text) + 4, 1), *end = out;
  size_t left = strlen(text);
  int columns = 0;
  while (left) {
    utf8proc_int32_t point;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)left, &point);
    if (used < 1) used = 1, point = -1;
    utf8proc_category_t category = point < 0 ? UTF8PROC_CATEGORY_CC : utf8proc_category(point);
    bool hidden = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
                  category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
    int columns_of = hidden ? 1 : utf8proc_charwidth(point);
    if (columns + columns_of > most) { /* cut, and make room for the mark */
      while (columns > most - 1) {
        do end--;
        while ((*end & 0xc0) == 0x80);
        utf8proc_iterate((const utf8proc_uint8_t *)end, -1, &point);
        columns -= utf8proc_charwidth(point);
        *end = 0;
      }
      end += strlen(strcpy(end, "…"));
      columns++;
      break;
    }
    if (hidden)
      *end++ = '?';
    else
      memcpy(end, text, (size_t)used), end += used;
    *end = 0;
    columns += columns_of;
    text += used, left -= (size_t)used;
  }
  *width = columns;
  return out;
}

static char *percent(double rate) { return isfinite(rate) ? xprintf("%.2f", 100 * rate) : xstrdup("-"); }

static char *interval_text(const Cell *cell) {
  if (!cell->no_interval) return xprintf("%.2f-%.2f", 100 * cell->interval.low, 100 * cell->interval.high);
  if (cell->speakers == 0) return xstrdup("no speakers");
  return xstrdup(cell->speakers < BOOTSTRAP_BLOCKS_LEAST ? "< 10 speakers" : "too few words");
}

/* "medicine / female", indented; the caller's to free. */
static char *cell_name(const Slice *slice, const Cell *cell) {
  if (slice->key_count == 0) return xstrdup("all");
  char *name = xstrdup("  ");
  for (int k = 0; k < slice->key_count; k++) {
    char *longer = xprintf("%s%s%s", name, k ? " / " : "", cell->values[k] ? cell->values[k] : "unknown");
    free(name), name = longer;
  }
  return name;
}

static void row_fill(Row row, const Slice *slice, const Cell *cell, bool before) {
  AlignCounts words = cell->rates.words;
  row[NAME] = cell_name(slice, cell);
  row[UTTERANCES] = xprintf("%d", cell->utterances);
  row[WORDS] = xprintf("%lld", (long long)align_reference(words));
  row[SPEAKERS] = xprintf("%d", cell->speakers);
  row[MINUTES] =
      cell->without_duration < cell->utterances ? xprintf("%.1f", cell->seconds / 60) : xstrdup("-");
  row[SUBS] = xprintf("%lld", (long long)words.sub);
  row[DELS] = xprintf("%lld", (long long)words.del);
  row[INSS] = xprintf("%lld", (long long)words.ins);
  if (before) row[BEFORE] = percent(rates_error(cell->before.rates.words));
  row[WER] = percent(rates_error(words));
  row[INTERVAL] = interval_text(cell);
  row[SPEAKER_WER] = percent(cell->speaker_wer);
  row[CER] = percent(rates_error(cell->rates.characters));
}

/* Keys of a slice as its heading. */
static char *slice_name(const Slice *slice) {
  char *name = xstrdup("");
  for (int k = 0; k < slice->key_count; k++) {
    char *longer = xprintf("%s%s%s", name, k ? " / " : "", slice->keys[k]);
    free(name), name = longer;
  }
  return name;
}

static Row *rows_make(const Slices *slices, bool before, int *count) {
  int most = 0;
  for (int s = 0; s < slices->count; s++) most += slices->items[s].count + 1;
  Row *rows = xcalloc((size_t)most, sizeof(Row));
  *count = 0;
  for (int s = 0; s < slices->count; s++) {
    const Slice *slice = &slices->items[s];
    if (slice->key_count) rows[(*count)++][NAME] = slice_name(slice);
    for (int c = 0; c < slice->count; c++) row_fill(rows[(*count)++], slice, &slice->cells[c], before);
  }
  return rows;
}

/* The width of each column, 0 for those left out (which it prints when they are more than none, below the
 * table). */
static void widths_choose(Row *rows, int count, bool before, int width, int widths[COLUMNS],
                          bool left_out[COLUMNS]) {
  int total = 0, shown;
  for (int k = 0; k < COLUMNS; k++) {
    widths[k] = (int)strlen(HEADERS[k]);
    for (int r = 0; r < count; r++) {
      if (!rows[r][k]) continue;
      free(printable(rows[r][k], 1 << 20, &shown));
      if (shown > widths[k]) widths[k] = shown;
    }
    left_out[k] = false;
    if (k == BEFORE && !before) widths[k] = 0;
    total += widths[k] ? widths[k] + 2 : 0;
  }
  total -= 2;
  if (width <= 0) return;
  int name = widths[NAME] < NAME_LEAST ? widths[NAME] : NAME_LEAST;
  for (int i = 0; i < LEAVE_OUT_COUNT && total - widths[NAME] + name > width; i++) {
    total -= widths[LEAVE_OUT[i]] + 2;
    widths[LEAVE_OUT[i]] = 0;
    left_out[LEAVE_OUT[i]] = true;
  }
  if (total > width)
    widths[NAME] = widths[NAME] - (total - width) > name ? widths[NAME] - (total - width) : name;
}

static void row_print(FILE *stream, char *const *row, const int widths[COLUMNS]) {
  int last = 0, shown;
  for (int k = 0; k < COLUMNS; k++)
    if (widths[k] && row[k] && *row[k]) last = k;
  for (int k = 0; k <= last; k++) {
    if (!widths[k]) continue;
    char *text = printable(row[k] ? row[k] : "", k == 0 ? widths[0] : 1 << 20, &shown);
    int room = widths[k] > shown ? widths[k] - shown : 0;
    if (k == NAME)
      fprintf(stream, "%s%*s", text, last ? room : 0, "");
    else
      fprintf(stream, "  %*s%s", room, "", text);
    free(text);
  }
  fputc('\n', stream);
}

static void notes_print(FILE *stream, const Cell *all, const ScoresSettings *settings,
                        const bool left_out[COLUMNS]) {
  fprintf(stream, "\ntext normalised by %s; costs %s (substitution %d, insertion and deletion %d)\n",
          settings->normalizer, settings->costs->name, settings->costs->sub, settings->costs->gap);
  fprintf(stream, "interval: 95 %%, %s, %d replicates, seed %llu\n", BOOTSTRAP_METHOD,
          settings->bootstrap->replicates, (unsigned long long)settings->bootstrap->seed);
  if (all->unknown_speaker)
    fprintf(stream,
            "%d utterances name no speaker (key \"%s\"): together they are one block, and no speaker\n",
            all->unknown_speaker, settings->speaker);
  if (all->empty_references)
    fprintf(stream, "%d references are empty: the %lld words recognised there count as insertions\n",
            all->empty_references, (long long)all->empty_insertions);
  if (all->without_duration && all->without_duration < all->utterances)
    fprintf(stream, "%d utterances have no duration: the minutes lack them\n", all->without_duration);
  const char *comma = "too narrow for: ";
  for (int k = 0; k < COLUMNS; k++) {
    if (!left_out[k]) continue;
    fprintf(stream, "%s%s", comma, HEADERS[k]);
    comma = ", ";
  }
  if (*comma == ',') fputs(" (widen the terminal, or --json FILE)\n", stream);
}

void report_print(FILE *stream, const Slices *slices, const ScoresSettings *settings, int width) {
  int count, widths[COLUMNS];
  bool left_out[COLUMNS];
  Row *rows = rows_make(slices, settings->before, &count);
  widths_choose(rows, count, settings->before, width, widths, left_out);
  row_print(stream, (char *const *)HEADERS, widths);
  for (int r = 0; r < count; r++) {
    row_print(stream, rows[r], widths);
    for (int k = 0; k < COLUMNS; k++) free(rows[r][k]);
  }
  free(rows);
  notes_print(stream, &slices->items[0].cells[0], settings, left_out);
}
