#include "src/corpus/manifest.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "src/base/file.h"

static const size_t FILE_LIMIT = (size_t)4 << 30, LINE_LIMIT = 1 << 20; /* bytes */
static const double SECONDS_LIMIT = 1e7; /* four months: keeps samples in range */

static void utterance_free(Utterance *utterance) {
  free(utterance->audio);
  free(utterance->text);
  json_decref(utterance->fields);
}

/* The string under `key`: *value stays NULL when it is absent. */
static Status string_field(const json_t *fields, const char *key, bool required, const char **value) {
  const json_t *field = json_object_get(fields, key);
  if (!field) return required ? fail(ERR_DATA, "the key \"%s\" is missing", key) : OK;
  if (!json_is_string(field)) return fail(ERR_DATA, "\"%s\" must be a string", key);
  *value = json_string_value(field);
  return OK;
}

/* The seconds under `key`, at least `least`: *value stays when it is absent. */
static Status seconds_field(const json_t *fields, const char *key, bool required, double least,
                            double *value) {
  const json_t *field = json_object_get(fields, key);
  if (!field) return required ? fail(ERR_DATA, "the key \"%s\" is missing", key) : OK;
  if (!json_is_number(field)) return fail(ERR_DATA, "\"%s\" must be a number of seconds", key);
  double seconds = json_number_value(field);
  if (!(seconds >= least && seconds <= SECONDS_LIMIT))
    return fail(ERR_DATA, "\"%s\" is %g; accepted are %g to %g seconds", key, seconds, least, SECONDS_LIMIT);
  *value = seconds;
  return OK;
}

static Status audio_check(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0)
    return fail(ERR_DATA, "cannot find the audio file %s: %s", path, strerror(errno));
  return S_ISREG(info.st_mode) ? OK : fail(ERR_DATA, "%s is not a regular file", path);
}

/* One line into *utterance; `known` is an audio path that was found to be there. */
static Status line_read(const char *line, size_t length, const char *folder, ManifestUse use,
                        const char *known, Utterance *utterance) {
  Status status = OK;
  json_error_t error;
  const char *audio = NULL, *text = "";
  *utterance = (Utterance){.duration = -1};
  if (length > LINE_LIMIT)
    TRY(fail(ERR_DATA, "the line has %zu bytes; at most %zu are accepted", length, LINE_LIMIT));
  utterance->fields = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
  if (!utterance->fields) TRY(fail(ERR_DATA, "column %d: %s", error.column, error.text));
  if (!json_is_object(utterance->fields)) TRY(fail(ERR_DATA, "not a JSON object"));
  TRY(string_field(utterance->fields, "audio_filepath", use == MANIFEST_TRAIN || use == MANIFEST_FREE, &audio));
  TRY(string_field(utterance->fields, "text", use == MANIFEST_TRAIN || use == MANIFEST_TEXT, &text));
  TRY(seconds_field(utterance->fields, "offset", false, 0, &utterance->offset));
  TRY(seconds_field(utterance->fields, "duration", use == MANIFEST_TRAIN, 0.001, &utterance->duration));
  if (use == MANIFEST_TRAIN && !text[strspn(text, " \t\r\n")])
    TRY(fail(ERR_DATA, "\"text\" is empty: leave out what was not transcribed"));
  utterance->text = xstrdup(text);
  if (!audio) goto done;
  if (!*audio) TRY(fail(ERR_DATA, "\"audio_filepath\" is empty"));
  utterance->audio = path_join(folder, audio);
  bool look = use == MANIFEST_TRAIN || use == MANIFEST_FREE;
  if (look && !(known && strcmp(known, utterance->audio) == 0)) TRY(audio_check(utterance->audio));
done:
  if (status != OK) utterance_free(utterance);
  return status;
}

Status manifest_read(Manifest *manifest, const char *path, ManifestUse use, bool skip_bad) {
  Status status = OK;
  char *data = NULL, *copy = xstrdup(path), *folder = dirname(copy);
  size_t size = 0;
  int line = 0, room = 0, bad_room = 0;
  *manifest = (Manifest){.path = xstrdup(path)};
  if (strcmp(folder, ".") == 0) folder = ""; /* messages show the paths as the user wrote them */
  TRY(file_read(path, FILE_LIMIT, &data, &size));
  manifest->hash = XXH3_64bits(data, size);
  char *start = data + (strncmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); /* Windows' byte-order mark */
  for (char *at = start, *end; at < data + size; at = end + 1) {
    end = memchr(at, '\n', (size_t)(data + size - at));
    if (!end) end = data + size;
    line++;
    if (at + strspn(at, " \t\r") >= end) continue; /* the data ends in NUL */
    Utterance utterance;
    const char *known = manifest->count ? manifest->items[manifest->count - 1].audio : NULL;
    status = line_read(at, (size_t)(end - at), folder, use, known, &utterance);
    if (status == OK) {
      if (manifest->count == room)
        manifest->items = xrealloc(manifest->items, room += room / 2 + 64, sizeof utterance);
      utterance.line = line;
      manifest->items[manifest->count++] = utterance;
      continue;
    }
    fail_in(status, "%s:%d", path, line);
    if (!skip_bad) goto done;
    status = OK;
    if (manifest->bad_count == bad_room)
      manifest->bad = xrealloc(manifest->bad, bad_room += bad_room / 2 + 64, sizeof(char *));
    manifest->bad[manifest->bad_count++] = xstrdup(fail_text());
  }
  if (manifest->count == 0 && manifest->bad_count)
    TRY(fail(ERR_DATA, "%s has no good line; the first bad one: %s", path, manifest->bad[0]));
  if (manifest->count == 0) TRY(fail(ERR_DATA, "%s has no utterance", path));
done:
  free(data);
  free(copy);
  return status;
}

void manifest_free(Manifest *manifest) {
  for (int i = 0; i < manifest->count; i++) utterance_free(&manifest->items[i]);
  for (int i = 0; i < manifest->bad_count; i++) free(manifest->bad[i]);
  free(manifest->items);
  free(manifest->bad);
  free(manifest->path);
  *manifest = (Manifest){0};
}
