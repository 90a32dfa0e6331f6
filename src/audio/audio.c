#include "src/audio/audio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sndfile.h>
#include <soxr.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
  BLOCK = 8192,
  TOLERANCE = AUDIO_RATE / 50,
  MOST_CHANNELS = 64,
  LOWEST_RATE = 2000,
  HIGHEST_RATE = 768000
};
static const double UNKNOWN = -1;

struct AudioReader {
  char *path;
  double limit; /* seconds of one part */

  /* the source: libsndfile, or ffmpeg writing 16 kHz mono float to a pipe */
  int fd;
  SNDFILE *file;
  SF_INFO info;
  pid_t ffmpeg;
  bool exact;      /* uncompressed at 16 kHz: seeking is allowed */
  double promised; /* seconds by the header, or UNKNOWN */
  soxr_t resampler;
  float *frames, *resampled; /* one block before and after resampling */
  int64_t resampled_room;
  const char *damage; /* why decoding stopped early, or NULL */
  bool ended;

  /* 16 kHz samples start .. start + count - 1 of the file; those before `keep` are not kept */
  int16_t *window;
  int64_t start, count, room, keep;
};

/* Seconds of audio that the header promises, where libsndfile corrects `frames` to what is there and only
 * logs it: as "mark: SAID (should be HELD)", in bytes. Programs that write to a pipe leave a number near 2^31
 * or 2^32, or 0. */
static double log_promise(const AudioReader *reader, const char *mark, long long unknown) {
  char log[8192] = "";
  long long said, held;
  sf_command(reader->file, SFC_GET_LOG_INFO, log, sizeof log);
  const char *line = strstr(log, mark);
  double seconds = (double)reader->info.frames / reader->info.samplerate;
  if (!line || sscanf(line + strlen(mark), "%lld (should be %lld)", &said, &held) != 2) return seconds;
  return held > 0 && said > held && said < unknown ? seconds * (double)said / (double)held : seconds;
}

/* libsndfile does not look at the number of samples in SPHERE's header, which is text. */
static double sphere_promise(const AudioReader *reader) {
  char header[1025] = "";
  long long samples;
  const char *count =
      pread(reader->fd, header, sizeof header - 1, 0) > 0 ? strstr(header, "sample_count -i ") : NULL;
  if (!count || sscanf(count, "sample_count -i %lld", &samples) != 1) return UNKNOWN;
  return (double)samples / reader->info.samplerate;
}

static double header_promise(const AudioReader *reader) {
  const long long bits32 = 0x7f000000, bits64 = 1LL << 50;
  int container = reader->info.format & SF_FORMAT_TYPEMASK;
  switch (container) {
  case SF_FORMAT_WAV:
  case SF_FORMAT_WAVEX:
    return log_promise(reader, "\ndata : ", bits32);
  case SF_FORMAT_AIFF:
    return log_promise(reader, "\nFORM : ", bits32);
  case SF_FORMAT_AU:
    return log_promise(reader, "Data Size   : ", bits32);
  case SF_FORMAT_RF64:
    return log_promise(reader, "Riff size : ", bits64);
  case SF_FORMAT_W64:
    return log_promise(reader, "\nriff : ", bits64);
  case SF_FORMAT_NIST:
    return sphere_promise(reader);
  }
  if (reader->info.frames < SF_COUNT_MAX) return (double)reader->info.frames / reader->info.samplerate;
  return container == SF_FORMAT_OGG ? INFINITY : UNKNOWN; /* Ogg without its last page; FLAC from a pipe */
}

static bool seeks_exactly(const SF_INFO *info) {
  int container = info->format & SF_FORMAT_TYPEMASK, coding = info->format & SF_FORMAT_SUBMASK;
  return info->samplerate == AUDIO_RATE && info->seekable && container != SF_FORMAT_FLAC &&
         ((coding >= SF_FORMAT_PCM_S8 && coding <= SF_FORMAT_DOUBLE) || coding == SF_FORMAT_ULAW ||
          coding == SF_FORMAT_ALAW);
}

