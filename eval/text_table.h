/* A table for the terminal: the first column holds names, set left and cut when there is no room; the others
 * figures, set right, of which the less important ones are left out when there is no room. */
#ifndef JARGON_EVAL_TEXT_TABLE_H
#define JARGON_EVAL_TEXT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

typedef struct TextTable {
  const char *const *headers;
  int columns;
  const int *leave_out; /* columns that may be left out, the first first */
  int leave_out_count;
  char **texts; /* rows times columns, owned; NULL: empty */
  int rows;
} TextTable;

/* A new row at the end, to be filled with allocated texts; valid until the next one is made. */
char **text_table_row(TextTable *table);

/* At most `width` columns wide where it can be; 0: as wide as it is. A column that is empty in every row is
 * not shown. Sets left_out[column] for those that were left out. */
void text_table_print(FILE *stream, const TextTable *table, int width, bool *left_out);
void text_table_free(TextTable *table);

/* `text` with '?' for what a terminal would obey, cut to `most` columns; the caller's to free. *width: its
 * columns. */
char *text_printable(const char *text, int most, int *width);

/* The text with lines broken at spaces so that none is wider than `width` where it can be, the rest of a line
 * set in by two; 0: as it is. */
void text_wrap(FILE *stream, const char *text, int width);

#endif
