#include "src/corpus/shard.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "src/base/file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are stored as they are in memory");

static const int64_t BYTES_MAX = (int64_t)4 << 30; /* a hostile file must not fill the memory */

/* ---- writing ---- */

static Status hdf5_failed(const char *path) {
  return fail(ERR_IO, "cannot write %s (is the disk full?)", path);
}

/* A contiguous 1-D dataset without times, so that equal content gives equal bytes; < 0 when it fails. */
static hid_t dataset_create(hid_t file, const char *name, hid_t type, hsize_t count, bool early) {
  hid_t space = H5Screate_simple(1, &count, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(create, false);
  H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
  if (early) H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
  hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  H5Pclose(create);
  H5Sclose(space);
  return set;
}

Status shard_create(ShardWriter *writer, const char *path, int64_t samples) {
  Status status = OK;
  assert(samples > 0);
  *writer = (ShardWriter){
      .path = xstrdup(path), .temp = xprintf("%s.tmp", path), .file = -1, .fd = -1, .samples = samples};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_obj_track_times(create, false);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_file_locking(access, false, true);
  writer->file = H5Fcreate(writer->temp, H5F_ACC_TRUNC, create, access);
  H5Pclose(create);
  H5Pclose(access);
  if (writer->file < 0) TRY(fail(ERR_IO, "cannot write %s: %s", writer->temp, strerror(errno)));
  hid_t set = dataset_create(writer->file, "samples", H5T_STD_I16LE, (hsize_t)samples, true);
  haddr_t at = set < 0 ? HADDR_UNDEF : H5Dget_offset(set);
  if (at == HADDR_UNDEF || H5Dclose(set) < 0) TRY(hdf5_failed(writer->temp));
  writer->at = (int64_t)at;
  writer->fd = open(writer->temp, O_RDWR | O_CLOEXEC);
  if (writer->fd < 0) TRY(fail(ERR_IO, "cannot write %s: %s", writer->temp, strerror(errno)));
done:
  if (status != OK) shard_abort(writer);
  return status;
}

static Status bytes_write(const ShardWriter *writer, const void *bytes, size_t size, off_t at) {
  const char *from = bytes;
  while (size > 0) {
    ssize_t put = pwrite(writer->fd, from, size, at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(ERR_IO, "cannot write %s: %s", writer->temp, strerror(errno));
    from += put;
    at += put;
    size -= (size_t)put;
  }
  return OK;
}

Status shard_put(const ShardWriter *writer, int64_t offset, const int16_t *samples, int64_t count) {
  assert(offset >= 0 && count >= 0 && count <= writer->samples - offset);
  return bytes_write(writer, samples, (size_t)count * sizeof *samples,
                     (off_t)(writer->at + offset * (int64_t)sizeof *samples));
}

static Status column_write(const ShardWriter *writer, const char *name, hid_t stored, hid_t given,
                           const void *values, size_t count) {
  hid_t set = dataset_create(writer->file, name, stored, count, false);
  bool bad = set < 0 || (count && H5Dwrite(set, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0);
  if (set >= 0) bad |= H5Dclose(set) < 0;
  return bad ? hdf5_failed(writer->temp) : OK;
}

/* The strings found `stride` bytes apart, one behind the other. */
static Status strings_write(const ShardWriter *writer, const char *name, const char *const *first,
                            size_t stride, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++)
    size += strlen(*(const char *const *)((const char *)first + stride * (size_t)i)) + 1;
  char *bytes = xcalloc(size, 1), *to = bytes;
  for (int i = 0; i < count; i++)
    to = stpcpy(to, *(const char *const *)((const char *)first + stride * (size_t)i)) + 1;
  Status status = column_write(writer, name, H5T_STD_U8LE, H5T_NATIVE_UINT8, bytes, size);
  free(bytes);
  return status;
}

/* ---- the seal ---- */

/* The last bytes of the file, which HDF5 takes no notice of: what has to agree before HDF5 is given the file.
 */
typedef struct Seal {
  char magic[8];
  int64_t at, samples;
  uint64_t hash; /* XXH3 of the file's bytes before and behind `samples`, up to the seal */
} Seal;
_Static_assert(sizeof(Seal) == 32, "no padding");
static const char MAGIC[8] = {'J', 'A', 'R', 'G', 'O', 'N', 'S', 'H'};

static Status bytes_read(const Shard *shard, int64_t at, int64_t size, void *to) {
  for (int64_t have = 0; have < size;) {
    ssize_t got = pread(shard->fd, (char *)to + have, (size_t)(size - have), (off_t)(at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ERR_IO, "cannot read %s: %s", shard->path, strerror(errno));
    if (got == 0)
      return fail(ERR_DATA, "%s ends too early: it was cut off; remove it and pack again", shard->path);
    have += got;
  }
  return OK;
}

/* Everything around the samples; the caller's to free, also after an error. */
static Status envelope_read(const Shard *shard, int64_t at, int64_t samples, char **envelope, size_t *size) {
  Status status = OK;
  int64_t behind = at + samples * (int64_t)sizeof(int16_t);
  *size = (size_t)(at + shard->bytes - behind);
  *envelope = xcalloc(*size, 1);
  TRY(bytes_read(shard, 0, at, *envelope));
  TRY(bytes_read(shard, behind, shard->bytes - behind, *envelope + at));
done:
  return status;
}

static Status envelope_hash(const Shard *shard, int64_t at, int64_t samples, uint64_t *hash) {
  char *envelope;
  size_t size;
  Status status = envelope_read(shard, at, samples, &envelope, &size);
  if (status == OK) *hash = XXH3_64bits(envelope, size);
  free(envelope);
  return status;
}

static Status seal_write(const ShardWriter *writer) {
  Status status = OK;
  struct stat info;
  Shard shard = {.path = writer->temp, .fd = writer->fd};
  Seal seal = {.at = writer->at, .samples = writer->samples};
  memcpy(seal.magic, MAGIC, sizeof MAGIC);
  if (fstat(writer->fd, &info) != 0) TRY(fail(ERR_IO, "cannot read %s: %s", writer->temp, strerror(errno)));
  shard.bytes = info.st_size;
  TRY(envelope_hash(&shard, seal.at, seal.samples, &seal.hash));
  TRY(bytes_write(writer, &seal, sizeof seal, info.st_size));
done:
  return status;
}

Status shard_commit(ShardWriter *writer, const ShardItem *items, int count, const char *const *skipped,
                    int skipped_count) {
  Status status = OK;
  int64_t *numbers = xcalloc((unsigned long)count, sizeof *numbers);
  for (int i = 0; i < count; i++) numbers[i] = items[i].offset;
  TRY(column_write(writer, "offset", H5T_STD_I64LE, H5T_NATIVE_INT64, numbers, (size_t)count));
  for (int i = 0; i < count; i++) numbers[i] = items[i].length;
  TRY(column_write(writer, "length", H5T_STD_I64LE, H5T_NATIVE_INT64, numbers, (size_t)count));
  for (int i = 0; i < count; i++) numbers[i] = (int64_t)items[i].hash;
  TRY(column_write(writer, "hash", H5T_STD_U64LE, H5T_NATIVE_UINT64, numbers, (size_t)count));
  TRY(strings_write(writer, "text", count ? &items->text : NULL, sizeof *items, count));
  TRY(strings_write(writer, "metadata", count ? &items->metadata : NULL, sizeof *items, count));
  TRY(strings_write(writer, "skipped", skipped, sizeof *skipped, skipped_count));
  herr_t closed = H5Fclose(writer->file);
  writer->file = -1;
  if (closed < 0) TRY(hdf5_failed(writer->temp));
  TRY(seal_write(writer));
  TRY(file_publish(writer->temp, writer->path));
  free(writer->temp);
  writer->temp = NULL;
done:
  free(numbers);
  return status;
}

void shard_abort(ShardWriter *writer) {
  if (!writer->path) return;
  if (writer->file >= 0) H5Fclose(writer->file);
  if (writer->fd >= 0) close(writer->fd);
  if (writer->temp) unlink(writer->temp);
  free(writer->temp);
  free(writer->path);
  *writer = (ShardWriter){0};
}

/* ---- reading ---- */

static Status damaged(const Shard *shard, const char *what) {
  return fail(ERR_DATA, "%s is damaged (%s); remove it and pack again", shard->path, what);
}

/* Do `samples` values of two bytes at byte `at` lie in the file? */
static bool in_file(const Shard *shard, int64_t at, int64_t samples) {
  return at >= 0 && at <= shard->bytes && samples >= 0 &&
         samples <= (shard->bytes - at) / (int64_t)sizeof(int16_t);
}

/* Opens a dataset that is 1-D, of integers of `size` bytes, contiguous, and in this very file. */
static Status dataset_open(const Shard *shard, hid_t file, const char *name, size_t size, hid_t *out,
                           int64_t *count) {
  H5L_info_t link;
  hsize_t length = 0;
  hid_t set = -1, space = -1, type = -1, create = -1;
  bool good = H5Lget_info(file, name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD &&
              (set = H5Dopen2(file, name, H5P_DEFAULT)) >= 0 && (space = H5Dget_space(set)) >= 0 &&
              (type = H5Dget_type(set)) >= 0 && (create = H5Dget_create_plist(set)) >= 0 &&
              H5Sget_simple_extent_ndims(space) == 1 &&
              H5Sget_simple_extent_dims(space, &length, NULL) == 1 && H5Tget_class(type) == H5T_INTEGER &&
              H5Tget_size(type) == size && H5Tget_order(type) != H5T_ORDER_BE &&
              H5Pget_layout(create) == H5D_CONTIGUOUS && H5Pget_external_count(create) == 0 &&
              length <= (hsize_t)shard->bytes / size;
  if (create >= 0) H5Pclose(create);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (!good && set >= 0) H5Dclose(set);
  if (!good)
    return fail(ERR_DATA, "%s is not a shard of a corpus or is damaged (`%s`); remove it and pack again",
                shard->path, name);
  *out = set;
  *count = (int64_t)length;
  return OK;
}

/* A whole column and a zeroed element behind it; `expected` rows unless < 0. */
static Status column_read(const Shard *shard, hid_t file, const char *name, hid_t type, int64_t expected,
                          void *values, int64_t *count) {
  hid_t set = -1;
  size_t size = H5Tget_size(type);
  Status status = dataset_open(shard, file, name, size, &set, count);
  if (status != OK) return status;
  void *block = xcalloc((unsigned long)*count + 1, size);
  if (expected >= 0 && *count != expected)
    status = damaged(shard, "columns of different lengths");
  else if (*count && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0)
    status = damaged(shard, name);
  H5Dclose(set);
  if (status == OK)
    *(void **)values = block;
  else
    free(block);
  return status;
}

/* A column of `count` strings (any number of them when < 0; then *count becomes it), each good UTF-8. */
static Status strings_read(const Shard *shard, hid_t file, const char *name, int64_t *count, char **bytes) {
  int64_t size, strings = 0;
  utf8proc_int32_t code;
  Status status = column_read(shard, file, name, H5T_NATIVE_UINT8, -1, bytes, &size);
  if (status != OK) return status;
  for (int64_t at = 0, step; at < size; at += step) {
    step = utf8proc_iterate((const utf8proc_uint8_t *)*bytes + at, size - at, &code);
    if (step <= 0) return damaged(shard, "text that is not UTF-8");
    strings += code == 0;
  }
  if (size && (*bytes)[size - 1]) return damaged(shard, name);
  if (*count >= 0 && strings != *count) return damaged(shard, "columns of different lengths");
  *count = strings;
  return OK;
}

static Status items_read(Shard *shard, hid_t file) {
  Status status = OK;
  int64_t *offset = NULL, *length = NULL, count = 0, skipped = -1, same;
  uint64_t *hash = NULL;
  TRY(column_read(shard, file, "offset", H5T_NATIVE_INT64, -1, &offset, &count));
  TRY(column_read(shard, file, "length", H5T_NATIVE_INT64, count, &length, &same));
  TRY(column_read(shard, file, "hash", H5T_NATIVE_UINT64, count, &hash, &same));
  TRY(strings_read(shard, file, "text", &count, &shard->texts));
  TRY(strings_read(shard, file, "metadata", &count, &shard->metadatas));
  TRY(strings_read(shard, file, "skipped", &skipped, &shard->skips));
  if (count > INT32_MAX || skipped > INT32_MAX) TRY(damaged(shard, "too many utterances"));
  shard->items = xcalloc((unsigned long)count, sizeof *shard->items);
  shard->skipped = xcalloc((unsigned long)skipped, sizeof *shard->skipped);
  const char *text = shard->texts, *metadata = shard->metadatas, *skip = shard->skips;
  for (int64_t i = 0; i < count; i++) {
    if (offset[i] < 0 || length[i] <= 0 || offset[i] > shard->samples ||
        length[i] > shard->samples - offset[i])
      TRY(damaged(shard, "an utterance outside the samples"));
    shard->items[i] = (ShardItem){offset[i], length[i], hash[i], text, metadata};
    text += strlen(text) + 1;
    metadata += strlen(metadata) + 1;
  }
  for (int64_t i = 0; i < skipped; i++, skip += strlen(skip) + 1) shard->skipped[i] = skip;
  shard->count = (int)count;
  shard->skipped_count = (int)skipped;
done:
  free(offset);
  free(length);
  free(hash);
  return status;
}

/* Before HDF5 sees the file: is it as it was written? */
static Status seal_check(const Shard *shard, ShardEnvelope *sealed) {
  Status status = OK;
  Seal seal;
  Shard before = *shard; /* the file without its seal */
  char *envelope = NULL;
  size_t size;
  before.bytes -= (int64_t)sizeof seal;
  if (before.bytes < 0) TRY(damaged(shard, "it was cut off"));
  TRY(bytes_read(shard, before.bytes, sizeof seal, &seal));
  if (memcmp(seal.magic, MAGIC, sizeof MAGIC) != 0) TRY(damaged(shard, "it has no seal at its end"));
  if (!in_file(&before, seal.at, seal.samples)) TRY(damaged(shard, "samples beyond its end"));
  TRY(envelope_read(shard, seal.at, seal.samples, &envelope, &size));
  if (XXH3_64bits(envelope, size - sizeof seal) != seal.hash) TRY(damaged(shard, "its hash does not agree"));
  *sealed = (ShardEnvelope){seal.at, seal.samples, shard->bytes, XXH3_64bits(envelope, size)};
done:
  free(envelope);
  return status;
}

/* The same: is it the one that the index describes? */
static Status envelope_check(const Shard *shard, const ShardEnvelope *expected) {
  Status status = OK;
  uint64_t envelope;
  if (shard->bytes != expected->bytes) TRY(damaged(shard, "its size is not that in corpus.json"));
  if (!in_file(shard, expected->at, expected->samples))
    TRY(damaged(shard, "samples beyond its end in corpus.json"));
  TRY(envelope_hash(shard, expected->at, expected->samples, &envelope));
  if (envelope != expected->envelope) TRY(damaged(shard, "its hash is not that in corpus.json"));
done:
  return status;
}

Status shard_open(Shard *shard, const char *path, const ShardEnvelope *expected) {
  Status status = OK;
  struct stat info;
  ShardEnvelope sealed;
  hid_t file = -1, access = -1, set = -1;
  *shard = (Shard){.path = xstrdup(path), .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (shard->fd < 0 || fstat(shard->fd, &info) != 0)
    TRY(fail(ERR_IO, "cannot open %s: %s", path, strerror(errno)));
  if (!S_ISREG(info.st_mode)) TRY(fail(ERR_DATA, "%s is not a regular file", path));
  if (info.st_size > BYTES_MAX) TRY(fail(ERR_DATA, "%s is larger than a shard can be", path));
  shard->bytes = info.st_size;
  TRY(expected ? envelope_check(shard, expected) : seal_check(shard, &sealed));
  if (!expected) expected = &sealed;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true);
  file = H5Fopen(path, H5F_ACC_RDONLY, access);
  if (file < 0) TRY(damaged(shard, "not a good HDF5 file"));
  TRY(dataset_open(shard, file, "samples", sizeof(int16_t), &set, &shard->samples));
  haddr_t at = H5Dget_offset(set);
  H5Dclose(set);
  shard->at = at == HADDR_UNDEF ? -1 : (int64_t)at;
  if (!in_file(shard, shard->at, shard->samples)) TRY(damaged(shard, "samples beyond its end"));
  if (expected->at != shard->at || expected->samples != shard->samples)
    TRY(damaged(shard, "its samples are not where corpus.json or its seal says"));
  shard->envelope = expected->envelope;
  TRY(items_read(shard, file));
done:
  if (file >= 0) H5Fclose(file);
  if (access >= 0) H5Pclose(access);
  if (status != OK) shard_close(shard);
  return status;
}

Status shard_get(const Shard *shard, const ShardItem *item, int16_t *samples) {
  int64_t size = item->length * (int64_t)sizeof *samples;
  Status status = bytes_read(shard, shard->at + item->offset * (int64_t)sizeof *samples, size, samples);
  if (status == OK && XXH3_64bits(samples, (size_t)size) != item->hash)
    status = damaged(shard, "samples that do not match their hash");
  return status;
}

void shard_close(Shard *shard) {
  if (!shard->path) return;
  if (shard->fd >= 0) close(shard->fd);
  free(shard->path);
  free(shard->items);
  free(shard->skipped);
  free(shard->texts);
  free(shard->metadatas);
  free(shard->skips);
  *shard = (Shard){0};
}