static Status ffmpeg_open(AudioReader *reader, const char *reason) {
  Status status = OK;
  int ends[2] = {-1, -1};
  posix_spawn_file_actions_t actions;
  char *input = xprintf("file:%s", reader->path); /* never taken for an option or another protocol */
  char *argv[] = {"ffmpeg",    "-nostdin", "-v",  "quiet", "-protocol_whitelist",
                  "file,pipe", "-i",       input, "-map",  "a:0",
                  "-ac",       "1",        "-ar", "16000", "-f",
                  "f32le",     "pipe:1",   NULL};
  posix_spawn_file_actions_init(&actions);
  if (pipe2(ends, O_CLOEXEC) != 0) TRY(fail(ERR_IO, "cannot make a pipe: %s", strerror(errno)));
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  int wrong = posix_spawnp(&reader->ffmpeg, "ffmpeg", &actions, NULL, argv, environ);
  if (wrong) {
    reader->ffmpeg = 0;
    if (wrong == ENOENT)
      TRY(fail(ERR_DATA, "%s is not audio that libsndfile knows; install ffmpeg if it is video or m4a",
               reader->path));
    TRY(fail(ERR_IO, "cannot read %s: %s (ffmpeg, which may know it, cannot be run: %s)", reader->path,
             reason, strerror(wrong)));
  }
  reader->fd = ends[0];
  ends[0] = -1;
  reader->promised = UNKNOWN;
done:
  posix_spawn_file_actions_destroy(&actions);
  if (ends[0] >= 0) close(ends[0]);
  if (ends[1] >= 0) close(ends[1]);
  free(input);
  return status;
}

static Status sndfile_check(AudioReader *reader) {
  const SF_INFO *info = &reader->info;
  if (info->samplerate < LOWEST_RATE || info->samplerate > HIGHEST_RATE)
    return fail(ERR_DATA, "%s has a sampling rate of %d Hz; accepted are %d to %d", reader->path,
                info->samplerate, LOWEST_RATE, HIGHEST_RATE);
  if (info->channels < 1 || info->channels > MOST_CHANNELS)
    return fail(ERR_DATA, "%s has %d channels; accepted are 1 to %d", reader->path, info->channels,
                MOST_CHANNELS);
  reader->exact = seeks_exactly(info);
  reader->promised = header_promise(reader);
  reader->frames = xcalloc((unsigned long)BLOCK * (unsigned long)info->channels, sizeof(float));
  if (info->samplerate == AUDIO_RATE) return OK;
  soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  soxr_error_t error = NULL;
  reader->resampler = soxr_create(info->samplerate, AUDIO_RATE, 1, &error, NULL, &quality, NULL);
  if (error) return fail(ERR_MEMORY, "cannot resample %s: %s", reader->path, error);
  reader->resampled_room = (int64_t)BLOCK * AUDIO_RATE / info->samplerate + BLOCK;
  reader->resampled = xcalloc((unsigned long)reader->resampled_room, sizeof(float));
  return OK;
}

static void source_close(AudioReader *reader) {
  if (reader->file) sf_close(reader->file);
  if (reader->ffmpeg) {
    kill(reader->ffmpeg, SIGKILL);
    waitpid(reader->ffmpeg, NULL, 0);
  }
  if (reader->fd >= 0) close(reader->fd);
  if (reader->resampler) soxr_delete(reader->resampler);
  free(reader->frames);
  free(reader->resampled);
  *reader = (AudioReader){
      .path = reader->path, .limit = reader->limit, .fd = -1, .window = reader->window, .room = reader->room};
}

/* Opens the file at its beginning. */
static Status source_open(AudioReader *reader) {
  struct stat info;
  int error;
  source_close(reader);
  reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang */
  if (reader->fd < 0) return fail(ERR_IO, "cannot open %s: %s", reader->path, strerror(errno));
  if (fstat(reader->fd, &info) != 0 || !S_ISREG(info.st_mode))
    return fail(ERR_DATA, "%s is not a regular file", reader->path);
  if (info.st_size == 0) return fail(ERR_DATA, "%s is empty", reader->path);
#pragma omp critical(                                                                                        \
    sndfile_open) /* libsndfile keeps the error of a failed open in one place for all threads */
  {
    reader->file = sf_open_fd(reader->fd, SFM_READ, &reader->info, false);
    error = reader->file ? 0 : sf_error(NULL);
  }
  if (reader->file) return sndfile_check(reader);
  close(reader->fd);
  reader->fd = -1;
  if (error == SF_ERR_UNRECOGNISED_FORMAT) return ffmpeg_open(reader, sf_error_number(error));
  return fail(ERR_DATA, "cannot read %s: %s", reader->path, sf_error_number(error));
}

