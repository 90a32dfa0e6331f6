#include "src/corpus/corpus.h"

#include <assert.h>
#include <stdlib.h>

#include "src/corpus/index.h"
#include "src/corpus/shard.h"

typedef struct Entry {
  const Shard *shard;
  const ShardItem *item;
} Entry;

struct Corpus {
  char *path;
  Shard *shards;
  int shard_count;
  Entry *entries;
  int count;
  uint64_t hash;
};

Status corpus_open(Corpus **out, const char *path) {
  Status status = OK;
  ShardEnvelope *envelopes = NULL;
  int shard_count;
  int64_t total = 0;
  uint64_t content;
  Corpus *corpus = xcalloc(1, sizeof *corpus);
  corpus->path = xstrdup(path);
  *out = NULL;
  TRY(index_read(path, &envelopes, &shard_count, &content));
  corpus->shards = xcalloc((unsigned long)shard_count, sizeof *corpus->shards);
  for (int s = 0; s < shard_count; s++) {
    char *name = index_shard_path(path, s);
    status = shard_open(&corpus->shards[s], name, &envelopes[s]);
    free(name);
    if (status != OK) goto done;
    corpus->shard_count++;
    total += corpus->shards[s].count;
  }
  corpus->hash = index_content(corpus->shards, shard_count);
  if (corpus->hash != content)
    TRY(fail(ERR_DATA, "%s: the shards are not those that corpus.json was written for; pack again", path));
  if (total > INT32_MAX) TRY(fail(ERR_DATA, "%s has more utterances than this program can number", path));
  corpus->entries = xcalloc((unsigned long)total, sizeof *corpus->entries);
  for (const Shard *shard = corpus->shards; shard < corpus->shards + shard_count; shard++)
    for (int i = 0; i < shard->count; i++)
      corpus->entries[corpus->count++] = (Entry){shard, &shard->items[i]};
done:
  free(envelopes);
  if (status == OK)
    *out = corpus;
  else
    corpus_close(corpus);
  return status;
}

void corpus_close(Corpus *corpus) {
  if (!corpus) return;
  for (int s = 0; s < corpus->shard_count; s++) shard_close(&corpus->shards[s]);
  free(corpus->shards);
  free(corpus->entries);
  free(corpus->path);
  free(corpus);
}

static const Entry *entry(const Corpus *corpus, int utterance) {
  assert(utterance >= 0 && utterance < corpus->count);
  return &corpus->entries[utterance];
}

int corpus_count(const Corpus *corpus) { return corpus->count; }
int64_t corpus_samples(const Corpus *corpus, int utterance) { return entry(corpus, utterance)->item->length; }
const char *corpus_text(const Corpus *corpus, int utterance) { return entry(corpus, utterance)->item->text; }
const char *corpus_metadata(const Corpus *corpus, int utterance) {
  return entry(corpus, utterance)->item->metadata;
}
uint64_t corpus_hash(const Corpus *corpus) { return corpus->hash; }
const char *corpus_path(const Corpus *corpus) { return corpus->path; }

Status corpus_read(const Corpus *corpus, int utterance, int16_t *samples) {
  const Entry *e = entry(corpus, utterance);
  return shard_get(e->shard, e->item, samples);
}
