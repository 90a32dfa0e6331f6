/* Plain text, Kaldi's text; and which format a file is. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eval/read.h"
#include "src/base/file.h"

/* ---- text ---- */

static Status text_line(Records *records, const Lines *lines, char *text, void *context) {
  (void)context;
  record_text(record_add(records, lines->line), text);
  return OK;
}

Status read_text(Records *records) { return lines_each(records, records->path, text_line, NULL); }

/* ---- Kaldi ---- */

/* "key value" lines of a file, as an object. */
typedef struct Pairs {
  const char *name; /* of the file */
  json_t *object;   /* NULL: there is no such file */
} Pairs;

static Status pair_line(Records *records, const Lines *lines, char *text, void *context) {
  Pairs *pairs = context;
  (void)records;
  char *key = word_next(&text), *value = word_next(&text);
  if (!key) return OK;
  if (!value || word_next(&text)) return fail_line(lines, "each line of %s must have two words", pairs->name);
  if (json_object_get(pairs->object, key)) return fail_line(lines, "%s comes twice", key);
  json_object_set_new(pairs->object, key, json_string(value));
  return OK;
}

static Status pairs_read(Records *records, const char *folder, Pairs *pairs) {
  Status status = OK;
  char *path = path_join(folder, pairs->name);
  if (access(path, F_OK) == 0) {
    pairs->object = json_object();
    status = lines_each(records, block_text(&records->blocks, path, strlen(path)), pair_line, pairs);
  }
  free(path);
  return status;
}

typedef struct Kaldi {
  Pairs speakers, genders;
} Kaldi;

static Status kaldi_line(Records *records, const Lines *lines, char *text, void *context) {
  const Kaldi *kaldi = context;
  char *id = word_next(&text);
  if (!id) return OK;
  Record *record = record_add(records, lines->line);
  record->id = id;
  record_text(record, text);
  const char *speaker = json_string_value(json_object_get(kaldi->speakers.object, id));
  if (kaldi->speakers.object && !speaker) return fail_line(lines, "utt2spk has no speaker for %s", id);
  if (!speaker) return OK;
  record_field(record, "speaker", speaker);
  const char *gender = json_string_value(json_object_get(kaldi->genders.object, speaker));
  if (gender) record_field(record, "gender", gender);
  return OK;
}

Status read_kaldi(Records *records) {
  Status status = OK;
  Kaldi kaldi = {{"utt2spk", NULL}, {"spk2gender", NULL}};
  struct stat info;
  bool is_folder = stat(records->path, &info) == 0 && S_ISDIR(info.st_mode);
  const char *slash = strrchr(records->path, '/');
  char *path = is_folder ? path_join(records->path, "text") : xstrdup(records->path);
  char *folder = is_folder ? xstrdup(records->path)
                 : slash   ? strndup(records->path, (size_t)(slash - records->path + 1))
                           : xstrdup(".");
  TRY(pairs_read(records, folder, &kaldi.speakers));
  TRY(pairs_read(records, folder, &kaldi.genders));
  TRY(lines_each(records, block_text(&records->blocks, path, strlen(path)), kaldi_line, &kaldi));
done:
  json_decref(kaldi.speakers.object), json_decref(kaldi.genders.object);
  free(path), free(folder);
  return status;
}

/* ---- which format ---- */

static bool has_suffix(const char *path, const char *suffix) {
  size_t length = strlen(path), more = strlen(suffix);
  return length > more && strcasecmp(path + length - more, suffix) == 0;
}

static bool exists(const char *folder, const char *name) {
  char *path = path_join(folder, name);
  bool there = access(path, F_OK) == 0;
  free(path);
  return there;
}

/* Of a file that begins with '{': a recording's segments, or else lines of a manifest. */
static RecordFormat json_format(const char *path) {
  json_error_t error;
  json_t *first = NULL;
  FILE *stream = fopen(path, "rb");
  char *line = NULL;
  size_t room = 0;
  RecordFormat format = RECORD_WHISPER; /* an object over several lines */
  if (stream && getline(&line, &room, stream) > 0 && (first = json_loads(line, 0, &error)) &&
      !json_object_get(first, "segments") && !json_object_get(first, "transcription"))
    format = RECORD_MANIFEST;
  json_decref(first);
  free(line);
  if (stream) fclose(stream);
  return format;
}

Status format_detect(const char *path, RecordFormat *format) {
  static const struct {
    const char *suffix;
    RecordFormat format;
  } KNOWN[] = {{".trn", RECORD_TRN}, {".stm", RECORD_STM},  {".ctm", RECORD_CTM},       {".csv", RECORD_CSV},
               {".tsv", RECORD_CSV}, {".txt", RECORD_TEXT}, {".jsonl", RECORD_MANIFEST}};
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
    *format = exists(path, "text") ? RECORD_KALDI : RECORD_WHISPER;
    return OK;
  }
  for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
    if (has_suffix(path, KNOWN[i].suffix)) {
      *format = KNOWN[i].format;
      return OK;
    }
  if (strcmp(path, "text") == 0 || has_suffix(path, "/text")) {
    *format = RECORD_KALDI;
    return OK;
  }
  FILE *stream = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
  char start[64] = "";
  if (stream) {
    start[fread(start, 1, sizeof start - 1, stream)] = 0;
    fclose(stream);
    const char *at = start + (strncmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    if (at[strspn(at, " \t\r\n")] == '{') {
      *format = json_format(path);
      return OK;
    }
  }
  return stream ? fail(ERR_USAGE,
                       "%s: which format it is can't be told from its name; say it with --format "
                       "(or --ref-format, --before-format): " RECORD_FORMATS,
                       path)
                : fail(ERR_IO, "cannot open %s as a file", path);
}
