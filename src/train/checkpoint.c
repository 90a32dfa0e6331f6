#include "src/train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "src/base/file.h"

enum { CHUNK = 1 << 18 /* floats */, KEPT = 2, IDENTITY_MAX = 1 << 20, BLOCK = 1 << 20 };
static const char MAGIC[8] = {'J', 'A', 'R', 'G', 'O', 'N', 'C', 'K'};

/* The hash at the end */

/* Hashes the stream from its beginning, `size` bytes. */
static Status hash_stream(FILE *stream, long size, const char *path, uint64_t *hash) {
  Status status = OK;
  XXH3_state_t *state = XXH3_createState();
  char *block = xcalloc(BLOCK, 1);
  XXH3_64bits_reset(state);
  rewind(stream);
  while (size > 0) {
    size_t want = size < BLOCK ? (size_t)size : BLOCK;
    if (fread(block, 1, want, stream) != want) TRY(fail(ERR_IO, "cannot read %s: %s", path, strerror(errno)));
    XXH3_64bits_update(state, block, want);
    size -= (long)want;
  }
  *hash = XXH3_64bits_digest(state);
done:
  free(block);
  XXH3_freeState(state);
  return status;
}

static Status seal(const char *path) {
  Status status = OK;
  uint64_t hash = 0;
  FILE *stream = fopen(path, "r+be");
  if (!stream || fseek(stream, 0, SEEK_END) != 0)
    TRY(fail(ERR_IO, "cannot open %s: %s", path, strerror(errno)));
  TRY(hash_stream(stream, ftell(stream), path, &hash));
  fseek(stream, 0, SEEK_END);
  fwrite(MAGIC, 1, sizeof MAGIC, stream);
  for (int i = 0; i < 8; i++) fputc((int)(hash >> 8 * i & 255), stream);
  if (ferror(stream)) TRY(fail(ERR_IO, "cannot write %s: %s", path, strerror(errno)));
done:
  if (stream && fclose(stream) != 0 && status == OK)
    status = fail(ERR_IO, "cannot write %s: %s", path, strerror(errno));
  return status;
}

static Status check_seal(const char *path) {
  Status status = OK;
  uint64_t hash = 0, promised = 0;
  unsigned char seal_bytes[16];
  FILE *stream = fopen(path, "rbe");
  if (!stream || fseek(stream, 0, SEEK_END) != 0)
    TRY(fail(ERR_IO, "cannot open %s: %s", path, strerror(errno)));
  long size = ftell(stream);
  if (size < (long)sizeof seal_bytes || fseek(stream, -(long)sizeof seal_bytes, SEEK_END) != 0 ||
      fread(seal_bytes, 1, sizeof seal_bytes, stream) != sizeof seal_bytes ||
      memcmp(seal_bytes, MAGIC, sizeof MAGIC) != 0)
    TRY(fail(ERR_DATA, "%s is not a whole checkpoint", path));
  for (int i = 0; i < 8; i++) promised |= (uint64_t)seal_bytes[8 + i] << 8 * i;
  TRY(hash_stream(stream, size - (long)sizeof seal_bytes, path, &hash));
  if (hash != promised) TRY(fail(ERR_DATA, "%s is damaged: its hash does not agree", path));
done:
  if (stream) fclose(stream);
  return status;
}

/* Datasets and attributes. A negative HDF5 result becomes an error by the caller. */

static int put_array(hid_t file, const char *name, hid_t type, hid_t memory_type, const void *data,
                     size_t count) {
  hsize_t size = count, chunk = count < CHUNK ? (count ? count : 1) : CHUNK, most = H5S_UNLIMITED;
  hid_t space = H5Screate_simple(1, &size, &most), create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(create, 1, &chunk);
  H5Pset_fletcher32(create);
  hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  herr_t written = set < 0 ? -1 : count ? H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) : 0;
  if (set >= 0 && H5Dclose(set) < 0) written = -1;
  H5Pclose(create);
  H5Sclose(space);
  return written;
}

