#include "eval/text_table.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/base/status.h"

enum { NAME_LEAST = 28, ANY = 1 << 20 }; /* columns that a name keeps; no limit */

char *text_printable(const char *text, int most, int *width) {
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
      strcpy(end, "…");
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

char **text_table_row(TextTable *table) {
  size_t columns = (size_t)table->columns, filled = (size_t)table->rows++ * columns;
  table->texts = xrealloc(table->texts, (unsigned long)table->rows * columns, sizeof(char *));
  return memset(table->texts + filled, 0, columns * sizeof(char *));
}

/* The width of each column, 0 for those not shown. */
static void widths_choose(const TextTable *table, int width, int *widths, bool *left_out) {
  int total = -2, shown;
  for (int k = 0; k < table->columns; k++) {
    widths[k] = 0, left_out[k] = false;
    for (int r = 0; r < table->rows; r++) {
      const char *text = table->texts[r * table->columns + k];
      if (!text) continue;
      free(text_printable(text, ANY, &shown));
      if (shown > widths[k]) widths[k] = shown;
    }
    if (widths[k] && (int)strlen(table->headers[k]) > widths[k]) widths[k] = (int)strlen(table->headers[k]);
    total += widths[k] ? widths[k] + 2 : 0;
  }
  if (width <= 0) return;
  int name = widths[0] < NAME_LEAST ? widths[0] : NAME_LEAST;
  for (int i = 0; i < table->leave_out_count && total - widths[0] + name > width; i++) {
    int column = table->leave_out[i];
    if (!widths[column]) continue;
    total -= widths[column] + 2;
    widths[column] = 0, left_out[column] = true;
  }
  if (total > width) widths[0] = widths[0] - (total - width) > name ? widths[0] - (total - width) : name;
}

static void row_print(FILE *stream, const char *const *row, int columns, const int *widths) {
  int last = 0, shown;
  for (int k = 0; k < columns; k++)
    if (widths[k] && row[k] && *row[k]) last = k;
  for (int k = 0; k <= last; k++) {
    if (!widths[k]) continue;
    char *text = text_printable(row[k] ? row[k] : "", k == 0 && last ? widths[0] : ANY, &shown);
    int room = widths[k] > shown ? widths[k] - shown : 0;
    if (k == 0)
      fprintf(stream, "%s%*s", text, last ? room : 0, "");
    else
      fprintf(stream, "  %*s%s", room, "", text);
    free(text);
  }
  fputc('\n', stream);
}

void text_table_print(FILE *stream, const TextTable *table, int width, bool *left_out) {
  int *widths = xcalloc((unsigned long)table->columns, sizeof *widths);
  widths_choose(table, width, widths, left_out);
  row_print(stream, table->headers, table->columns, widths);
  for (int r = 0; r < table->rows; r++)
    row_print(stream, (const char *const *)table->texts + (ptrdiff_t)r * table->columns, table->columns,
              widths);
  free(widths);
}

void text_table_free(TextTable *table) {
  for (int i = 0; i < table->rows * table->columns; i++) free(table->texts[i]);
  free(table->texts);
}

static void line_wrap(FILE *stream, const char *line, size_t length, int width) {
  int column = 0, shown;
  for (size_t at = 0; at < length;) {
    size_t gap = strspn(line + at, " "), word = strcspn(line + at + gap, " \n");
    char *text = xprintf("%.*s", (int)word, line + at + gap);
    free(text_printable(text, ANY, &shown));
    if (column && width > 0 && column + (int)gap + shown > width) {
      fputs("\n  ", stream);
      column = 2, gap = 0, at += strspn(line + at, " ");
    }
    fprintf(stream, "%*s%s", (int)gap, "", text);
    column += (int)gap + shown;
    at += gap + word;
    free(text);
  }
}

void text_wrap(FILE *stream, const char *text, int width) {
  while (*text) {
    size_t length = strcspn(text, "\n");
    line_wrap(stream, text, length, width);
    text += length;
    if (*text) fputc(*text++, stream);
  }
}
