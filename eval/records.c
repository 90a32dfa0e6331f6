#include "eval/records.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "eval/read.h"
#include "src/base/file.h"
#include "src/text/names.h"
#include "src/text/unicode.h"

static const size_t FILE_LIMIT = (size_t)4 << 30; /* bytes */
static const double SECONDS_LIMIT = 1e7;

static const struct {
  const char *name;
  Status (*read)(Records *records);
} FORMATS[] = {{"auto", NULL},     {"manifest", read_manifest}, {"trn", read_trn},         {"stm", read_stm},
               {"ctm", read_ctm},  {"kaldi", read_kaldi},       {"whisper", read_whisper}, {"csv", read_csv},
               {"text", read_text}};

RecordFormat record_format(const char *name) {
  int format = RECORD_TEXT;
  while (format > RECORD_AUTO && strcmp(FORMATS[format].name, name)) format--;
  return (RecordFormat)format;
}

const char *record_format_name(RecordFormat format) { return FORMATS[format].name; }

/* ---- memory ---- */

static RecordBlock *block_new(RecordBlock **blocks, char *data, size_t used, size_t size) {
  RecordBlock *block = xcalloc(1, sizeof *block);
  *block = (RecordBlock){*blocks, data, used, size};
  return *blocks = block;
}

void *block_take(RecordBlock **blocks, size_t bytes) {
  RecordBlock *block = *blocks;
  size_t start = block ? (block->used + 15) & ~(size_t)15 : 0;
  if (!block || start > block->size || bytes > block->size - start) {
    size_t size = bytes > 1 << 18 ? bytes : 1 << 18;
    block = block_new(blocks, xcalloc(size, 1), 0, size);
    start = 0;
  }
  block->used = start + bytes;
  return block->data + start;
}

char *block_text(RecordBlock **blocks, const char *text, size_t length) {
  RecordBlock *block = *blocks;
  if (!block || block->used >= block->size || length >= block->size - block->used) {
    size_t size = length >= 1 << 18 ? length + 1 : 1 << 18;
    block = block_new(blocks, xcalloc(size, 1), 0, size);
  }
  char *copy = block->data + block->used;
  memcpy(copy, text, length);
  copy[length] = 0;
  block->used += length + 1;
  return copy;
}

void blocks_free(RecordBlock *blocks) {
  while (blocks) {
    RecordBlock *next = blocks->next;
    free(blocks->data), free(blocks);
    blocks = next;
  }
}

/* ---- lines ---- */

Status(fail_at)(const char *path, int line, const char *format, ...) {
  char why[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  return fail(ERR_DATA, "%s:%d: %s", path, line, why);
}

/* The first byte that is NUL or not of valid UTF-8; `size` when there is none. */
static size_t first_bad(const char *data, size_t size) {
  for (size_t at = 0; at < size;) {
    size_t end = size - at > 4096 ? at + 4096 : size;
    unsigned char high = 0, zero = 0;
    for (size_t i = at; i < end; i++) high |= (unsigned char)data[i] & 0x80, zero |= data[i] == 0;
    if (!high && !zero) {
      at = end;
      continue;
    }
    while (at < end) { /* one character at a time */
      size_t length = (size_t)utf8_length(data + at);
      if (!data[at] || length < 1 || length > size - at || utf8_check(data + at, length) != OK) return at;
      at += length;
    }
  }
  return size;
}

Status lines_open(Lines *lines, Records *records, const char *path) {
  char *data = NULL;
  size_t size = 0;
  Status status = file_read(path, FILE_LIMIT, &data, &size);
  if (status != OK) {
    free(data);
    return status;
  }
  block_new(&records->blocks, data, size + 1, size + 1);
  size_t bad = first_bad(data, size);
  *lines = (Lines){path, data, data + size, 0};
  if (bad < size) {
    lines->line = 1;
    for (size_t i = 0; i < bad; i++) lines->line += data[i] == '\n';
    return data[bad] ? fail_line(lines, "not UTF-8 (byte 0x%02x, offset %zu); convert it with iconv",
                                 (unsigned)(unsigned char)data[bad], bad)
                     : fail_line(lines, "a NUL byte: not a text file");
  }
  if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) lines->at += 3;
  return OK;
}

Status lines_next(Lines *lines, char **text) {
  *text = NULL;
  if (lines->at >= lines->end) return OK;
  char *start = lines->at, *end = memchr(start, '\n', (size_t)(lines->end - start));
  if (!end) end = lines->end;
  lines->at = end + 1;
  lines->line++;
  if (end - start > READ_LINE_LIMIT)
    return fail_line(lines, "the line has %zu bytes; at most %d are accepted", (size_t)(end - start),
                     READ_LINE_LIMIT);
  *end = 0;
  if (end > start && end[-1] == '\r') end[-1] = 0;
  *text = start;
  return OK;
}

Status lines_each(Records *records, const char *path,
                  Status (*line)(Records *records, const Lines *lines, char *text, void *context),
                  void *context) {
  Lines lines;
  char *text = NULL;
  Status status = lines_open(&lines, records, path);
  if (status == OK) status = lines_next(&lines, &text);
  while (status == OK && text) {
    status = line(records, &lines, text, context);
    if (status == OK) status = lines_next(&lines, &text);
  }
  return status;
}

