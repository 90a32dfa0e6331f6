/* The packed corpus: a folder of HDF5 shards of at most 2 GiB (src/corpus/shard.h), each with one contiguous 1-D int16
 * dataset of samples and columns for offset, length and XXH3 of each utterance, its text and its metadata (the manifest
 * line as JSON); `corpus.json`, the index, written last; and `source.json`, what the folder is being packed from.
 * Samples are read with pread at the dataset's place in the file and checked against their hash. */
#ifndef JARGON_CORPUS_CORPUS_H
#define JARGON_CORPUS_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct PackSettings {
  const char *const *manifests;
  int manifest_count;
  const char *out;     /* folder */
  bool skip_bad;       /* list and leave out bad lines and audio instead of stopping */
  double max_seconds;  /* longer utterances are refused */
  double min_seconds;  /* shorter ones too */
  int64_t shard_bytes; /* most bytes of a shard; 0: 2 GiB */
  bool quiet;
} PackSettings;

typedef struct PackResult {
  int utterances, skipped;
  char **reasons; /* one for each utterance skipped: "file:line: reason" */
  double hours;
  int shards;
} PackResult;

/* Packs manifests into settings->out. Interrupted at any instant and started again it goes on after the last whole
 * shard and ends with the same bytes; the folder counts as a corpus once `corpus.json` is there. A folder packed from
 * other manifests, settings or audio is refused (ERR_DATA), and so is one in use (ERR_LOCKED). The caller frees the
 * result with pack_result_free(), after an error too. */
Status corpus_pack(const PackSettings *settings, PackResult *result);
void pack_result_free(PackResult *result);

typedef struct Corpus Corpus;

/* One thread at a time opens corpora; everything but the samples is read and checked here. */
Status corpus_open(Corpus **out, const char *path);
void corpus_close(Corpus *corpus);
int corpus_count(const Corpus *corpus);
int64_t corpus_samples(const Corpus *corpus, int utterance); /* length in samples */
const char *corpus_text(const Corpus *corpus, int utterance);
const char *corpus_metadata(const Corpus *corpus, int utterance); /* one JSON object */
uint64_t corpus_hash(const Corpus *corpus); /* of all lengths, hashes, texts and metadata: identifies the content */
const char *corpus_path(const Corpus *corpus);

/* Reads the samples (corpus_samples() of them) and checks their hash. Safe from several threads. */
Status corpus_read(const Corpus *corpus, int utterance, int16_t *samples);

#endif
