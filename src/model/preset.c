#include "src/model/preset.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "src/base/file.h"

enum { YAML_LIMIT = 1 << 16, KEYS_MAX = 64 };

/* The next event, or an error with its line. The caller deletes the event. */
static Status next_event(yaml_parser_t *parser, yaml_event_t *event, const char *path) {
  if (yaml_parser_parse(parser, event)) return OK;
  return fail(ERR_DATA, "%s:%zu: %s", path, parser->problem_mark.line + 1,
              parser->problem ? parser->problem : "not valid YAML");
}

/* Takes the next event, which must be of that type. */
static Status expect_event(yaml_parser_t *parser, yaml_event_type_t type, const char *path) {
  yaml_event_t event;
  Status status = next_event(parser, &event, path);
  if (status != OK) return status;
  if (event.type != type)
    status =
        fail(ERR_DATA, "%s:%zu: expected one mapping of `key: value` lines", path, event.start_mark.line + 1);
  yaml_event_delete(&event);
  return status;
}

static Status pair_set(ModelConfig *config, char **seen, int *count, const yaml_event_t *key,
                       const yaml_event_t *value) {
  if (value->type != YAML_SCALAR_EVENT) return fail(ERR_DATA, "a value must be a number, true or false");
  const char *name = (const char *)key->data.scalar.value, *text = (const char *)value->data.scalar.value;
  for (int i = 0; i < *count; i++)
    if (strcmp(seen[i], name) == 0) return fail(ERR_DATA, "%s is given twice", name);
  if (*count == KEYS_MAX) return fail(ERR_DATA, "more than %d settings", KEYS_MAX);
  seen[(*count)++] = xstrdup(name);
  return model_config_set(config, name, text) == OK ? OK : ERR_DATA;
}

static Status mapping_read(yaml_parser_t *parser, ModelConfig *config, const char *path) {
  Status status = OK;
  char *seen[KEYS_MAX];
  int count = 0;
  for (bool more = true; more && status == OK;) {
    yaml_event_t key, value;
    status = next_event(parser, &key, path);
    if (status != OK) break;
    size_t line = key.start_mark.line + 1;
    if (key.type == YAML_SCALAR_EVENT) {
      status = next_event(parser, &value, path);
      if (status == OK) {
        status = pair_set(config, seen, &count, &key, &value);
        if (status != OK) fail_in(status, "%s:%zu", path, line);
        yaml_event_delete(&value);
      }
    } else if (key.type == YAML_MAPPING_END_EVENT) {
      more = false;
    } else {
      status = fail(ERR_DATA, "%s:%zu: expected `key: value`", path, line);
    }
    yaml_event_delete(&key);
  }
  while (count > 0) free(seen[--count]);
  return status;
}

Status preset_read(ModelConfig *config, const char *path) {
  Status status = OK;
  char *text = NULL;
  size_t size = 0;
  yaml_parser_t parser;
  ModelConfig read = model_config_default();
  if (!yaml_parser_initialize(&parser)) return fail(ERR_MEMORY, "out of memory");
  TRY(file_read(path, YAML_LIMIT, &text, &size));
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  TRY(expect_event(&parser, YAML_STREAM_START_EVENT, path));
  TRY(expect_event(&parser, YAML_DOCUMENT_START_EVENT, path));
  TRY(expect_event(&parser, YAML_MAPPING_START_EVENT, path));
  TRY(mapping_read(&parser, &read, path));
  TRY(expect_event(&parser, YAML_DOCUMENT_END_EVENT, path));
  TRY(expect_event(&parser, YAML_STREAM_END_EVENT, path));
  status = model_config_check(&read);
  if (status != OK) TRY(fail_in(status, "%s", path));
  *config = read;
done:
  yaml_parser_delete(&parser);
  free(text);
  return status;
}
