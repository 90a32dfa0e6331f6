/* The JSON of Whisper and its kin, one file a recording: openai-whisper, faster-whisper, WhisperX ("segments"
 * with "start", "end", "text" and perhaps "words") and whisper.cpp ("transcription" with "offsets" in
 * milliseconds). */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "eval/read.h"
#include "src/base/file.h"
#include "src/text/unicode.h"

static const size_t FILE_LIMIT = (size_t)1 << 30; /* bytes */

static double seconds_of(const json_t *object, const char *key, double unit) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) * unit : NAN;
}

/* A segment: its text, and its words or, when there are none, itself as one. */
static Status segment_read(Record *record, const json_t *segment, int number, Buffer *text) {
  const char *said = json_string_value(json_object_get(segment, "text"));
  if (!said) return fail(ERR_DATA, "segment %d must have \"text\", a string", number);
  if (text->used) buffer_append(text, " ", 1);
  buffer_append(text, said, strlen(said));
  const json_t *words = json_object_get(segment, "words"), *offsets = json_object_get(segment, "offsets");
  if (json_array_size(words)) {
    Status status = read_words(record, words);
    return status == OK ? OK : fail_in(status, "segment %d", number);
  }
  double start = offsets ? seconds_of(offsets, "from", 1e-3) : seconds_of(segment, "start", 1);
  double end = offsets ? seconds_of(offsets, "to", 1e-3) : seconds_of(segment, "end", 1);
  record->words[record->word_count++] = (HypWord){said, start, end, NAN, false};
  return OK;
}

static size_t words_most(const json_t *segments) {
  size_t most = 0;
  for (size_t i = 0; i < json_array_size(segments); i++)
    most += 1 + json_array_size(json_object_get(json_array_get(segments, i), "words"));
  return most;
}

static Status file_parse(Records *records, const char *path) {
  Status status = OK;
  char *data = NULL;
  size_t size;
  json_error_t error;
  Buffer text = {0};
  json_t *whole = NULL;
  buffer_append(&text, "", 0);
  TRY(file_read(path, FILE_LIMIT, &data, &size));
  size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  whole = json_loadb(data + mark, size - mark, JSON_REJECT_DUPLICATES, &error);
  if (!whole) TRY(fail_at(path, error.line > 0 ? error.line : 1, "column %d: %s", error.column, error.text));
  Record *record = record_add(records, 1);
  record->utterance.fields = whole; /* which the texts of the words point into */
  const json_t *segments = json_object_get(whole, "segments");
  if (!segments) segments = json_object_get(whole, "transcription");
  if (!json_is_array(segments))
    TRY(fail_at(path, 1, "no list \"segments\" or \"transcription\", as Whisper's JSON has"));
  record->words = block_take(&records->blocks, words_most(segments) * sizeof *record->words);
  for (size_t i = 0; i < json_array_size(segments); i++) {
    status = segment_read(record, json_array_get(segments, i), (int)i + 1, &text);
    if (status != OK) TRY(fail_in(status, "%s:1", path));
  }
  record->id = record->recording = record_recording(records, path);
  record_text(record, block_text(&records->blocks, text.data, text.used));
done:
  free(data), free(text.data);
  return status;
}

static int by_name(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

Status read_whisper(Records *records) {
  Status status = OK;
  struct stat info;
  char **names = NULL;
  int count = 0;
  if (stat(records->path, &info) != 0)
    return fail(ERR_IO, "cannot open %s: %s", records->path, strerror(errno));
  if (!S_ISDIR(info.st_mode)) return file_parse(records, records->path);
  DIR *folder = opendir(records->path);
  if (!folder) return fail(ERR_IO, "cannot open %s: %s", records->path, strerror(errno));
  for (struct dirent *entry; (entry = readdir(folder));) {
    size_t length = strlen(entry->d_name);
    if (entry->d_name[0] == '.' || length < 6 || strcmp(entry->d_name + length - 5, ".json")) continue;
    names = xrealloc(names, (size_t)count + 1, sizeof *names);
    names[count++] = path_join(records->path, entry->d_name);
  }
  closedir(folder);
  if (count) qsort(names, (size_t)count, sizeof *names, by_name);
  if (!count) TRY(fail(ERR_DATA, "%s has neither Kaldi's \"text\" nor a .json file", records->path));
  for (int i = 0; i < count; i++) TRY(file_parse(records, names[i]));
done:
  for (int i = 0; i < count; i++) free(names[i]);
  free(names);
  return status;
}
