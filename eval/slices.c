#include "eval/slices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_unknown(const char *value) {
  static const char *words[] = {"", "unknown", "unk", "n/a", "none", "null", "nan", "-", "?"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(value, words[i]) == 0) return true;
  return false;
}

char *metadata_text(const json_t *value) {
  char *text = NULL;
  if (!value || json_is_null(value)) return NULL;
  if (json_is_string(value))
    text = xstrdup(json_string_value(value));
  else
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
  if (text && !is_unknown(text)) return text;
  free(text);
  return NULL;
}

typedef struct Value {
  char *text;
  int item;
} Value;

static int by_text(const void *left, const void *right) {
  return strverscmp(((const Value *)left)->text, ((const Value *)right)->text); /* 9 before 10 */
}

void column_make(Column *column, const char *key, const Hypotheses *hypotheses) {
  int known = 0;
  Value *values = xcalloc((size_t)hypotheses->count, sizeof *values);
  *column = (Column){xstrdup(key), NULL, 0, xcalloc((size_t)hypotheses->count, sizeof(int))};
  for (int i = 0; i < hypotheses->count; i++) {
    values[known] = (Value){metadata_text(json_object_get(hypotheses->items[i].reference->fields, key)), i};
    if (values[known].text)
      known++;
    else
      column->ids[i] = -1;
  }
  qsort(values, (size_t)known, sizeof *values, by_text);
  column->values = xcalloc((size_t)known, sizeof(char *));
  for (int i = 0; i < known; i++) {
    if (column->count && strcmp(column->values[column->count - 1], values[i].text) == 0)
      free(values[i].text);
    else
      column->values[column->count++] = values[i].text;
    column->ids[values[i].item] = column->count - 1;
  }
  for (int i = 0; i < hypotheses->count; i++)
    if (column->ids[i] < 0) column->ids[i] = column->count;
  free(values);
}

void column_free(Column *column) {
  for (int i = 0; i < column->count; i++) free(column->values[i]);
  free(column->key), free(column->values), free(column->ids);
}

/* ERR_USAGE with the keys there are, when no line has `key`. */
static Status key_check(const Hypotheses *hypotheses, const char *key) {
  json_t *known = json_object();
  const char *name;
  json_t *value;
  for (int i = 0; i < hypotheses->count; i++) {
    if (json_object_get(hypotheses->items[i].reference->fields, key)) {
      json_decref(known);
      return OK;
    }
    json_object_update_missing(known, hypotheses->items[i].reference->fields);
  }
  char *list = xstrdup("");
  json_object_foreach(known, name, value) {
    if (strlen(list) > 500) break;
    char *longer = xprintf("%s%s%s", list, *list ? ", " : "", name);
    free(list), list = longer;
  }
  Status status = fail(ERR_USAGE, "no line has the metadata key \"%s\"; there are: %s", key, list);
  free(list);
  json_decref(known);
  return status;
}

int slices_speakers(const Slices *slices, const Hypotheses *hypotheses, const int *items, int count,
                    SpeakerSum **sums) {
  int *place = xcalloc((size_t)slices->speakers + 1, sizeof *place), found = 0; /* 1 + in *sums */
  *sums = xcalloc((size_t)(count < slices->speakers ? count : slices->speakers + 1), sizeof **sums);
  for (int i = 0; i < count; i++) {
    const Hypothesis *item = &hypotheses->items[items[i]];
    int speaker = slices->speaker[items[i]];
    if (!place[speaker]) {
      (*sums)[found].speaker = speaker;
      place[speaker] = ++found;
    }
    SpeakerSum *sum = &(*sums)[place[speaker] - 1];
    sum->words += align_reference(item->rates.words);
    sum->errors += align_errors(item->rates.words);
    sum->before_errors += align_errors(item->before_rates.words);
  }
  free(place);
  return found;
}

static void cell_count(Cell *cell, const Slices *slices, const Hypotheses *hypotheses) {
  SpeakerSum *sums;
  for (int i = 0; i < cell->utterances; i++) {
    const Hypothesis *item = &hypotheses->items[cell->items[i]];
    rates_add(&cell->rates, &item->rates);
    rates_add(&cell->before.rates, &item->before_rates);
    cell->unknown_speaker += slices->speaker[cell->items[i]] == slices->speakers;
    if (align_reference(item->rates.words) == 0) {
      cell->empty_references++;
      cell->empty_insertions += item->rates.words.ins;
    }
    if (item->reference->duration >= 0)
      cell->seconds += item->reference->duration;
    else
      cell->without_duration++;
  }
  cell->speakers =
      slices_speakers(slices, hypotheses, cell->items, cell->utterances, &sums) - (cell->unknown_speaker > 0);
  free(sums);
}

/* Compares utterances by their values in the columns, a NULL-ended list. */
static int by_columns(const void *left, const void *right, void *context) {
  int a = *(const int *)left, b = *(const int *)right;
  for (Column **column = context; *column; column++)
    if ((*column)->ids[a] != (*column)->ids[b]) return (*column)->ids[a] - (*column)->ids[b];
  return a - b;
}

