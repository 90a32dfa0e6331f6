#include "src/corpus/corpus.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "src/audio/audio.h"
#include "src/base/file.h"
#include "src/base/progress.h"
#include "src/corpus/index.h"
#include "src/corpus/manifest.h"
#include "src/corpus/shard.h"

static const int64_t SHARD_BYTES = (int64_t)2 << 30, SHARD_SPARE = 64 << 10; /* what HDF5 itself needs */
static const double LONGER = 0.2; /* seconds a file may exceed the duration of a line without an offset */

/* One line of a manifest. Its place in the shard follows from the manifest alone, so which shard holds what
 * is known before any audio is read, and files are decoded in any order. */
typedef struct Line {
  const Utterance *utterance; /* NULL: the manifest's reader refused it */
  const char *manifest;
  char *metadata;
  int64_t offset, planned; /* samples: place in the shard, room there */
  int64_t length;          /* samples found */
  uint64_t hash;
  char *reason; /* why it is skipped, or NULL */
} Line;

typedef struct Packer {
  const PackSettings *settings;
  int64_t shard_bytes;
  Manifest *manifests;
  Line *lines;
  int line_count;
  int *shards; /* shard s has lines shards[s] .. shards[s + 1] - 1 */
  int shard_count;
  int64_t planned; /* samples in all */
  Progress progress;
  int64_t done; /* samples packed, for the progress line */
} Packer;

/* A copy of the recorded failure that is good UTF-8: file names and cut texts may not be. */
static char *failure_text(void) {
  char *text = xstrdup(fail_text());
  utf8proc_int32_t code;
  for (utf8proc_uint8_t *at = (utf8proc_uint8_t *)text; *at;) {
    utf8proc_ssize_t step = utf8proc_iterate(at, -1, &code);
    if (step <= 0) *at = '?';
    at += step > 0 ? step : 1;
  }
  return text;
}

/* ---- the plan ---- */

static Status line_check(const Packer *packer, const Line *line) {
  const PackSettings *settings = packer->settings;
  double seconds = line->utterance->duration;
  if (seconds >= settings->min_seconds && seconds <= settings->max_seconds) return OK;
  return fail(ERR_DATA, "%s:%d: the utterance has %.2f s; accepted are %g to %g", line->manifest,
              line->utterance->line, seconds, settings->min_seconds, settings->max_seconds);
}

/* The line as JSON: numbers with 15 digits, or with all 17 where it would not read back as the same line. */
static char *metadata_of(const json_t *fields) {
  char *text = json_dumps(fields, JSON_COMPACT | JSON_REAL_PRECISION(15));
  json_t *back = json_loads(text, 0, NULL);
  if (!json_equal(back, fields)) {
    free(text);
    text = json_dumps(fields, JSON_COMPACT | JSON_REAL_PRECISION(17));
  }
  json_decref(back);
  return text;
}

static Status plan_lines(Packer *packer, const Manifest *manifest) {
  int count = packer->line_count + manifest->bad_count + manifest->count;
  packer->lines = xrealloc(packer->lines, (unsigned long)count, sizeof(Line));
  for (int i = 0; i < manifest->bad_count; i++) {
    fail(ERR_DATA, "%s", manifest->bad[i]);
    packer->lines[packer->line_count++] = (Line){.manifest = manifest->path, .reason = failure_text()};
  }
  for (const Utterance *u = manifest->items; u < manifest->items + manifest->count; u++) {
    Line *line = &packer->lines[packer->line_count++];
    *line = (Line){.utterance = u, .manifest = manifest->path};
    line->metadata = metadata_of(u->fields);
    if (line_check(packer, line) == OK) {
      line->planned = llround((u->offset + u->duration) * AUDIO_RATE) - llround(u->offset * AUDIO_RATE);
      packer->planned += line->planned;
    } else {
      if (!packer->settings->skip_bad) return ERR_DATA;
      line->reason = failure_text();
    }
  }
  return OK;
}

/* Bytes of a shard that a line takes at most; a reason for skipping is counted though most lines have none.
 */
static int64_t line_bytes(const Line *line) {
  size_t strings =
      line->utterance ? strlen(line->utterance->text) + strlen(line->metadata) : strlen(line->reason);
  return line->planned * (int64_t)sizeof(int16_t) + (int64_t)strings + 512;
}

