/* Plain text, NIST's trn, Kaldi's text; and which format a file is. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eval/read.h"
#include "src/base/file.h"

static void text_set(Record *record, char *text) {
  record->utterance.text = text;
  record->reference = record->recognised = text;
}

/* ---- text ---- */

Status read_text(Records *records) {
  Status status = OK;
  Lines lines;
  char *text;
  TRY(lines_open(&lines, records, records->path));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    text_set(record_add(records, lines.line), text);
  }
done:
  return status;
}

/* ---- trn ---- */

/* "speaker-number" or "speaker_number": the part before the first of them, as metadata. */
static void speaker_of_id(Records *records, Record *record) {
  size_t length = strcspn(record->id, "-_");
  if (!length || !record->id[length]) return;
  record_field(record, "speaker", block_text(&records->blocks, record->id, length));
}

/* Cuts "(id)" off the end of a line. NULL: there is none. */
static char *id_cut(char *text) {
  char *end = text + strlen(text);
  while (end > text && (end[-1] == ' ' || end[-1] == '\t')) end--;
  if (end == text || end[-1] != ')') return NULL;
  end[-1] = 0;
  char *open = strrchr(text, '(');
  if (!open || !open[1] || strpbrk(open, " \t")) {
    end[-1] = ')';
    return NULL;
  }
  *open = 0;
  return open + 1;
}

Status read_trn(Records *records) {
  Status status = OK;
  Lines lines;
  char *text;
  TRY(lines_open(&lines, records, records->path));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    if (!text[strspn(text, " \t")] || !strncmp(text, ";;", 2)) continue;
    char *id = id_cut(text);
    if (!id) TRY(fail_line(&lines, "a trn line must end in \"(id)\""));
    Record *record = record_add(records, lines.line);
    record->id = id;
    text_set(record, text);
    speaker_of_id(records, record);
  }
done:
  return status;
}

/* ---- Kaldi ---- */

/* "key value" lines of a file that may be missing, as an object. */
static Status pairs_read(Records *records, const char *folder, const char *name, json_t **pairs) {
  Status status = OK;
  Lines lines;
  char *text, *path = path_join(folder, name);
  *pairs = NULL;
  if (access(path, F_OK) != 0) goto done;
  char *kept = block_text(&records->blocks, path, strlen(path));
  *pairs = json_object();
  TRY(lines_open(&lines, records, kept));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    char *key = word_next(&text), *value = word_next(&text);
    if (!key) continue;
    if (!value || word_next(&text)) TRY(fail_line(&lines, "each line of %s must have two words", name));
    if (json_object_get(*pairs, key)) TRY(fail_line(&lines, "%s comes twice", key));
    json_object_set_new(*pairs, key, json_string(value));
  }
done:
  free(path);
  return status;
}

Status read_kaldi(Records *records) {
  Status status = OK;
  Lines lines;
  char *text, *path = NULL, *folder = NULL;
  json_t *speakers = NULL, *genders = NULL;
  struct stat info;
  bool is_folder = stat(records->path, &info) == 0 && S_ISDIR(info.st_mode);
  const char *slash = strrchr(records->path, '/');
  path = is_folder ? path_join(records->path, "text") : xstrdup(records->path);
  folder = is_folder ? xstrdup(records->path)
           : slash   ? strndup(records->path, (size_t)(slash - records->path + 1))
                     : xstrdup(".");
  TRY(pairs_read(records, folder, "utt2spk", &speakers));
  TRY(pairs_read(records, folder, "spk2gender", &genders));
  TRY(lines_open(&lines, records, block_text(&records->blocks, path, strlen(path))));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    char *id = word_next(&text);
    if (!id) continue;
    Record *record = record_add(records, lines.line);
    record->id = id;
    text_set(record, text);
    const char *speaker = json_string_value(json_object_get(speakers, id));
    if (speakers && !speaker) TRY(fail_line(&lines, "utt2spk has no speaker for %s", id));
    if (!speaker) continue;
    record_field(record, "speaker", speaker);
    const char *gender = json_string_value(json_object_get(genders, speaker));
    if (gender) record_field(record, "gender", gender);
  }
done:
  json_decref(speakers), json_decref(genders);
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
