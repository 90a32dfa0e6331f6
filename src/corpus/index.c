#include "src/corpus/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/audio/audio.h"
#include "src/base/file.h"

enum { VERSION = 1, MOST_SHARDS = 100000, LIMIT = 1 << 28 /* bytes of corpus.json */ };

char *index_shard_path(const char *folder, int number) {
  char name[32];
  snprintf(name, sizeof name, "shard-%05d.h5", number);
  return path_join(folder, name);
}

uint64_t index_content(const Shard *shards, int count) {
  XXH3_state_t *state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (int s = 0; s < count; s++) {
    for (const ShardItem *item = shards[s].items; item < shards[s].items + shards[s].count; item++) {
      XXH3_64bits_update(state, &item->length, sizeof item->length);
      XXH3_64bits_update(state, &item->hash, sizeof item->hash);
      XXH3_64bits_update(state, item->text, strlen(item->text) + 1);
      XXH3_64bits_update(state, item->metadata, strlen(item->metadata) + 1);
    }
  }
  uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

static json_t *hex(uint64_t value) {
  return json_sprintf("%016" PRIx64, value);
} /* JSON integers are signed */

Status index_write(const char *folder, const Shard *shards, int count, json_t *settings) {
  int64_t utterances = 0, samples = 0;
  json_t *list = json_array(), *skipped = json_array();
  for (const Shard *shard = shards; shard < shards + count; shard++) {
    const char *name = strrchr(shard->path, '/');
    json_array_append_new(list,
                          json_pack("{s:s, s:I, s:I, s:I, s:o}", "file", name ? name + 1 : shard->path,
                                    "bytes", (json_int_t)shard->bytes, "samples_at", (json_int_t)shard->at,
                                    "samples", (json_int_t)shard->samples, "envelope", hex(shard->envelope)));
    utterances += shard->count;
    for (int i = 0; i < shard->count; i++) samples += shard->items[i].length;
    for (int i = 0; i < shard->skipped_count; i++)
      json_array_append_new(skipped, json_string(shard->skipped[i]));
  }
  json_t *index =
      json_pack("{s:s, s:i, s:o, s:I, s:f, s:o, s:o}", "format", "jargon corpus", "version", VERSION,
                "content", hex(index_content(shards, count)), "utterances", (json_int_t)utterances, "hours",
                (double)samples / AUDIO_RATE / 3600, "shards", list, "skipped", skipped);
  json_object_update(index, settings);
  char *text = json_dumps(index, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
  char *path = path_join(folder, "corpus.json");
  Status status = file_write(path, text, strlen(text));
  free(path);
  free(text);
  json_decref(index);
  return status;
}

static Status number_read(const json_t *object, const char *key, int64_t *value) {
  const json_t *field = json_object_get(object, key);
  if (!json_is_integer(field) || json_integer_value(field) < 0)
    return fail(ERR_DATA, "\"%s\" must be a whole number of at least 0", key);
  *value = json_integer_value(field);
  return OK;
}

static Status hex_read(const json_t *object, const char *key, uint64_t *value) {
  const char *text = json_string_value(json_object_get(object, key));
  if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
    return fail(ERR_DATA, "\"%s\" must be 16 hexadecimal digits", key);
  *value = strtoull(text, NULL, 16);
  return OK;
}

static Status index_parse(const json_t *index, ShardEnvelope **envelopes, int *count, uint64_t *content) {
  Status status = OK;
  int64_t version = 0;
  const json_t *list = json_object_get(index, "shards");
  TRY(number_read(index, "version", &version));
  if (version != VERSION)
    TRY(fail(ERR_DATA, "the corpus has version %" PRId64 ", this program knows %d: pack it again", version,
             VERSION));
  TRY(hex_read(index, "content", content));
  if (!json_is_array(list) || json_array_size(list) > MOST_SHARDS)
    TRY(fail(ERR_DATA, "\"shards\" must be an array of at most %d", MOST_SHARDS));
  *count = (int)json_array_size(list);
  *envelopes = xcalloc((unsigned long)*count, sizeof **envelopes);
  for (int i = 0; i < *count; i++) {
    const json_t *entry = json_array_get(list, (size_t)i);
    TRY(number_read(entry, "bytes", &(*envelopes)[i].bytes));
    TRY(number_read(entry, "samples_at", &(*envelopes)[i].at));
    TRY(number_read(entry, "samples", &(*envelopes)[i].samples));
    TRY(hex_read(entry, "envelope", &(*envelopes)[i].envelope));
  }
done:
  return status;
}

Status index_read(const char *folder, ShardEnvelope **envelopes, int *count, uint64_t *content) {
  Status status = OK;
  char *path = path_join(folder, "corpus.json"), *data = NULL;
  size_t size;
  json_error_t error;
  json_t *index = NULL;
  *envelopes = NULL;
  *count = 0;
  if (file_read(path, LIMIT, &data, &size) != OK)
    TRY(fail_in(ERR_IO,
                "%s is not a packed corpus (`jargon pack` makes one and goes on where it was interrupted)",
                folder));
  index = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
  if (!index) TRY(fail(ERR_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text));
  status = index_parse(index, envelopes, count, content);
  if (status != OK) fail_in(status, "%s", path);
done:
  if (status != OK) {
    free(*envelopes);
    *envelopes = NULL;
  }
  free(path);
  free(data);
  json_decref(index);
  return status;
}