char *word_next(char **rest) {
  char *start = *rest + strspn(*rest, " \t");
  if (!*start) return NULL;
  char *end = start + strcspn(start, " \t");
  *rest = *end ? end + 1 : end;
  *end = 0;
  return start;
}

bool seconds_parse(const char *text, double *seconds) {
  char *end;
  if (!strchr("0123456789.-+", *text)) return false; /* strtod would take "nan" and blanks */
  *seconds = strtod(text, &end);
  return end > text && !*end && *seconds >= 0 && *seconds <= SECONDS_LIMIT;
}

/* ---- records ---- */

Record *record_add(Records *records, int line) {
  if ((records->count & (records->count - 1)) == 0 && (records->count == 0 || records->count >= 64))
    records->items =
        xrealloc(records->items, records->count ? 2 * (size_t)records->count : 64, sizeof(Record));
  Record *record = &records->items[records->count++];
  *record = (Record){.utterance = {.duration = -1, .line = line, .text = (char *)""}};
  return record;
}

void record_text(Record *record, char *text) {
  record->utterance.text = text;
  record->reference = record->recognised = text;
}

void record_field(Record *record, const char *key, const char *value) {
  if (!record->utterance.fields) record->utterance.fields = json_object();
  json_object_set_new(record->utterance.fields, key, json_string(value));
}

const char *record_recording(Records *records, const char *path) {
  char *name = recording_name(path);
  const char *kept = block_text(&records->blocks, name, strlen(name));
  free(name);
  return kept;
}

const char *record_audio_id(Records *records, const Utterance *utterance) {
  char *name = utterance_name(utterance->audio, utterance->offset);
  const char *kept = block_text(&records->blocks, name, strlen(name));
  free(name);
  return kept;
}

const char *record_name(Records *records, const char *name) {
  char *kept = block_text(&records->blocks, name, strlen(name));
  name_clean(kept);
  return kept;
}

static double number_or_nan(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

Status read_words(Record *record, const json_t *list) {
  static const char *const SCORES[] = {"confidence", "probability", "score"};
  int first = record->word_count;
  bool spaced = false; /* spaces stand before words that begin one, as in Whisper's files */
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    const char *text = json_string_value(json_object_get(item, "word"));
    if (!text) text = json_string_value(json_object_get(item, "text"));
    if (!text) return fail(ERR_DATA, "\"words\": item %zu must have \"word\", a string", i + 1);
    double confidence = NAN;
    for (int k = 0; k < 3 && isnan(confidence); k++) confidence = number_or_nan(item, SCORES[k]);
    record->words[record->word_count++] =
        (HypWord){text, number_or_nan(item, "start"), number_or_nan(item, "end"), confidence, false};
    spaced |= *text == ' ';
  }
  for (int w = first + 1; spaced && w < record->word_count; w++)
    record->words[w].glued = *record->words[w].text != ' ';
  return OK;
}

/* The id that a manifest's line names, or its audio. */
static const char *manifest_id(Records *records, const Record *record) {
  static const char *const KEYS[] = {"id", "utt_id", "utterance_id"};
  for (int k = 0; k < 3; k++) {
    const char *id = json_string_value(json_object_get(record->utterance.fields, KEYS[k]));
    if (id) return id;
  }
  return record->utterance.audio ? record_audio_id(records, &record->utterance) : NULL;
}

Status read_manifest(Records *records) {
  Status status = OK;
  TRY(manifest_read(&records->manifest, records->path, MANIFEST_SCORE, false));
  for (int i = 0; i < records->manifest.count; i++) {
    const Utterance *line = &records->manifest.items[i];
    Record *record = record_add(records, line->line);
    record->utterance = *line;
    if (line->audio) record->recording = record_recording(records, line->audio);
    record->id = manifest_id(records, record);
    if (json_object_get(line->fields, "text")) record->reference = line->text;
    const json_t *recognised = json_object_get(line->fields, "pred_text");
    if (recognised && !json_is_string(recognised))
      TRY(fail_at(records->path, line->line, "\"pred_text\" must be a string"));
    record->recognised = json_string_value(recognised);
    const json_t *words = recognised ? json_object_get(line->fields, "words") : NULL;
    if (json_is_array(words) && json_array_size(words)) {
      record->words = block_take(&records->blocks, json_array_size(words) * sizeof *record->words);
      status = read_words(record, words);
      if (status != OK) TRY(fail_in(status, "%s:%d", records->path, line->line));
    }
  }
done:
  return status;
}

Status records_read_any(Records *records, const char *path, RecordFormat format) {
  Status status = OK;
  *records = (Records){.path = xstrdup(path), .format = format};
  if (format == RECORD_AUTO) TRY(format_detect(path, &records->format));
  TRY(FORMATS[records->format].read(records));
done:
  return status;
}

Status records_read(Records *records, const char *path, RecordFormat format) {
  Status status = records_read_any(records, path, format);
  if (status == OK && !records->count) return fail(ERR_DATA, "%s has no utterance", path);
  return status;
}

void records_free(Records *records) {
  if (records->format != RECORD_MANIFEST) /* those of a manifest are the manifest's */
    for (int i = 0; i < records->count; i++) json_decref(records->items[i].utterance.fields);
  manifest_free(&records->manifest);
  blocks_free(records->blocks);
  free(records->items);
  free(records->path);
  *records = (Records){0};
}
