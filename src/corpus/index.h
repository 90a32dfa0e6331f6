/* `corpus.json`, the index of a packed corpus: its shards, what identifies its content, and how it was packed. */
#ifndef JARGON_CORPUS_INDEX_H
#define JARGON_CORPUS_INDEX_H

#include <jansson.h>
#include <stdint.h>

#include "src/base/status.h"
#include "src/corpus/shard.h"

/* The path of shard `number`, the caller's to free. */
char *index_shard_path(const char *folder, int number);

/* XXH3 of every utterance's length, hash, text and metadata, in order. */
uint64_t index_content(const Shard *shards, int count);

/* Writes it atomically; the keys of `settings` come last. */
Status index_write(const char *folder, const Shard *shards, int count, json_t *settings);

/* *envelopes (of `count` shards) is the caller's to free. */
Status index_read(const char *folder, ShardEnvelope **envelopes, int *count, uint64_t *content);

#endif
