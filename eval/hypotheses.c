#include "eval/hypotheses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What identifies an utterance, and its place in the manifest. */
typedef struct Key {
  const char *audio;
  long long offset; /* in 0.1 ms */
  int item;
} Key;

static int key_compare(const Key *a, const Key *b) {
  int order = strcmp(a->audio, b->audio);
  return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static int by_key(const void *left, const void *right) {
  const Key *a = left, *b = right;
  int order = key_compare(a, b);
  return order ? order : a->item - b->item;
}

/* The keys of the lines that name an audio file, sorted; a repeated one is ERR_DATA. *keys is the caller's to
 * free. */
static Status keys_sorted(const Manifest *manifest, bool written, Key **keys, int *count) {
  *keys = xcalloc((size_t)manifest->count, sizeof **keys);
  *count = 0;
  for (int i = 0; i < manifest->count; i++) {
    const Utterance *item = &manifest->items[i];
    if (!item->audio) continue;
    const char *as_written = json_string_value(json_object_get(item->fields, "audio_filepath"));
    (*keys)[(*count)++] = (Key){written ? as_written : item->audio, llround(item->offset * 1e4), i};
  }
  qsort(*keys, (size_t)*count, sizeof **keys, by_key);
  for (int i = 1; i < *count; i++)
    if (key_compare(&(*keys)[i - 1], &(*keys)[i]) == 0)
      return fail(
          ERR_DATA, "%s:%d: the same audio_filepath and offset as line %d: each utterance must come once",
          manifest->path, manifest->items[(*keys)[i].item].line, manifest->items[(*keys)[i - 1].item].line);
  return OK;
}

/* partner[i] = the line of `other` that belongs to line i of `manifest`. */
static Status match_by(const Manifest *manifest, const Manifest *other, bool written, int *partner) {
  Status status = OK;
  Key *left = NULL, *right = NULL;
  int left_count, right_count, i = 0, j = 0;
  TRY(keys_sorted(manifest, written, &left, &left_count));
  TRY(keys_sorted(other, written, &right, &right_count));
  while (i < left_count || j < right_count) {
    int order = i == left_count ? 1 : j == right_count ? -1 : key_compare(&left[i], &right[j]);
    if (order) {
      const Manifest *with = order < 0 ? manifest : other, *without = order < 0 ? other : manifest;
      const Key *key = order < 0 ? &left[i] : &right[j];
      TRY(fail(ERR_DATA, "%s:%d: %s has no line for this utterance (audio_filepath %s, offset %g)",
               with->path, with->items[key->item].line, without->path, key->audio,
               (double)key->offset / 1e4));
    }
    partner[left[i++].item] = right[j++].item;
  }
done:
  free(left);
  free(right);
  return status;
}

static Status match(const Manifest *manifest, const Manifest *other, int *partner) {
  const Manifest *both[2] = {manifest, other};
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < both[k]->count; i++)
      if (!both[k]->items[i].audio)
        return fail(ERR_DATA, "%s:%d: no audio_filepath, which is what matches the lines of %s and %s",
                    both[k]->path, both[k]->items[i].line, manifest->path, other->path);
  if (match_by(manifest, other, false, partner) == OK) return OK;
  return match_by(manifest, other, true, partner);
}

static Status recognised_text(const Manifest *manifest, int item, const char **text) {
  const json_t *field = json_object_get(manifest->items[item].fields, "pred_text");
  *text = json_string_value(field);
  if (*text) return OK;
  return fail(ERR_DATA, "%s:%d: %s; `jargon transcribe` writes such a file", manifest->path,
              manifest->items[item].line,
              field ? "\"pred_text\" must be a string" : "the key \"pred_text\" is missing");
}

/* Sets each item's text (or, `before`, the other system's). */
static Status take_texts(Hypotheses *hypotheses, const Manifest *lines, const Manifest *from, bool before) {
  Status status = OK;
  int *partner = xcalloc((size_t)lines->count, sizeof *partner), count;
  Key *keys = NULL;
  if (from != lines) {
    TRY(match(lines, from, partner));
  } else {
    TRY(keys_sorted(lines, false, &keys, &count)); /* refuses an utterance that comes twice */
    for (int i = 0; i < lines->count; i++) partner[i] = i;
  }
  for (int i = 0; i < lines->count; i++) {
    Hypothesis *item = &hypotheses->items[i];
    TRY(recognised_text(from, partner[i], before ? &item->before : &item->text));
  }
done:
  free(keys);
  free(partner);
  return status;
}

Status hypotheses_read(Hypotheses *hypotheses, const char *hyp, const char *ref, const char *before) {
  Status status = OK;
  *hypotheses = (Hypotheses){0};
  Manifest *lines = ref ? &hypotheses->reference : &hypotheses->recognised;
  if (ref) TRY(manifest_read(&hypotheses->reference, ref, MANIFEST_TEXT, false));
  TRY(manifest_read(&hypotheses->recognised, hyp, ref ? MANIFEST_HYPOTHESES : MANIFEST_TEXT, false));
  if (before) TRY(manifest_read(&hypotheses->before, before, MANIFEST_HYPOTHESES, false));
  hypotheses->items = xcalloc((size_t)lines->count, sizeof(Hypothesis));
  hypotheses->count = lines->count;
  for (int i = 0; i < lines->count; i++) hypotheses->items[i].reference = &lines->items[i];
  TRY(take_texts(hypotheses, lines, &hypotheses->recognised, false));
  if (before) TRY(take_texts(hypotheses, lines, &hypotheses->before, true));
done:
  return status;
}

static Status item_score(Hypothesis *item, const Normalizer *normalizer, const AlignCosts *costs) {
  Status status = OK;
  char *ref = NULL, *text = NULL, *before = NULL;
  TRY(normalizer_apply(normalizer, item->reference->text, &ref));
  TRY(normalizer_apply(normalizer, item->text, &text));
  TRY(rates_score(costs, ref, text, &item->rates));
  if (item->before) {
    TRY(normalizer_apply(normalizer, item->before, &before));
    TRY(rates_score(costs, ref, before, &item->before_rates));
  }
done:
  free(ref), free(text), free(before);
  return status;
}

Status hypotheses_score(Hypotheses *hypotheses, const Normalizer *normalizer, const AlignCosts *costs) {
  Status status = OK;
  int first_bad = hypotheses->count;
  char *why = NULL; /* errors are recorded per thread: the first line's is carried over */
#pragma omp parallel for schedule(dynamic, 64)
  for (int i = 0; i < hypotheses->count; i++) {
    Status one = item_score(&hypotheses->items[i], normalizer, costs);
    if (one == OK) continue;
#pragma omp critical(hypotheses_score)
    if (i < first_bad) {
      free(why);
      first_bad = i, status = one, why = xstrdup(fail_text());
    }
  }
  if (status != OK) {
    const Manifest *lines = hypotheses->reference.count ? &hypotheses->reference : &hypotheses->recognised;
    fail(status, "%s:%d: %s", lines->path, hypotheses->items[first_bad].reference->line, why);
  }
  free(why);
  return status;
}

void hypotheses_free(Hypotheses *hypotheses) {
  free(hypotheses->items);
  manifest_free(&hypotheses->reference);
  manifest_free(&hypotheses->recognised);
  manifest_free(&hypotheses->before);
  *hypotheses = (Hypotheses){0};
}
