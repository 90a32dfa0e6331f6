#include "src/base/settings.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "src/base/file.h"

enum { BYTES_MAX = 64 * 1024, DEPTH_MAX = 8, NAME_MAX_COMPARED = 63 };

typedef struct Reader {
  yaml_parser_t parser;
  yaml_event_t event; /* the current one, deleted by advance() */
  const char *name;
  Settings *settings;
} Reader;

static int line_of(const Reader *reader) { return (int)reader->event.start_mark.line + 1; }

static Status advance(Reader *reader) {
  yaml_event_delete(&reader->event);
  if (yaml_parser_parse(&reader->parser, &reader->event)) return OK;
  memset(&reader->event, 0, sizeof reader->event);
  const yaml_parser_t *parser = &reader->parser;
  size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line;
  fail(ERR_USAGE, "%s:%zu: not valid YAML: %s", reader->name, line + 1,
       parser->problem ? parser->problem : "unreadable");
  if (parser->context && parser->context_mark.line < line) /* a line without ':' shows on the next one */
    fail(ERR_USAGE, "%s (in what begins at line %zu)", fail_text(), parser->context_mark.line + 1);
  return ERR_USAGE;
}

static bool known_key(const Settings *settings, const char *key) {
  for (int i = 0; i < settings->count; i++)
    if (setting_same_key(settings->items[i].key, key)) return true;
  return false;
}

static Status no_anchor(const Reader *reader, const char *key, const void *anchor, const void *tag) {
  if (!anchor && !tag) return OK;
  return fail(ERR_USAGE, "%s:%d: %s: anchors and tags are not accepted", reader->name, line_of(reader), key);
}

static Status add_scalar(Reader *reader, const char *key, bool item) {
  const yaml_event_t *event = &reader->event;
  const char *value = (const char *)event->data.scalar.value;
  Status status = no_anchor(reader, key, event->data.scalar.anchor, event->data.scalar.tag);
  if (status != OK) return status;
  if (strlen(value) != event->data.scalar.length)
    return fail(ERR_USAGE, "%s:%d: %s: the value contains a zero byte", reader->name, line_of(reader), key);
  if (!value[0] && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
    return fail(ERR_USAGE, "%s:%d: %s has no value; give one or remove the line", reader->name,
                line_of(reader), key);
  Settings *settings = reader->settings;
  settings->items = xrealloc(settings->items, (size_t)settings->count + 1, sizeof *settings->items);
  settings->items[settings->count++] = (Setting){xstrdup(key), xstrdup(value), item, line_of(reader)};
  return OK;
}

static Status read_sequence(Reader *reader, const char *key) {
  Status status = OK;
  for (;;) {
    TRY(advance(reader));
    if (reader->event.type == YAML_SEQUENCE_END_EVENT) break;
    if (reader->event.type != YAML_SCALAR_EVENT)
      TRY(fail(ERR_USAGE, "%s:%d: %s: a list holds plain values only", reader->name, line_of(reader), key));
    TRY(add_scalar(reader, key, true));
  }
done:
  return status;
}

/* The current event opens a mapping whose keys get `prefix` ("" or "model."). */
static Status read_mapping(Reader *reader, const char *prefix, int depth) {
  Status status = OK;
  char *key = NULL;
  if (depth > DEPTH_MAX)
    TRY(fail(ERR_USAGE, "%s:%d: nested deeper than %d levels", reader->name, line_of(reader), DEPTH_MAX));
  for (;;) {
    TRY(advance(reader));
    if (reader->event.type == YAML_MAPPING_END_EVENT) break;
    if (reader->event.type != YAML_SCALAR_EVENT || reader->event.data.scalar.anchor ||
        reader->event.data.scalar.tag ||
        strlen((const char *)reader->event.data.scalar.value) != reader->event.data.scalar.length ||
        !reader->event.data.scalar.length)
      TRY(fail(ERR_USAGE, "%s:%d: a key must be a plain name", reader->name, line_of(reader)));
    free(key);
    key = xprintf("%s%s", prefix, (const char *)reader->event.data.scalar.value);
    if (known_key(reader->settings, key))
      TRY(fail(ERR_USAGE, "%s:%d: %s is given twice", reader->name, line_of(reader), key));
    TRY(advance(reader));
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
      TRY(add_scalar(reader, key, false));
      break;
    case YAML_SEQUENCE_START_EVENT:
      TRY(no_anchor(reader, key, reader->event.data.sequence_start.anchor,
                    reader->event.data.sequence_start.tag));
      TRY(read_sequence(reader, key));
      break;
    case YAML_MAPPING_START_EVENT: {
      TRY(no_anchor(reader, key, reader->event.data.mapping_start.anchor,
                    reader->event.data.mapping_start.tag));
      char *inner = xprintf("%s.", key);
      status = read_mapping(reader, inner, depth + 1);
      free(inner);
      TRY(status);
      break;
    }
    default:
      TRY(fail(ERR_USAGE, "%s:%d: %s: aliases are not accepted", reader->name, line_of(reader), key));
    }
  }
done:
  free(key);
  return status;
}

