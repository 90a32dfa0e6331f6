#include "eval/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/status.h"

double field_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

long long field_count(const json_t *object, const char *key) {
  return json_integer_value(json_object_get(object, key));
}

const char *field_text(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

bool field_interval(const json_t *object, const char *key, Interval *interval) {
  const json_t *pair = json_object_get(object, key);
  if (json_array_size(pair) != 2) return false;
  *interval =
      (Interval){json_number_value(json_array_get(pair, 0)), json_number_value(json_array_get(pair, 1))};
  return true;
}

const json_t *document_all(const json_t *document) {
  const json_t *first = json_array_get(json_object_get(document, "slices"), 0);
  return json_array_get(json_object_get(first, "cells"), 0);
}

static char *joined(char *name, const char *text) {
  char *longer = name ? xprintf("%s / %s", name, text) : xstrdup(text);
  free(name);
  return longer;
}

char *group_name(const json_t *values) {
  const char *key;
  json_t *value;
  char *name = NULL;
  json_object_foreach((json_t *)values, key, value) {
    name = joined(name, json_is_string(value) ? json_string_value(value) : "unknown");
  }
  return name ? name : xstrdup("all");
}

char *keys_name(const json_t *keys) {
  char *name = NULL;
  for (size_t k = 0; k < json_array_size(keys); k++)
    name = joined(name, json_string_value(json_array_get(keys, k)));
  return name ? name : xstrdup("everything");
}

char *percent_text(double rate) { return isfinite(rate) ? xprintf("%.2f", 100 * rate) : xstrdup("-"); }

char *points_text(double difference) {
  return isfinite(difference) ? xprintf("%+.2f", 100 * difference) : xstrdup("-");
}

char *interval_text(const json_t *object, const char *key, bool difference) {
  Interval interval;
  if (!field_interval(object, key, &interval)) return NULL;
  return xprintf(difference ? "%+.2f to %+.2f" : "%.2f-%.2f", 100 * interval.low, 100 * interval.high);
}