/* Cuts the lines into shards. */
static void plan_shards(Packer *packer) {
  int64_t bytes = 0, offset = 0;
  packer->shards = xcalloc((unsigned long)packer->line_count + 1, sizeof(int));
  for (int i = 0; i < packer->line_count; i++) {
    Line *line = &packer->lines[i];
    if (i == 0 || bytes + line_bytes(line) > packer->shard_bytes) {
      packer->shards[packer->shard_count++] = i;
      bytes = SHARD_SPARE;
      offset = 0;
    }
    line->offset = offset;
    offset += line->planned;
    bytes += line_bytes(line);
  }
  packer->shards[packer->shard_count] = packer->line_count;
}

/* ---- what a folder is packed from ---- */

static json_t *settings_json(const Packer *packer) {
  const PackSettings *settings = packer->settings;
  json_t *manifests = json_array();
  for (int i = 0; i < settings->manifest_count; i++)
    json_array_append_new(manifests, json_sprintf("%016" PRIx64, packer->manifests[i].hash));
  return json_pack("{s:f, s:f, s:b, s:I, s:o}", "min_seconds", settings->min_seconds, "max_seconds",
                   settings->max_seconds, "skip_bad", settings->skip_bad, "shard_bytes",
                   (json_int_t)packer->shard_bytes, "manifests_xxh3", manifests);
}

/* Name, size and time of each audio file: changed audio must not be mixed with shards made before. */
static uint64_t audio_stamp(const Packer *packer) {
  XXH3_state_t *state = XXH3_createState();
  XXH3_64bits_reset(state);
  const char *known = "";
  for (const Line *line = packer->lines; line < packer->lines + packer->line_count; line++) {
    struct stat info;
    if (!line->utterance || strcmp(line->utterance->audio, known) == 0) continue;
    known = line->utterance->audio;
    char *path = realpath(known, NULL);
    if (path && stat(path, &info) == 0) {
      int64_t stamp[3] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
      XXH3_64bits_update(state, path, strlen(path));
      XXH3_64bits_update(state, stamp, sizeof stamp);
    }
    free(path);
  }
  uint64_t stamp = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return stamp;
}

/* The run that packs a folder's first shard has written down what it packs; later ones must want the same. */
static Status source_check(const Packer *packer) {
  Status status = OK;
  const char *out = packer->settings->out;
  char *path = path_join(out, "source.json"), *first = index_shard_path(out, 0),
       *index = path_join(out, "corpus.json");
  json_t *source = settings_json(packer);
  json_object_set_new(source, "audio_files", json_sprintf("%016" PRIx64, audio_stamp(packer)));
  char *now = json_dumps(source, JSON_INDENT(1) | JSON_REAL_PRECISION(15)), *before = NULL;
  if (access(path, F_OK) == 0) TRY(file_read(path, 1 << 20, &before, NULL));
  if (access(first, F_OK) != 0 && access(index, F_OK) != 0) {
    if (!before || strcmp(before, now) != 0) TRY(file_write(path, now, strlen(now)));
  } else if (!before || strcmp(before, now) != 0)
    TRY(fail(ERR_DATA,
             "%s holds a corpus packed from other manifests, settings or audio files than these; "
             "give another --out, or remove that folder first",
             out));
done:
  free(path);
  free(first);
  free(index);
  free(now);
  free(before);
  json_decref(source);
  return status;
}

/* ---- one shard ---- */

static void refuse(Line *line) {
  if (line->reason) return;
  fail_in(ERR_DATA, "%s:%d", line->manifest, line->utterance->line);
  line->reason = failure_text();
}

static Status line_pack(const ShardWriter *writer, AudioReader *reader, Line *line) {
  int16_t *samples = NULL;
  if (audio_next(reader, line->utterance->offset, line->utterance->duration, &samples, &line->length) != OK) {
    refuse(line);
    return OK;
  }
  line->hash = XXH3_64bits(samples, (size_t)line->length * sizeof *samples);
  Status status = shard_put(writer, line->offset, samples, line->length);
  free(samples);
  return status;
}

