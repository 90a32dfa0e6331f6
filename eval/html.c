#include "eval/html.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval/page/page.h"
#include "src/base/file.h"

/* Absolute, without "." and ".." and doubled slashes: "/a/b", or "" for the root. */
static char *path_plain(const char *path) {
  char here[PATH_MAX] = "";
  if (path[0] != '/' && !getcwd(here, sizeof here)) here[0] = 0;
  char *whole = xprintf("%s/%s", here, path), *plain = xcalloc(strlen(whole) + 2, 1), *save = NULL;
  for (char *part = strtok_r(whole, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
    if (strcmp(part, ".") == 0) continue;
    if (strcmp(part, "..") != 0)
      strcat(strcat(plain, "/"), part);
    else if (*plain)
      *strrchr(plain, '/') = 0;
  }
  free(whole);
  return plain;
}

char *path_relative(const char *folder, const char *to) {
  char *from = path_plain(folder), *target = path_plain(to), *result = xstrdup("");
  size_t common = 0; /* up to and with the last slash that both have */
  for (size_t i = 0;; i++) {
    bool from_ends = from[i] == '/' || !from[i], target_ends = target[i] == '/' || !target[i];
    if (from_ends && target_ends) common = i;
    if (from[i] != target[i] || !from[i]) break;
  }
  for (const char *at = from + common; *at; at++)
    if (*at == '/') {
      char *longer = xprintf("../%s", result);
      free(result), result = longer;
    }
  char *whole = xprintf("%s%s", result, target[common] ? target + common + 1 : "");
  free(from), free(target), free(result);
  return whole;
}

/* The document with the utterances' audio as reached from the page. The caller decrefs. */
static json_t *document_beside(const json_t *document, const char *page) {
  json_t *copy = json_copy((json_t *)document), *list = json_object_get(document, "utterances"), *moved,
         *item;
  if (!list) return copy;
  char *path = xstrdup(page), *folder = dirname(path);
  size_t i;
  moved = json_array();
  json_array_foreach(list, i, item) {
    json_t *utterance = json_copy(item);
    const char *audio = json_string_value(json_object_get(item, "audio"));
    if (audio) {
      char *relative = path_relative(folder, audio);
      json_object_set_new(utterance, "audio", json_string(relative));
      free(relative);
    }
    json_array_append_new(moved, utterance);
  }
  json_object_set_new(copy, "utterances", moved);
  free(path);
  return copy;
}

/* JSON inside a script element: no "<" may be left, of which "</script" and "<!--" would end or change it. */
static void write_escaped(FILE *stream, const char *text) {
  for (const char *at = text; *at;) {
    size_t plain = strcspn(at, "<");
    fwrite(at, 1, plain, stream);
    at += plain;
    if (*at) at++, fputs("\\u003c", stream);
  }
}

Status html_write(const char *path, const json_t *document) {
  Status status = OK;
  AtomicFile file = {0};
  json_t *beside = document_beside(document, path);
  char *text = json_dumps(beside, JSON_COMPACT | JSON_REAL_PRECISION(9));
  TRY(atomic_open(&file, path));
  fputs(PAGE_HEAD, file.stream);
  write_escaped(file.stream, text);
  fputs(PAGE_TAIL, file.stream);
  TRY(atomic_commit(&file));
done:
  atomic_abort(&file);
  json_decref(beside);
  free(text);
  return status;
}