Status audio_open(AudioReader **out, const char *path, double limit_seconds) {
  AudioReader *reader = xcalloc(1, sizeof *reader);
  *reader = (AudioReader){.path = xstrdup(path), .limit = limit_seconds, .fd = -1};
  Status status = source_open(reader);
  if (status != OK) {
    audio_close(reader);
    reader = NULL;
  }
  *out = reader;
  return status;
}

void audio_close(AudioReader *reader) {
  if (!reader) return;
  source_close(reader);
  free(reader->window);
  free(reader->path);
  free(reader);
}

static void append(AudioReader *reader, const float *x, int64_t n) {
  if (reader->count == 0 && reader->start < reader->keep) {
    int64_t skip = reader->keep - reader->start < n ? reader->keep - reader->start : n;
    reader->start += skip;
    x += skip;
    n -= skip;
  }
  if (reader->count + n > reader->room)
    reader->window =
        xrealloc(reader->window, (unsigned long)(reader->room = 2 * (reader->count + n)), sizeof(int16_t));
  int16_t *to = reader->window + reader->count;
  for (int64_t i = 0; i < n; i++) to[i] = (int16_t)rintf(fminf(fmaxf(x[i] * 32768.0f, -32768.0f), 32767.0f));
  reader->count += n;
}

/* Averages the channels of n frames in place; false when a value is NaN or infinite. */
static bool mix(float *x, int64_t n, int channels) {
  float sum = 0; /* of what is 0 for finite values and NaN for the others */
  for (int64_t i = 0; i < n && channels > 1; i++) {
    float total = 0;
    for (int c = 0; c < channels; c++) total += x[i * channels + c];
    x[i] = total / (float)channels;
  }
  for (int64_t i = 0; i < n; i++) sum += x[i] * 0.0f;
  return sum == 0;
}

static void resample(AudioReader *reader, const float *x, int64_t n) {
  size_t used = 0, made = 0;
  do { /* once, and to the last sample when x is NULL: the end of the input */
    soxr_process(reader->resampler, x, (size_t)n, &used, reader->resampled, (size_t)reader->resampled_room,
                 &made);
    append(reader, reader->resampled, (int64_t)made);
  } while (!x && made > 0);
}

static void sndfile_block(AudioReader *reader) {
  int64_t n = sf_readf_float(reader->file, reader->frames, BLOCK);
  if (sf_error(reader->file)) reader->damage = sf_strerror(reader->file);
  if (!mix(reader->frames, n, reader->info.channels)) reader->damage = "a sample is not a number";
  reader->ended = n < BLOCK || reader->damage;
  if (!reader->resampler) {
    append(reader, reader->frames, n);
    return;
  }
  if (n > 0) resample(reader, reader->frames, n);
  if (reader->ended) resample(reader, NULL, 0);
}