static void slice_make(const Slices *slices, Slice *slice, Column **columns, int column_count,
                       const Hypotheses *hypotheses) {
  int count = hypotheses->count, *items = xcalloc((size_t)count, sizeof *items);
  *slice = (Slice){xcalloc((size_t)column_count, sizeof(char *)), column_count, NULL, 0, items};
  for (int k = 0; k < column_count; k++) slice->keys[k] = xstrdup(columns[k]->key);
  for (int i = 0; i < count; i++) items[i] = i;
  qsort_r(items, (size_t)count, sizeof *items, by_columns, columns);
  for (int start = 0, end, room = 0; start < count; start = end) {
    bool same = true;
    for (end = start + 1; end < count; end++) {
      for (int k = 0; k < column_count; k++)
        same &= columns[k]->ids[items[end]] == columns[k]->ids[items[start]];
      if (!same) break;
    }
    if (slice->count == room) slice->cells = xrealloc(slice->cells, room += room + 8, sizeof(Cell));
    Cell *cell = &slice->cells[slice->count++];
    *cell = (Cell){.values = xcalloc((size_t)column_count, sizeof(char *)),
                   .items = items + start,
                   .utterances = end - start};
    for (int k = 0; k < column_count; k++) {
      int id = columns[k]->ids[items[start]];
      if (id < columns[k]->count) cell->values[k] = xstrdup(columns[k]->values[id]);
    }
    cell_count(cell, slices, hypotheses);
  }
}

typedef struct Columns {
  Column *items;
  int count;
} Columns;

/* Appends the columns of the group "a*b" to found[*count ..]; those not asked for before are made. */
static Status columns_find(Columns *all, const Hypotheses *hypotheses, const char *group, Column **found,
                           int *count) {
  Status status = OK;
  char *copy = xstrdup(group), *rest = copy, *key;
  while ((key = strsep(&rest, "*"))) {
    int at = 0;
    if (!*key) TRY(fail(ERR_USAGE, "\"%s\" does not name metadata keys; write key or key*key", group));
    while (at < all->count && strcmp(all->items[at].key, key)) at++;
    if (at == all->count) {
      TRY(key_check(hypotheses, key));
      column_make(&all->items[all->count++], key, hypotheses);
    }
    for (int k = 0; k < *count; k++)
      if (found[k] == &all->items[at]) TRY(fail(ERR_USAGE, "\"%s\" names the key %s twice", group, key));
    found[(*count)++] = &all->items[at];
  }
done:
  free(copy);
  return status;
}

Status slices_make(Slices *slices, const Hypotheses *hypotheses, const char *const *groups, int group_count,
                   bool pairs, const char *speaker) {
  Status status = OK;
  size_t keys = 0; /* most columns there can be */
  for (int g = 0; g < group_count; g++) {
    keys++;
    for (const char *at = groups[g]; (at = strchr(at, '*')); at++) keys++;
  }
  Columns all = {xcalloc(keys, sizeof(Column)), 0};
  Column speakers, **columns = xcalloc(keys + 1, sizeof *columns);
  column_make(&speakers, speaker, hypotheses);
  size_t most = 1 + (size_t)group_count + (pairs ? (size_t)group_count * (size_t)group_count / 2 : 0);
  *slices = (Slices){xcalloc(most, sizeof(Slice)), 0, speakers.ids, speakers.count};
  speakers.ids = NULL;
  for (int g = -1; g < group_count; g++) {
    int count = 0;
    if (g >= 0) TRY(columns_find(&all, hypotheses, groups[g], columns, &count));
    columns[count] = NULL;
    slice_make(slices, &slices->items[slices->count++], columns, count, hypotheses);
  }
  for (int g = 0; pairs && g < group_count; g++)
    for (int other = g + 1; other < group_count; other++) {
      int count = 0;
      if (strchr(groups[g], '*') || strchr(groups[other], '*')) continue;
      TRY(columns_find(&all, hypotheses, groups[g], columns, &count));
      TRY(columns_find(&all, hypotheses, groups[other], columns, &count));
      columns[count] = NULL;
      slice_make(slices, &slices->items[slices->count++], columns, count, hypotheses);
    }
done:
  for (int i = 0; i < all.count; i++) column_free(&all.items[i]);
  column_free(&speakers);
  free(all.items), free(columns);
  return status;
}

bool cell_is_group(const Slice *slice, const Cell *cell) {
  for (int k = 0; k < slice->key_count; k++)
    if (!cell->values[k]) return false;
  return slice->key_count > 0;
}

void slices_free(Slices *slices) {
  for (int s = 0; s < slices->count; s++) {
    Slice *slice = &slices->items[s];
    for (int c = 0; c < slice->count; c++) {
      for (int k = 0; k < slice->key_count; k++) free(slice->cells[c].values[k]);
      free(slice->cells[c].values);
    }
    for (int k = 0; k < slice->key_count; k++) free(slice->keys[k]);
    free(slice->keys), free(slice->cells), free(slice->items);
  }
  free(slices->items), free(slices->speaker);
  *slices = (Slices){0};
}