static int get_array(hid_t file, const char *name, hid_t memory_type, void *data, size_t count) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return -1;
  hid_t space = H5Dget_space(set);
  bool fits = H5Sget_simple_extent_ndims(space) == 1 && (size_t)H5Sget_simple_extent_npoints(space) == count;
  herr_t got = !fits ? -1 : count ? H5Dread(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) : 0;
  H5Sclose(space);
  H5Dclose(set);
  return got;
}

static int put_number(hid_t file, const char *name, hid_t type, hid_t memory_type, const void *value) {
  hid_t space = H5Screate(H5S_SCALAR),
        attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t written = attribute < 0 ? -1 : H5Awrite(attribute, memory_type, value);
  if (attribute >= 0 && H5Aclose(attribute) < 0) written = -1;
  H5Sclose(space);
  return written;
}

static int get_number(hid_t file, const char *name, hid_t memory_type, void *value) {
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  if (attribute < 0) return -1;
  hid_t space = H5Aget_space(attribute);
  herr_t got = H5Sget_simple_extent_npoints(space) == 1 ? H5Aread(attribute, memory_type, value) : -1;
  H5Sclose(space);
  H5Aclose(attribute);
  return got;
}

static int write_file(const char *path, const TrainState *state, const TrainArrays *arrays,
                      const char *identity) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) return -1;
  int bad = 0;
#define X(name) bad |= put_number(file, #name, H5T_STD_I64LE, H5T_NATIVE_INT64, &state->name);
  TRAIN_COUNTERS(X)
#undef X
#define X(name) bad |= put_number(file, #name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &state->name);
  TRAIN_MEASURES(X)
#undef X
  bad |= put_array(file, "weights", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, arrays->weights, arrays->weight_count);
  bad |= put_array(file, "moment1", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, arrays->moment1, arrays->weight_count);
  bad |= put_array(file, "moment2", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, arrays->moment2, arrays->weight_count);
  bad |= put_array(file, "buffers", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, arrays->buffers, arrays->buffer_count);
  bad |= put_array(file, "identity", H5T_STD_U8LE, H5T_NATIVE_UCHAR, identity, strlen(identity));
  if (H5Fclose(file) < 0) bad = -1;
  return bad;
}

static char *get_identity(hid_t file) {
  hid_t set = H5Dopen2(file, "identity", H5P_DEFAULT);
  if (set < 0) return NULL;
  hid_t space = H5Dget_space(set);
  hssize_t length = H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  H5Dclose(set);
  if (length < 0 || length > IDENTITY_MAX) return NULL;
  char *text = xcalloc((size_t)length + 1, 1);
  if (get_array(file, "identity", H5T_NATIVE_UCHAR, text, (size_t)length) >= 0) return text;
  free(text);
  return NULL;
}

static Status read_file(const char *path, TrainState *state, const TrainArrays *arrays, char **identity) {
  Status status = check_seal(path);
  if (status != OK) return status;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return fail(ERR_DATA, "%s is not HDF5", path);
  int bad = 0;
#define X(name) bad |= get_number(file, #name, H5T_NATIVE_INT64, &state->name);
  TRAIN_COUNTERS(X)
#undef X
#define X(name) bad |= get_number(file, #name, H5T_NATIVE_DOUBLE, &state->name);
  TRAIN_MEASURES(X)
#undef X
  bad |= get_array(file, "weights", H5T_NATIVE_FLOAT, arrays->weights, arrays->weight_count);
  bad |= get_array(file, "moment1", H5T_NATIVE_FLOAT, arrays->moment1, arrays->weight_count);
  bad |= get_array(file, "moment2", H5T_NATIVE_FLOAT, arrays->moment2, arrays->weight_count);
  bad |= get_array(file, "buffers", H5T_NATIVE_FLOAT, arrays->buffers, arrays->buffer_count);
  *identity = get_identity(file);
  H5Fclose(file);
  if (bad < 0 || !*identity) {
    free(*identity);
    *identity = NULL;
    return fail(ERR_DATA, "%s is the checkpoint of another model or of another version of jargon", path);
  }
  return OK;
}

