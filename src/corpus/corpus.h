/* The packed corpus: a folder of HDF5 shards of at most 2 GiB, each with one contiguous 1-D int16 dataset of samples,
 * columns for offset, length and XXH3 of each utterance, its text and its metadata (the manifest line as JSON).
 * Samples are read with pread at the dataset's place in the file and checked against their hash. */
#ifndef JARGON_CORPUS_CORPUS_H
#define JARGON_CORPUS_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct PackSettings {
  const char *const *manifests;
  int manifest_count;
  const char *out;          /* folder */
  bool skip_bad;            /* list and leave out bad lines and audio instead of stopping */
  double max_seconds;       /* longer utterances are refused */
  double min_seconds;       /* shorter ones too */
  bool quiet;
} PackSettings;

typedef struct PackResult {
  int utterances, skipped;
  double hours;
  int shards;
} PackResult;

/* Packs manifests into settings->out. Interrupted at any instant and started again it goes on after the last whole
 * shard and ends with the same bytes; the folder counts as a corpus once `corpus.json` is there. */
Status corpus_pack(const PackSettings *settings, PackResult *result);

typedef struct Corpus Corpus;

Status corpus_open(Corpus **out, const char *path);
void corpus_close(Corpus *corpus);
int corpus_count(const Corpus *corpus);
int64_t corpus_samples(const Corpus *corpus, int utterance); /* length in samples */
const char *corpus_text(const Corpus *corpus, int utterance);
const char *corpus_metadata(const Corpus *corpus, int utterance); /* one JSON object */
uint64_t corpus_hash(const Corpus *corpus); /* of all hashes, texts and lengths: identifies the content */
const char *corpus_path(const Corpus *corpus);

/* Reads the samples (corpus_samples() of them) and checks their hash. Safe from several threads. */
Status corpus_read(const Corpus *corpus, int utterance, int16_t *samples);

#endif
