/* A YAML file read as settings: one mapping, flattened to `key: value` lines in the file's order.
 *
 *   model: {hidden_size: 144}    model.hidden_size = 144
 *   corpus: [a, b]               corpus = a, corpus = b, both marked as items of a sequence
 *
 * The file is hostile: at most 64 KiB (deep nesting is quadratic in libyaml), 8 levels, no anchors, no tags,
 * one document, no key twice. Every error is ERR_USAGE with file and line. */
#ifndef JARGON_BASE_SETTINGS_H
#define JARGON_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/status.h"

typedef struct Setting {
  char *key, *value;
  bool item; /* of a sequence */
  int line;  /* from 1 */
} Setting;

typedef struct Settings {
  Setting *items;
  int count;
} Settings;

Status settings_read(Settings *settings, const char *path);

/* The same from memory; `name` stands in the errors. */
Status settings_parse(Settings *settings, const char *name, const char *text, size_t size);

void settings_free(Settings *settings);

/* Keys are the same when they differ in '-' and '_' alone. */
bool setting_same_key(const char *a, const char *b);

/* Of `names` the one nearest to a mistyped `key`; NULL when none is near. */
const char *setting_nearest(const char *key, const char *const *names, int count);

#endif