/* The lines of one audio file, in ascending order of offset. Bad audio ends up as the lines' `reason`. */
static Status file_pack(const ShardWriter *writer, Line *const *lines, int count) {
  Status status = OK;
  AudioReader *reader;
  double seconds = 0;
  bool good = audio_open(&reader, lines[0]->utterance->audio, 3600) == OK;
  for (int i = 0; good && i < count; i++) TRY(line_pack(writer, reader, lines[i]));
  good = good && audio_finish(reader, &seconds) == OK;
  char *text = good ? NULL : xstrdup(fail_text());
  for (int i = 0; i < count; i++) {
    const Utterance *u = lines[i]->utterance;
    if (!good)
      fail(ERR_DATA, "%s", text);
    else if (!json_object_get(u->fields, "offset") && seconds > u->duration + LONGER)
      fail(ERR_DATA,
           "%s has %.2f s but \"duration\" is %.2f; correct it, or give an \"offset\" if a part is meant",
           u->audio, seconds, u->duration);
    else
      continue;
    refuse(lines[i]);
  }
  free(text);
done:
  audio_close(reader);
  return status;
}

static int by_audio(const void *a, const void *b) {
  const Line *x = *(Line *const *)a, *y = *(Line *const *)b;
  int order = strcmp(x->utterance->audio, y->utterance->audio);
  if (order != 0) return order;
  if (x->utterance->offset != y->utterance->offset)
    return x->utterance->offset < y->utterance->offset ? -1 : 1;
  return x < y ? -1 : x > y;
}

/* Decodes the files of the lines on all cores. The error reported is that of the first file in order,
 * whatever the number of threads. */
static Status lines_pack(Packer *packer, const ShardWriter *writer, int first, int last) {
  Status status = OK;
  int count = 0, files = 0, failed = INT_MAX;
  char *text = NULL;
  Line **order = xcalloc((unsigned long)(last - first), sizeof *order);
  int *starts = xcalloc((unsigned long)(last - first) + 1, sizeof *starts);
  for (int i = first; i < last; i++)
    if (!packer->lines[i].reason) order[count++] = &packer->lines[i];
  qsort(order, (size_t)count, sizeof *order, by_audio);
  for (int i = 0; i < count; i++)
    if (i == 0 || strcmp(order[i]->utterance->audio, order[i - 1]->utterance->audio) != 0)
      starts[files++] = i;
  starts[files] = count;
#pragma omp parallel for schedule(dynamic, 1)
  for (int f = 0; f < files; f++) {
    int stop;
#pragma omp atomic read
    stop = failed;
    if (f > stop) continue;
    Status result = file_pack(writer, order + starts[f], starts[f + 1] - starts[f]);
    int64_t samples = 0;
    for (int i = starts[f]; i < starts[f + 1]; i++) {
      samples += order[i]->planned;
      if (result == OK && order[i]->reason && !packer->settings->skip_bad)
        result = fail(ERR_DATA, "%s", order[i]->reason);
    }
#pragma omp critical(pack)
    {
      if (result != OK && f < failed) {
        free(text);
        text = xstrdup(fail_text());
        status = result;
#pragma omp atomic write
        failed = f;
      }
      packer->done += samples;
      if (!packer->settings->quiet)
        progress_update(&packer->progress, (double)packer->done / AUDIO_RATE / 3600, NULL);
    }
  }
  if (status != OK) fail(status, "%s", text);
  free(text);
  free(order);
  free(starts);
  return status;
}

static Status shard_pack(Packer *packer, int number, const char *path) {
  Status status = OK;
  int first = packer->shards[number], last = packer->shards[number + 1], count = 0, skipped_count = 0;
  int64_t room = packer->lines[last - 1].offset + packer->lines[last - 1].planned;
  ShardWriter writer = {0};
  ShardItem *items = xcalloc((unsigned long)(last - first), sizeof *items);
  const char **skipped = xcalloc((unsigned long)(last - first), sizeof *skipped);
  TRY(shard_create(&writer, path, room > 0 ? room : 1));
  TRY(lines_pack(packer, &writer, first, last));
  for (const Line *line = packer->lines + first; line < packer->lines + last; line++) {
    if (line->reason)
      skipped[skipped_count++] = line->reason;
    else
      items[count++] =
          (ShardItem){line->offset, line->length, line->hash, line->utterance->text, line->metadata};
  }
  TRY(shard_commit(&writer, items, count, skipped, skipped_count));
done:
  shard_abort(&writer);
  free(items);
  free(skipped);
  return status;
}

