/* One shard of a packed corpus: an HDF5 file with the contiguous 1-D int16 dataset `samples`, whose unused places are
 * zero, and columns with a row for each utterance:
 *
 *   offset, length  int64   samples: where in `samples`, and how many
 *   hash            uint64  XXH3 of the samples' bytes
 *   text, metadata  bytes   strings ended by NUL; metadata is the manifest's line as JSON
 *
 * and `skipped`, a string for each utterance that was left out. Equal content gives equal bytes. Behind HDF5's end come
 * 32 bytes, the seal: "JARGONSH", where `samples` is, and XXH3 of all bytes around it.
 * Samples are written and read past HDF5, at the dataset's place in the file. HDF5 here is not thread-safe: only
 * shard_put() and shard_get() may be called from several threads. */
#ifndef JARGON_CORPUS_SHARD_H
#define JARGON_CORPUS_SHARD_H

#include <hdf5.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct ShardItem {
  int64_t offset, length; /* samples */
  uint64_t hash;
  const char *text, *metadata;
} ShardItem;

/* Being written, under the name `path`.tmp. */
typedef struct ShardWriter {
  char *path, *temp;
  hid_t file;
  int fd;
  int64_t at, samples; /* byte where `samples` begins; its size */
} ShardWriter;

Status shard_create(ShardWriter *writer, const char *path, int64_t samples);
Status shard_put(const ShardWriter *writer, int64_t offset, const int16_t *samples, int64_t count);

/* Writes the columns and makes the file appear as `path`, durably. */
Status shard_commit(ShardWriter *writer, const ShardItem *items, int count, const char *const *skipped,
                    int skipped_count);
void shard_abort(ShardWriter *writer); /* also after a commit, or on a zeroed struct */

/* Open for reading; everything but the samples is in memory and checked. */
typedef struct Shard {
  char *path;
  int fd;
  int64_t at, samples, bytes; /* as above; bytes of the file */
  uint64_t envelope;             /* XXH3 of the file's bytes before and behind `samples` */
  ShardItem *items;
  int count;
  const char **skipped;
  int skipped_count;
  char *texts, *metadatas, *skips; /* what the strings point into */
} Shard;

/* What the index of the corpus says of a shard; a file that differs is not given to HDF5, which damage can crash. Where
 * there is no index yet, the seal must be right. */
typedef struct ShardEnvelope {
  int64_t at, samples, bytes;
  uint64_t envelope;
} ShardEnvelope;

Status shard_open(Shard *shard, const char *path, const ShardEnvelope *expected); /* expected may be NULL */
Status shard_get(const Shard *shard, const ShardItem *item, int16_t *samples);  /* checks the hash */
void shard_close(Shard *shard);

#endif