static void ffmpeg_block(AudioReader *reader) {
  float block[BLOCK];
  size_t have = 0;
  for (;;) {
    ssize_t got = read(reader->fd, (char *)block + have, sizeof block - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
    if (have == sizeof block) break;
  }
  if (!mix(block, (int64_t)(have / sizeof *block), 1)) reader->damage = "a sample is not a number";
  append(reader, block, (int64_t)(have / sizeof *block));
  reader->ended = have < sizeof block || reader->damage;
  if (have == sizeof block) return;
  int code = -1;
  while (waitpid(reader->ffmpeg, &code, 0) < 0 && errno == EINTR) {
  }
  reader->ffmpeg = 0;
  if (code != 0) reader->damage = "neither libsndfile nor ffmpeg can decode it";
}

static void decode_block(AudioReader *reader) {
  if (reader->file)
    sndfile_block(reader);
  else
    ffmpeg_block(reader);
}

/* libsndfile believes an MP3's estimated length (one without a Xing header) and stops there: was the file
 * used up? */
static bool mp3_left(const AudioReader *reader) {
  struct stat info;
  if ((reader->info.format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG || fstat(reader->fd, &info) != 0)
    return false;
  off_t at = lseek(reader->fd, 0, SEEK_CUR);
  return at >= 0 && info.st_size - at > info.st_size / 50 + 8192; /* tags may follow */
}

/* After the end: is the file what its header promised? */
static Status end_check(const AudioReader *reader) {
  double held = (double)(reader->start + reader->count) / AUDIO_RATE, slack = (double)TOLERANCE / AUDIO_RATE;
  if (reader->damage) return fail(ERR_DATA, "%s: %s (at %.2f s)", reader->path, reader->damage, held);
  if ((reader->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG) slack = 0.1 + 0.01 * reader->promised;
  if (isinf(reader->promised))
    return fail(ERR_DATA, "%s ends at %.2f s without its last page: it is cut off; fetch it again",
                reader->path, held);
  if (held < reader->promised - slack)
    return fail(ERR_DATA,
                "%s ends at %.2f s but its header says %.2f s: it is cut off or damaged; fetch it again",
                reader->path, held, reader->promised);
  if (mp3_left(reader))
    return fail(
        ERR_DATA,
        "%s is read only to %.2f s: it is damaged, or its header lacks the length; convert it to FLAC",
        reader->path, held);
  return OK;
}

/* Makes the window begin at sample `start`, or at the file's end before it, once enough is decoded. */
static Status window_move(AudioReader *reader, int64_t start) {
  Status status = OK;
  if (start < reader->start) TRY(source_open(reader)); /* back to the beginning */
  reader->keep = start;
  int64_t drop = start - reader->start < reader->count ? start - reader->start : reader->count;
  reader->count -= drop;
  reader->start += drop;
  if (drop && reader->count)
    memmove(reader->window, reader->window + drop, (size_t)reader->count * sizeof(int16_t));
  if (reader->exact && reader->count == 0 && reader->start < start) {
    int64_t to = start < reader->info.frames ? start : reader->info.frames;
    if (sf_seek(reader->file, to, SEEK_SET) != to) TRY(fail(ERR_IO, "cannot seek in %s", reader->path));
    reader->start = to;
  }
done:
  return status;
}

Status audio_next(AudioReader *reader, double offset, double duration, int16_t **samples, int64_t *count) {
  Status status = OK;
  bool whole = duration < 0;
  double last = whole ? offset : offset + duration;
  if (!(offset >= 0 && last >= offset && last < 1e10))
    TRY(fail(ERR_DATA, "%s: there is no part of %g s from %g s", reader->path, duration, offset));
  int64_t start = llround(offset * AUDIO_RATE), limit = llround(reader->limit * AUDIO_RATE);
  int64_t want = whole ? limit + 1 : llround(last * AUDIO_RATE) - start;
  if (want < 1) TRY(fail(ERR_DATA, "%s: there is no part of %g s from %g s", reader->path, duration, offset));
  if (!whole && want > limit)
    TRY(fail(ERR_DATA, "%s: the part has %.2f s; at most %.2f s are accepted", reader->path, duration,
             reader->limit));
  TRY(window_move(reader, start));
  while (reader->count < want && !reader->ended) decode_block(reader);
  if (whole && reader->count > limit)
    TRY(fail(ERR_DATA, "%s has more than the %.2f s that are accepted", reader->path, reader->limit));
  if (reader->count < want || reader->damage) {
    TRY(end_check(reader));
    if (reader->start < start || reader->count == 0 || (!whole && reader->count < want - TOLERANCE)) {
      double held = (double)(reader->start + reader->count) / AUDIO_RATE;
      TRY(fail(ERR_DATA, "%s ends at %.2f s, before the part from %.2f s to %.2f s does", reader->path, held,
               offset, whole ? held : last));
    }
    want = reader->count;
  }
  *samples = xcalloc((unsigned long)want, sizeof(int16_t));
  memcpy(*samples, reader->window, (size_t)want * sizeof(int16_t));
  *count = want;
done:
  return status;
}

Status audio_finish(AudioReader *reader, double *seconds) {
  Status status = OK;
  TRY(window_move(reader, INT64_MAX / 2));
  while (!reader->ended) decode_block(reader);
  TRY(end_check(reader));
  *seconds = (double)(reader->start + reader->count) / AUDIO_RATE;
done:
  return status;
}

Status audio_read(const char *path, double offset, double duration, double limit_seconds, int16_t **samples,
                  int64_t *count) {
  AudioReader *reader;
  Status status = audio_open(&reader, path, limit_seconds);
  if (status == OK) status = audio_next(reader, offset, duration, samples, count);
  audio_close(reader);
  return status;
}