/* ---- all ---- */

/* Packs the shards that are not there yet. */
static Status shards_pack(Packer *packer) {
  Status status = OK;
  char *path = NULL;
  progress_start(&packer->progress, "pack", "h", (double)packer->planned / AUDIO_RATE / 3600);
  for (int s = 0; s < packer->shard_count; s++) {
    free(path);
    path = index_shard_path(packer->settings->out, s);
    if (access(path, F_OK) != 0)
      TRY(shard_pack(packer, s, path));
    else
      for (int i = packer->shards[s]; i < packer->shards[s + 1]; i++)
        packer->done += packer->lines[i].planned;
  }
done:
  progress_end(&packer->progress);
  free(path);
  return status;
}

/* Reads the shards back, writes the index over them and counts. */
static Status finish(const Packer *packer, PackResult *result) {
  Status status = OK;
  int64_t samples = 0;
  Shard *shards = xcalloc((unsigned long)packer->shard_count, sizeof *shards);
  json_t *settings = json_pack("{s:o}", "settings", settings_json(packer));
  result->reasons = xcalloc((unsigned long)packer->line_count, sizeof *result->reasons);
  for (int s = 0; s < packer->shard_count; s++) {
    char *path = index_shard_path(packer->settings->out, s);
    status = shard_open(&shards[s], path, NULL);
    free(path);
    if (status != OK) goto done;
    for (int i = 0; i < shards[s].skipped_count && result->skipped < packer->line_count; i++)
      result->reasons[result->skipped++] = xstrdup(shards[s].skipped[i]);
    for (int i = 0; i < shards[s].count; i++) samples += shards[s].items[i].length;
    result->utterances += shards[s].count;
    result->shards++;
  }
  result->hours = (double)samples / AUDIO_RATE / 3600;
  if (result->utterances == 0)
    TRY(fail(ERR_DATA, "no utterance could be packed; the first: %s", result->reasons[0]));
  TRY(index_write(packer->settings->out, shards, packer->shard_count, settings));
done:
  for (int s = 0; s < packer->shard_count; s++) shard_close(&shards[s]);
  free(shards);
  json_decref(settings);
  return status;
}

Status corpus_pack(const PackSettings *settings, PackResult *result) {
  Status status = OK;
  int lock = -1;
  Packer packer = {.settings = settings,
                   .shard_bytes = settings->shard_bytes ? settings->shard_bytes : SHARD_BYTES};
  packer.manifests = xcalloc((unsigned long)settings->manifest_count, sizeof *packer.manifests);
  *result = (PackResult){0};
  for (int i = 0; i < settings->manifest_count; i++) {
    TRY(manifest_read(&packer.manifests[i], settings->manifests[i], MANIFEST_TRAIN, settings->skip_bad));
    TRY(plan_lines(&packer, &packer.manifests[i]));
  }
  plan_shards(&packer);
  TRY(folder_make(settings->out));
  TRY(folder_lock(settings->out, &lock));
  folder_sweep(settings->out, "shard-*.h5.tmp"); /* left by a run that was killed */
  folder_sweep(settings->out, "*.json.tmp-*");
  TRY(source_check(&packer));
  TRY(shards_pack(&packer));
  TRY(finish(&packer, result));
done:
  if (lock >= 0) folder_unlock(lock);
  for (int i = 0; i < packer.line_count; i++) {
    free(packer.lines[i].metadata);
    free(packer.lines[i].reason);
  }
  for (int i = 0; i < settings->manifest_count; i++) manifest_free(&packer.manifests[i]);
  free(packer.manifests);
  free(packer.lines);
  free(packer.shards);
  return status;
}

void pack_result_free(PackResult *result) {
  for (int i = 0; i < result->skipped; i++) free(result->reasons[i]);
  free(result->reasons);
  *result = (PackResult){0};
}
