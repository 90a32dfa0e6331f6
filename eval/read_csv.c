/* CSV (RFC 4180), or with tabs instead of commas; the first record names the columns. */
#include <stdlib.h>
#include <string.h>

#include "eval/read.h"

enum { COLUMNS_LIMIT = 1000, FIELD_LIMIT = READ_LINE_LIMIT };

typedef enum Meaning {
  MEANING_METADATA,
  MEANING_ID,
  MEANING_TEXT,
  MEANING_PRED,
  MEANING_AUDIO,
  MEANING_OFFSET,
  MEANING_DURATION
} Meaning;

static const struct {
  const char *name;
  Meaning meaning;
} NAMES[] = {{"id", MEANING_ID},
             {"utt_id", MEANING_ID},
             {"utterance_id", MEANING_ID},
             {"text", MEANING_TEXT},
             {"ref", MEANING_TEXT},
             {"reference", MEANING_TEXT},
             {"sentence", MEANING_TEXT},
             {"transcript", MEANING_TEXT},
             {"pred_text", MEANING_PRED},
             {"hyp", MEANING_PRED},
             {"hypothesis", MEANING_PRED},
             {"prediction", MEANING_PRED},
             {"audio_filepath", MEANING_AUDIO},
             {"path", MEANING_AUDIO},
             {"audio", MEANING_AUDIO},
             {"offset", MEANING_OFFSET},
             {"duration", MEANING_DURATION}};

/* The fields of one record at *at, which moves behind it; unquoted in place. A field's end is remembered in
 * `cut`, because the byte after it may be the next field's delimiter. */
typedef struct Row {
  char *fields[COLUMNS_LIMIT];
  int count, line; /* line: where it begins */
} Row;

/* One quoted field, *at at its opening quote; *at moves behind the closing one. */
static Status quoted_read(Lines *lines, char **at, char **field, char **end) {
  char *from = *at + 1, *to = from;
  int start = lines->line;
  *field = from;
  for (;; from++) {
    if (from >= lines->end) return fail_at(lines->path, start, "a quoted field without its closing quote");
    if (*from == '"') {
      if (from + 1 >= lines->end || from[1] != '"') break;
      from++;
    }
    lines->line += *from == '\n';
    *to++ = *from;
  }
  *end = to;
  *at = from + 1;
  return OK;
}

/* The next record; row->count 0: there is none. Blank lines are passed over. */
static Status row_read(Lines *lines, char delimiter, Row *row) {
  char *at = lines->at, *start, *end = at;
  while (at < lines->end && (*at == '\n' || (*at == '\r' && at[1] == '\n'))) lines->line += *at++ == '\n';
  row->count = 0, row->line = lines->line;
  for (bool more = at < lines->end; more;) {
    if (row->count == COLUMNS_LIMIT) return fail_line(lines, "more than %d columns", COLUMNS_LIMIT);
    if (*at == '"') {
      Status status = quoted_read(lines, &at, &start, &end);
      if (status != OK) return status;
      if (at < lines->end && *at != delimiter && *at != '\n' && *at != '\r')
        return fail_line(lines, "column %d: text behind the closing quote", row->count + 1);
    } else {
      for (start = at; at < lines->end && *at != delimiter && *at != '\n';) at++;
      end = at;
      if (at < lines->end && *at == '\n' && end > start && end[-1] == '\r') end--;
    }
    if (end - start > FIELD_LIMIT) return fail_line(lines, "a field of more than %d bytes", FIELD_LIMIT);
    if (at < lines->end && *at == '\r') at++;
    more = at < lines->end && *at == delimiter;
    if (!more && at < lines->end && *at != '\n') return fail_line(lines, "a carriage return within a line");
    lines->line += at < lines->end && *at == '\n';
    at++;
    *end = 0;
    row->fields[row->count++] = start;
  }
  lines->at = at;
  return OK;
}

static Status header_read(Lines *lines, const Row *row, Meaning *meanings) {
  for (int c = 0; c < row->count; c++) {
    meanings[c] = MEANING_METADATA;
    if (!*row->fields[c]) return fail_at(lines->path, row->line, "column %d has no name", c + 1);
    for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++)
      if (strcasecmp(row->fields[c], NAMES[k].name) == 0) meanings[c] = NAMES[k].meaning;
    for (int other = 0; other < c; other++)
      if (!strcmp(row->fields[c], row->fields[other]) ||
          (meanings[c] != MEANING_METADATA && meanings[c] == meanings[other]))
        return fail_at(lines->path, row->line, "the columns %s and %s mean the same", row->fields[other],
                       row->fields[c]);
  }
  for (int c = 0; c < row->count; c++)
    if (meanings[c] == MEANING_TEXT || meanings[c] == MEANING_PRED) return OK;
  return fail_at(lines->path, row->line,
                 "the first line must name the columns, one of them text or pred_text");
}

static Status record_read(Records *records, const Row *header, const Meaning *meanings, const Row *row) {
  Record *record = record_add(records, row->line);
  Utterance *utterance = &record->utterance;
  if (row->count != header->count)
    return fail_at(records->path, row->line, "%d fields, but the first line names %d columns", row->count,
                   header->count);
  for (int c = 0; c < row->count; c++) {
    char *value = row->fields[c];
    double *seconds = meanings[c] == MEANING_OFFSET ? &utterance->offset : &utterance->duration;
    switch (meanings[c]) {
    case MEANING_ID:
      record->id = value;
      break;
    case MEANING_TEXT:
      record->reference = utterance->text = value;
      break;
    case MEANING_PRED:
      record->recognised = value;
      break;
    case MEANING_AUDIO:
      utterance->audio = *value ? value : NULL;
      if (*value) record->recording = record_recording(records, value);
      break;
    case MEANING_OFFSET:
    case MEANING_DURATION:
      if (*value && !seconds_parse(value, seconds))
        return fail_at(records->path, row->line, "%s must be seconds, not \"%s\"", header->fields[c], value);
      break;
    case MEANING_METADATA:
      record_field(record, header->fields[c], value);
      break;
    }
  }
  if (!record->id && utterance->audio) record->id = record_audio_id(records, utterance);
  return OK;
}

Status read_csv(Records *records) {
  Status status = OK;
  Lines lines;
  Row *header = xcalloc(1, sizeof *header), *row = xcalloc(1, sizeof *row);
  Meaning *meanings = xcalloc(COLUMNS_LIMIT, sizeof *meanings);
  TRY(lines_open(&lines, records, records->path));
  lines.line = 1;
  const char *first_end = memchr(lines.at, '\n', (size_t)(lines.end - lines.at));
  size_t first = (size_t)((first_end ? first_end : lines.end) - lines.at);
  char delimiter = memchr(lines.at, '\t', first) && !memchr(lines.at, ',', first) ? '\t' : ',';
  TRY(row_read(&lines, delimiter, header));
  if (header->count) TRY(header_read(&lines, header, meanings));
  for (;;) {
    TRY(row_read(&lines, delimiter, row));
    if (!row->count) break;
    TRY(record_read(records, header, meanings, row));
  }
done:
  free(header), free(row), free(meanings);
  return status;
}