static Status read_stream(Reader *reader) {
  Status status = OK;
  TRY(advance(reader)); /* stream start */
  TRY(advance(reader)); /* document start, or the end of an empty file */
  if (reader->event.type == YAML_STREAM_END_EVENT) return OK;
  TRY(advance(reader));
  if (reader->event.type != YAML_MAPPING_START_EVENT)
    TRY(fail(ERR_USAGE, "%s:%d: settings are lines of the form `key: value`", reader->name, line_of(reader)));
  TRY(read_mapping(reader, "", 1));
  TRY(advance(reader)); /* document end */
  TRY(advance(reader));
  if (reader->event.type != YAML_STREAM_END_EVENT)
    TRY(fail(ERR_USAGE, "%s:%d: a second document; settings are one", reader->name, line_of(reader)));
done:
  return status;
}

Status settings_parse(Settings *settings, const char *name, const char *text, size_t size) {
  *settings = (Settings){0};
  if (size > BYTES_MAX)
    return fail(ERR_USAGE, "%s has %zu bytes; settings have at most %d", name, size, BYTES_MAX);
  Reader reader = {.name = name, .settings = settings};
  if (!yaml_parser_initialize(&reader.parser)) return fail(ERR_MEMORY, "out of memory reading %s", name);
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
  Status status = read_stream(&reader);
  yaml_event_delete(&reader.event);
  yaml_parser_delete(&reader.parser);
  if (status != OK) settings_free(settings);
  return status;
}

Status settings_read(Settings *settings, const char *path) {
  char *text = NULL;
  size_t size = 0;
  *settings = (Settings){0};
  Status status = file_read(path, BYTES_MAX, &text, &size);
  if (status == OK) status = settings_parse(settings, path, text, size);
  free(text);
  return status == ERR_DATA ? ERR_USAGE : status; /* no regular file, or too large */
}

void settings_free(Settings *settings) {
  for (int i = 0; i < settings->count; i++) free(settings->items[i].key), free(settings->items[i].value);
  free(settings->items);
  *settings = (Settings){0};
}

static char plain(char c) { return c == '-' ? '_' : c; }

bool setting_same_key(const char *a, const char *b) {
  while (*a && plain(*a) == plain(*b)) a++, b++;
  return plain(*a) == plain(*b);
}

/* Edit distance (Levenshtein 1966). */
static int distance(const char *a, const char *b) {
  int row[NAME_MAX_COMPARED + 1], n = (int)strlen(b);
  if (n > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED) return NAME_MAX_COMPARED;
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 1; a[i - 1]; i++) {
    int corner = row[0];
    row[0] = i;
    for (int j = 1; j <= n; j++) {
      int best = corner + (plain(a[i - 1]) != plain(b[j - 1]));
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      corner = row[j];
      row[j] = best;
    }
  }
  return row[n];
}

const char *setting_nearest(const char *key, const char *const *names, int count) {
  const char *nearest = NULL;
  int best = strlen(key) < 6 ? 2 : 3; /* the most edits that still count as a slip */
  for (int i = 0; i < count; i++) {
    int d = distance(key, names[i]);
    if (d <= best && d < (int)strlen(names[i])) best = d - 1, nearest = names[i];
  }
  return nearest;
}
