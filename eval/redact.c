#include "eval/redact.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/status.h"

/* Keys whose values say who or what an utterance is. */
static const char *const IDENTIFYING[] = {"speaker", "audio_filepath", "text",         "pred_text",
                                          "id",      "utt_id",         "utterance_id", "recording"};
enum { IDENTIFYING_COUNT = sizeof IDENTIFYING / sizeof *IDENTIFYING };

typedef struct Redaction {
  json_t *numbers; /* of each numbered key: value to number */
  const char *speaker_key;
} Redaction;

static bool is_identifying(const Redaction *redaction, const char *key) {
  if (redaction->speaker_key && strcmp(key, redaction->speaker_key) == 0) return true;
  for (int i = 0; i < IDENTIFYING_COUNT; i++)
    if (strcmp(key, IDENTIFYING[i]) == 0) return true;
  return json_object_get(redaction->numbers, key) != NULL;
}

/* Values with a slash are paths: their key is numbered. */
static void paths_find(Redaction *redaction, const json_t *values) {
  const char *key, *text;
  json_t *value;
  json_object_foreach((json_t *)values, key, value) {
    text = json_string_value(value);
    if (text && strchr(text, '/') && !json_object_get(redaction->numbers, key))
      json_object_set_new(redaction->numbers, key, json_object());
  }
}

/* The number that stands for the value of an identifying key; other values as they are. New reference. */
static json_t *value_redacted(Redaction *redaction, const char *key, json_t *value) {
  const char *text = json_string_value(value);
  if (!text || !is_identifying(redaction, key)) return json_incref(value);
  json_t *known = json_object_get(redaction->numbers, key);
  if (!known) json_object_set_new(redaction->numbers, key, known = json_object());
  json_t *number = json_object_get(known, text);
  if (!number) {
    char *name = xprintf("%zu", json_object_size(known) + 1);
    json_object_set_new(known, text, number = json_string(name));
    free(name);
  }
  return json_incref(number);
}

static void values_redact(Redaction *redaction, json_t *values) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(values, next, key, value) {
    json_object_set_new(values, key, value_redacted(redaction, key, value));
  }
}

static void to_null(json_t *object, const char *key) {
  if (json_object_get(object, key)) json_object_set_new(object, key, json_null());
}

static void groups_each(json_t *document, Redaction *redaction, void visit(Redaction *, json_t *)) {
  size_t i, k;
  json_t *slice, *cell, *gap, *item;
  json_array_foreach(json_object_get(document, "slices"), i, slice) {
    json_array_foreach(json_object_get(slice, "cells"), k, cell) {
      visit(redaction, json_object_get(cell, "values"));
    }
  }
  json_array_foreach(json_object_get(document, "gaps"), i, gap) {
    visit(redaction, json_object_get(gap, "a"));
    if (json_is_object(json_object_get(gap, "b"))) visit(redaction, json_object_get(gap, "b"));
  }
  json_array_foreach(json_object_get(document, "utterances"), i, item) {
    visit(redaction, json_object_get(item, "meta"));
  }
}

static void paths_visit(Redaction *redaction, json_t *values) { paths_find(redaction, values); }

static void models_redact(json_t *document, Redaction *redaction) {
  size_t i, k;
  json_t *model, *term;
  json_array_foreach(json_object_get(document, "models"), i, model) {
    json_array_foreach(json_object_get(model, "terms"), k, term) {
      const char *key = json_string_value(json_object_get(term, "key"));
      json_object_set_new(term, "value", value_redacted(redaction, key, json_object_get(term, "value")));
      json_object_set_new(term, "baseline",
                          value_redacted(redaction, key, json_object_get(term, "baseline")));
    }
  }
}

static void words_redact(json_t *document) {
  size_t i, k;
  json_t *jargon = json_object_get(document, "jargon"), *vocabulary = json_object_get(document, "vocabulary"),
         *item, *part;
  const char *source = json_string_value(json_object_get(jargon, "source"));
  if (source && strcmp(source, "mined") != 0) to_null(jargon, "source");
  json_array_foreach(json_object_get(jargon, "terms"), i, item) {
    to_null(item, "term");
    json_array_foreach(json_object_get(item, "confusions"), k, part) {
      const char *text = json_string_value(json_object_get(part, "text"));
      if (text && *text) to_null(part, "text"); /* "": nothing was written */
    }
  }
  to_null(vocabulary, "file");
  json_array_foreach(json_object_get(vocabulary, "domains"), i, item) {
    json_array_foreach(json_object_get(item, "examples"), k, part) { to_null(part, "word"); }
  }
}

/* The metadata keys that slices are made of, and the speaker's. */
static json_t *keys_kept(const json_t *document, const char *speaker_key) {
  size_t i, k;
  json_t *kept = json_object(), *slice, *key;
  if (speaker_key) json_object_set_new(kept, speaker_key, json_true());
  json_array_foreach(json_object_get(document, "slices"), i, slice) {
    json_array_foreach(json_object_get(slice, "keys"), k, key) {
      json_object_set_new(kept, json_string_value(key), json_true());
    }
  }
  return kept;
}

static void utterances_redact(json_t *document, const char *speaker_key) {
  json_t *kept = keys_kept(document, speaker_key), *item, *value;
  size_t i;
  void *next;
  const char *key;
  json_array_foreach(json_object_get(document, "utterances"), i, item) {
    json_t *meta = json_object_get(item, "meta");
    to_null(item, "id");
    json_object_del(item, "audio"), json_object_del(item, "offset");
    json_object_del(item, "ref"), json_object_del(item, "hyp");
    json_object_del(json_object_get(item, "before"), "hyp"),
        json_object_del(json_object_get(item, "before"), "ref");
    json_object_foreach_safe(meta, next, key, value) {
      if (!json_object_get(kept, key)) json_object_del(meta, key);
    }
  }
  json_decref(kept);
}

void document_redact(json_t *document) {
  json_t *files = json_object_get(document, "files"), *value;
  Redaction redaction = {json_object(), json_string_value(json_object_get(document, "speaker_key"))};
  const char *key;
  void *next;
  json_object_foreach_safe(files, next, key, value) { json_object_set_new(files, key, json_null()); }
  utterances_redact(document, redaction.speaker_key);
  groups_each(document, &redaction, paths_visit);
  groups_each(document, &redaction, values_redact);
  models_redact(document, &redaction);
  words_redact(document);
  json_object_set_new(document, "redacted", json_true());
  json_decref(redaction.numbers);
}