/* The folder's checkpoints */

static int is_checkpoint(const struct dirent *entry) {
  int step = 0, length = 0;
  return sscanf(entry->d_name, "checkpoint-%d.h5%n", &step, &length) == 1 && length && !entry->d_name[length];
}

/* Steps have eight digits or more: longer names are later. */
static int latest_first(const struct dirent **a, const struct dirent **b) {
  size_t x = strlen((*a)->d_name), y = strlen((*b)->d_name);
  return x != y ? (x < y) - (x > y) : -strcmp((*a)->d_name, (*b)->d_name);
}

static Status list_checkpoints(const char *folder, struct dirent ***entries, int *count) {
  *count = scandir(folder, entries, is_checkpoint, latest_first);
  return *count >= 0 ? OK : fail(ERR_IO, "cannot list %s: %s", folder, strerror(errno));
}

static void free_list(struct dirent **entries, int count) {
  for (int i = 0; i < count; i++) free(entries[i]);
  if (count >= 0) free(entries);
}

static Status remove_old(const char *folder) {
  struct dirent **entries = NULL;
  int count;
  Status status = list_checkpoints(folder, &entries, &count);
  for (int i = KEPT; i < count; i++) {
    char *path = path_join(folder, entries[i]->d_name);
    if (unlink(path) != 0 && errno != ENOENT)
      status = fail(ERR_IO, "cannot remove %s: %s", path, strerror(errno));
    free(path);
  }
  free_list(entries, count);
  return status;
}

Status checkpoint_save(const char *folder, const TrainState *state, const TrainArrays *arrays,
                       const char *identity) {
  Status status = OK;
  char *temp = path_join(folder, "checkpoint.tmp"); /* one: the folder is locked */
  char *path = xprintf("%s/checkpoint-%08lld.h5", folder, (long long)state->step);
  if (write_file(temp, state, arrays, identity) < 0)
    TRY(fail(ERR_IO, "cannot write %s; is there room on the disk?", temp));
  TRY(seal(temp));
  TRY(file_publish(temp, path));
  TRY(remove_old(folder));
done:
  if (status != OK) unlink(temp);
  free(temp);
  free(path);
  return status;
}

Status checkpoint_load(const char *folder, bool *found, TrainState *state, const TrainArrays *arrays,
                       char **identity, char **notice) {
  struct dirent **entries = NULL;
  int count;
  *found = false;
  *identity = *notice = NULL;
  Status status = list_checkpoints(folder, &entries, &count);
  for (int i = 0; i < count && !*found; i++) {
    char *path = path_join(folder, entries[i]->d_name);
    status = read_file(path, state, arrays, identity);
    free(path);
    if (status == OK) {
      *found = true;
      continue;
    }
    char *more = *notice ? xprintf("%s; %s", *notice, fail_text()) : xstrdup(fail_text());
    free(*notice);
    *notice = more;
  }
  free_list(entries, count);
  if (status == OK) return OK;
  status = fail(status, "no checkpoint can be used: %s; remove them to begin anew",
                *notice ? *notice : fail_text());
  free(*notice);
  *notice = NULL;
  return status;
}

/* Whether one of the lines of `text` is the first line of `line`. */
static bool has_line(const char *text, const char *line) {
  size_t length = strcspn(line, "\n");
  for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
    if (strcspn(text, "\n") == length && memcmp(text, line, length) == 0) return true;
  return false;
}

char *identity_difference(const char *before, const char *now) {
  while (*before || *now) {
    size_t a = strcspn(before, "\n"), b = strcspn(now, "\n");
    if (a != b || memcmp(before, now, a) != 0) {
      if (a && has_line(now, before)) return xprintf("new is `%.*s`", (int)b, now);
      if (b && has_line(before, now)) return xprintf("`%.*s` is gone", (int)a, before);
      return xprintf("was `%.*s`, is now `%.*s`", (int)a, before, (int)b, now);
    }
    before += a + (before[a] == '\n');
    now += b + (now[b] == '\n');
  }
  return NULL;
}
