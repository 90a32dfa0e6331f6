/* Audio: every format and rate to the same 16 kHz samples, parts exact, and files that are cut, lie or hold
 * rubbish. */
#include "tests/unit/support.h"

#include <math.h>
#include <signal.h>
#include <sndfile.h>

#include "kernels/random.h"
#include "src/audio/audio.h"

static const double LIMIT = 60;

/* ---- making files ---- */

/* Writes `frames` frames of interleaved values. */
static const char *make(const char *name, int format, int rate, int channels, const float *values,
                        int64_t frames) {
  const char *path = in_folder(name);
  SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
  SNDFILE *file = sf_open(path, SFM_WRITE, &info);
  if (!file) fail_msg("%s: %s", name, sf_strerror(NULL));
  sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
  assert_int_equal(sf_writef_float(file, values, frames), frames);
  assert_int_equal(sf_close(file), 0);
  return path;
}

/* A sine of that frequency and amplitude in all channels, the caller's to free. */
static float *sine(double frequency, double amplitude, int rate, int channels, int64_t frames) {
  float *values = xcalloc((unsigned long)(frames * channels), sizeof *values);
  for (int64_t i = 0; i < frames * channels; i++)
    values[i] = (float)(amplitude * sin(2 * M_PI * frequency * (double)(i / channels) / rate));
  return values;
}

/* 16-bit values as floats. */
static float *noise(int64_t count) {
  float *values = xcalloc((unsigned long)count, sizeof *values);
  for (int64_t i = 0; i < count; i++)
    values[i] = (float)((int)(random_bits(9, (uint32_t)i) >> 16) - 32768) / 32768.0f;
  return values;
}

/* The amplitude of a frequency in all but the first and last tenth, and *rest, the deviation of everything
 * else. */
static double level(const int16_t *samples, int64_t count, double frequency, double *rest) {
  double s = 0, c = 0, power = 0;
  int64_t begin = count / 10, end = count - count / 10, n = end - begin;
  for (int64_t i = begin; i < end; i++) {
    double x = samples[i] / 32768.0, phase = 2 * M_PI * frequency * (double)i / AUDIO_RATE;
    s += x * sin(phase);
    c += x * cos(phase);
    power += x * x;
  }
  double amplitude = 2 * hypot(s, c) / (double)n;
  *rest = sqrt(fmax(0, power / (double)n - amplitude * amplitude / 2));
  return amplitude;
}

static int16_t *read_all(const char *path, int64_t *count) {
  int16_t *samples = NULL;
  assert_ok(audio_read(path, 0, -1, LIMIT, &samples, count));
  return samples;
}

/* ---- formats ---- */

static const struct Format {
  const char *name;
  int format, rate;
  double rest;   /* of the sine, what coding may add */
  int64_t slack; /* samples at 16 kHz that the length may be off */
} formats[] = {
    {"16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 44100, 1e-4, 1},
    {"32.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 16000, 1e-4, 0},
    {"u8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 16000, 4e-3, 0},
    {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1e-4, 1},
    {"double.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 16000, 1e-4, 0},
    {"ulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 2e-2, 1},
    {"alaw.wav", SF_FORMAT_WAV | SF_FORMAT_ALAW, 8000, 2e-2, 1},
    {"ima.wav", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 3e-2, 1000},
    {"x.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"rf64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"w64.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"f.aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 22050, 1e-4, 1},
    {"a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"a.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1e-4, 0},
    {"24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 96000, 1e-4, 1},
    {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2e-2, 1},
    {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 2e-2, 1},
    {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 2e-2, 1000},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static void every_format_is_read(void **state) {
  (void)state;
  for (const struct Format *format = formats; format < formats + FORMATS; format++) {
    for (int channels = 1; channels <= 2; channels++) {
      int64_t frames = format->rate * 13 / 10, count;
      float *values = sine(440, 0.5, format->rate, channels, frames);
      int16_t *samples =
          read_all(make(format->name, format->format, format->rate, channels, values, frames), &count);
      double rest, amplitude = level(samples, count, 440, &rest);
      if (llabs(count - 20800) > format->slack || fabs(amplitude - 0.5) > 0.02 || rest > format->rest)
        fail_msg("%s, %d channels: %lld samples, amplitude %g, rest %g", format->name, channels,
                 (long long)count, amplitude, rest);
      free(samples);
      free(values);
    }
  }
}

/* At 16 kHz the samples of 16 bits are the file's own. */
static void samples_are_exact(void **state) {
  (void)state;
  enum { N = 50001 };
  float *values = noise(N);
  values[0] = -1; /* the extremes */
  values[1] = 32767.0f / 32768;
  for (const struct Format *format = formats; format < formats + FORMATS; format++) {
    int coding = format->format & SF_FORMAT_SUBMASK;
    bool exact = coding == SF_FORMAT_PCM_16 || coding == SF_FORMAT_PCM_24 || coding == SF_FORMAT_PCM_32 ||
                 coding == SF_FORMAT_FLOAT || coding == SF_FORMAT_DOUBLE;
    if (!exact) continue;
    int64_t count;
    int16_t *samples = read_all(make(format->name, format->format, AUDIO_RATE, 1, values, N), &count);
    assert_int_equal(count, N);
    for (int i = 0; i < N; i++)
      if (samples[i] != (int)(values[i] * 32768))
        fail_msg("%s: sample %d is %d", format->name, i, samples[i]);
    free(samples);
  }
  free(values);
}

static void channels_are_averaged(void **state) {
  (void)state;
  enum { N = 3000 };
  for (int channels = 2; channels <= 5; channels++) {
    float *values = noise((int64_t)N * channels);
    int64_t count;
    int16_t *samples =
        read_all(make("m.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, AUDIO_RATE, channels, values, N), &count);
    assert_int_equal(count, N);
    for (int i = 0; i < N; i++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) sum += (double)values[i * channels + c];
      assert_true(fabs(samples[i] - sum / channels * 32768) <= 0.501);
    }
    free(samples);
    free(values);
  }
}

static void rates_keep_frequency_and_level(void **state) {
  (void)state;
  static const int rates[] = {2000, 8000, 11025, 12000, 22050, 24000, 32000, 44100, 48000, 96000, 192000};
  for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
    for (int f = 0; f < 3; f++) {
      double frequency = (double[]){100, 440, 3000}[f], rest;
      int64_t count, frames = rates[r];
      if (frequency > 0.4 * rates[r]) continue;
      float *values = sine(frequency, 0.25, rates[r], 1, frames);
      int16_t *samples =
          read_all(make("s.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rates[r], 1, values, frames), &count);
      double amplitude = level(samples, count, frequency, &rest);
      if (llabs(count - AUDIO_RATE) > 1 || fabs(amplitude - 0.25) > 0.001 || rest > 1e-4)
        fail_msg("%d Hz: %lld samples, %g Hz has amplitude %g, rest %g", rates[r], (long long)count,
                 frequency, amplitude, rest);
      free(samples);
      free(values);
    }
  }
  /* what 16 kHz cannot hold does not come back as something else */
  int64_t count;
  double rest;
  float *values = sine(11000, 0.25, 44100, 1, 44100);
  int16_t *samples =
      read_all(make("s.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 44100, 1, values, 44100), &count);
  level(samples, count, 5000, &rest);
  assert_true(rest < 1e-4);
  free(samples);
  free(values);
}

static void values_are_rounded_and_clipped(void **state) {
  (void)state;
  static const float values[] = {1.5f,          -2,    1,      -1, 0.4f / 32768, 0.6f / 32768,
                                 -0.6f / 32768, 1e30f, -1e30f, 0};
  static const int16_t right[] = {32767, -32768, 32767, -32768, 0, 1, -1, 32767, -32768, 0};
  int64_t count;
  int16_t *samples =
      read_all(make("c.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, AUDIO_RATE, 1, values, 10), &count);
  assert_int_equal(count, 10);
  assert_memory_equal(samples, right, sizeof right);
  free(samples);
}

/* ---- parts ---- */

static void expect_part(AudioReader *reader, const int16_t *whole, int64_t total, double offset,
                        double duration) {
  int16_t *part;
  int64_t count, start = llround(offset * AUDIO_RATE), end = llround((offset + duration) * AUDIO_RATE);
  if (duration < 0 || end > total) end = total;
  assert_ok(audio_next(reader, offset, duration, &part, &count));
  assert_int_equal(count, end - start);
  assert_memory_equal(part, whole + start, (size_t)count * sizeof *part);
  free(part);
}

static void parts_are_those_of_the_whole(void **state) {
  (void)state;
  static const char *const names[] = {"16.wav",  "float.wav", "u8.wav", "a.flac",
                                      "24.flac", "a.ogg",     "a.opus", "a.mp3"};
  for (const struct Format *format = formats; format < formats + FORMATS; format++) {
    bool chosen = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) chosen |= !strcmp(names[i], format->name);
    if (!chosen) continue;
    int64_t frames = format->rate * 4, total;
    float *values = noise(frames);
    char *path = xstrdup(make(format->name, format->format, format->rate, 1, values, frames));
    int16_t *whole = read_all(path, &total);
    AudioReader *reader;
    double seconds;
    assert_ok(audio_open(&reader, path, LIMIT));
    for (uint32_t i = 0; i < 12; i++) { /* ascending and overlapping, then anywhere */
      double offset = i < 6 ? 0.3 * i : random_bits(3, i) % 30000 / 10007.0;
      expect_part(reader, whole, total, offset, 0.013 + random_bits(4, i) % 9000 / 10000.0);
    }
    expect_part(reader, whole, total, 1.2345678, -1);
    expect_part(reader, whole, total, 3.9, 0.1 + 0.019); /* up to 20 ms too long: what there is */
    expect_part(reader, whole, total, 0, 1.0 / AUDIO_RATE);
    assert_ok(audio_finish(reader, &seconds));
    assert_true(seconds == (double)total / AUDIO_RATE);
    audio_close(reader);
    int16_t *part;
    int64_t count;
    assert_ok(audio_read(path, 2.5, 0.5, 0.5, &part, &count));
    assert_int_equal(count, 8000);
    assert_memory_equal(part, whole + 40000, 16000);
    free(part), free(whole), free(values), free(path);
  }
}

static void parts_that_are_not_there(void **state) {
  (void)state;
  float *values = noise(32000);
  const char *path = make("p.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, AUDIO_RATE, 1, values, 32000);
  int16_t *samples = NULL;
  int64_t count;
#define REFUSED(offset, duration, limit, words)                                                              \
  assert_fails(audio_read(path, offset, duration, limit, &samples, &count), ERR_DATA, words)
  REFUSED(1.5, 0.55, LIMIT, "p.wav ends at 2.00 s, before the part from 1.50 s to 2.05 s does");
  REFUSED(3, 1, LIMIT, "ends at 2.00 s");
  REFUSED(3, -1, LIMIT, "ends at 2.00 s");
  REFUSED(1e9, 1, LIMIT, "ends at 2.00 s");
  REFUSED(0, 2, 1.9, "has 2.00 s; at most 1.90 s are accepted");
  REFUSED(0, -1, 1.9, "more than the 1.90 s");
  REFUSED(-1, 1, LIMIT, "there is no part");
  REFUSED(0, 0, LIMIT, "there is no part");
  REFUSED(1, 1e-5, LIMIT, "there is no part");
  REFUSED(NAN, 1, LIMIT, "there is no part");
  REFUSED(0, NAN, LIMIT, "there is no part");
  REFUSED(INFINITY, 1, LIMIT, "there is no part");
  REFUSED(0, 1e300, LIMIT, "there is no part");
  assert_null(samples);
  assert_ok(audio_read(path, 0, 2, 2, &samples, &count)); /* exactly the limit */
  free(samples);
  assert_ok(audio_read(path, 0.5, -1, 1.5, &samples, &count));
  assert_int_equal(count, 24000);
  free(samples);
  free(values);
}

/* ---- damage ---- */

/* A copy of the file's first `size` bytes. */
static const char *cut(const char *path, size_t size) {
  char *data;
  size_t whole;
  assert_ok(file_read(path, 1 << 24, &data, &whole));
  const char *copy = in_folder("cut");
  assert_ok(file_write(copy, data, size < whole ? size : whole));
  free(data);
  return copy;
}

static size_t size_of(const char *path) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  return (size_t)info.st_size;
}

/* At any place that leaves a tenth or more out, reading everything is an error that says so. */
static void files_cut_off_are_refused(void **state) {
  (void)state;
  for (const struct Format *format = formats; format < formats + FORMATS; format++) {
    int64_t frames = format->rate * 4, count;
    float *values = noise(frames);
    char *path = xstrdup(make(format->name, format->format, format->rate, 1, values, frames));
    size_t size = size_of(path);
    for (int tenth = 0; tenth < 10; tenth++) {
      int16_t *samples = NULL;
      Status status = audio_read(cut(path, size * (size_t)tenth / 10), 0, -1, LIMIT, &samples, &count);
      if (status == OK)
        fail_msg("%s cut at %d tenths gives %lld samples", format->name, tenth, (long long)count);
      if (!strstr(fail_text(), "/cut")) fail_msg("no name in '%s'", fail_text());
      double seconds;
      AudioReader *reader;
      status = audio_open(&reader, in_folder("cut"), LIMIT);
      if (status == OK) { /* a part that is there may be read; the end tells */
        status = audio_finish(reader, &seconds);
        if (status == OK) fail_msg("%s cut at %d tenths is %g s long", format->name, tenth, seconds);
      }
      audio_close(reader);
    }
    free(path);
    free(values);
  }
}

static void put32(char *at, uint32_t value) { memcpy(at, &value, 4); }

/* A WAV file of `frames` zero samples with fields of the header replaced. */
static const char *lie(int64_t frames, int where, uint32_t value) {
  float *values = xcalloc((unsigned long)frames + 1, sizeof *values);
  const char *path = make("lie.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, AUDIO_RATE, 1, values, frames);
  char *data;
  size_t size;
  free(values);
  assert_ok(file_read(path, 1 << 24, &data, &size));
  assert_memory_equal(data + 36, "data", 4);
  put32(data + where, value);
  assert_ok(file_write(path, data, size));
  free(data);
  return path;
}

enum { AT_CHANNELS = 22, AT_RATE = 24, AT_DATA = 40 };

static void headers_that_lie(void **state) {
  (void)state;
  int16_t *samples = NULL;
  int64_t count;
#define READ(path) audio_read(path, 0, -1, LIMIT, &samples, &count)
  /* a program that wrote to a pipe did not know the length: what is there counts */
  static const uint32_t unknown[] = {0xffffffff, 0x7fffffff, 0x7ffff000, 0xfffffff0};
  for (int i = 0; i < 4; i++) {
    assert_ok(READ(lie(16000, AT_DATA, unknown[i])));
    assert_int_equal(count, 16000);
    free(samples);
  }
  assert_fails(READ(lie(16000, AT_DATA, 64000)), ERR_DATA, "its header says 2.00 s: it is cut off");
  assert_fails(READ(lie(16000, AT_DATA, 1 << 30)), ERR_DATA, "it is cut off");
  assert_fails(READ(lie(16000, AT_RATE, 1)), ERR_DATA, "sampling rate of 1 Hz; accepted are");
  assert_fails(READ(lie(16000, AT_RATE, 0)), ERR_DATA, "lie.wav");
  assert_fails(READ(lie(16000, AT_RATE, 0x7fffffff)), ERR_DATA, "sampling rate");
  assert_fails(READ(lie(16000, AT_CHANNELS, 0x10)), ERR_DATA, "lie.wav");
  assert_fails(READ(lie(16000, AT_CHANNELS, 1000)), ERR_DATA, "lie.wav");
  assert_fails(READ(lie(0, AT_DATA, 0)), ERR_DATA, "ends at 0.00 s");

  /* 2^36 - 1 samples promised by a FLAC of one second: 37 days */
  float *values = noise(16000);
  const char *path = make("lie.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, AUDIO_RATE, 1, values, 16000);
  char *data;
  size_t size;
  assert_ok(file_read(path, 1 << 24, &data, &size));
  data[21] |= 0x0f;
  memset(data + 22, 0xff, 4);
  assert_ok(file_write(path, data, size));
  assert_fails(READ(path), ERR_DATA, "lie.flac ends at 1.00 s but its header says");
  assert_fails(audio_read(path, 10, 1, LIMIT, &samples, &count), ERR_DATA, "lie.flac ends at 1.00 s");
  assert_ok(audio_read(path, 0.25, 0.5, LIMIT, &samples, &count)); /* this part is there */
  free(samples);
  free(data);
  free(values);
}

static void values_that_are_no_numbers(void **state) {
  (void)state;
  enum { N = 48000 };
  int16_t *samples = NULL;
  int64_t count;
  float *values = noise(N);
  for (int kind = 0; kind < 3; kind++) {
    for (int channels = 1; channels <= 2; channels++) {
      for (int rate = AUDIO_RATE; rate <= 48000; rate += 32000) {
        static const int places[] = {0, 700, 20000, N - 1};
        for (int p = 0; p < 4; p++) {
          float kept = values[places[p]];
          values[places[p]] = kind == 0 ? NAN : kind == 1 ? INFINITY : -INFINITY;
          const char *path =
              make("n.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate, channels, values, N / channels);
          values[places[p]] = kept;
          assert_fails(READ(path), ERR_DATA, "n.wav: a sample is not a number");
          double at = places[p] / channels / (double)rate; /* a part that holds it */
          double offset = at > 0.05 ? at - 0.05 : 0;
          assert_fails(audio_read(path, offset, 0.06, LIMIT, &samples, &count), ERR_DATA, "not a number");
        }
      }
    }
  }
  free(values);
}

static void what_is_no_audio(void **state) {
  (void)state;
  int16_t *samples = NULL;
  int64_t count;
  const char *path = in_folder("empty.wav");
  assert_ok(file_write(path, "", 0));
  assert_fails(READ(path), ERR_DATA, "empty.wav is empty");
  assert_fails(READ(test_folder), ERR_DATA, "not a regular file");
  assert_fails(READ("/dev/zero"), ERR_DATA, "not a regular file");
  assert_fails(READ(in_folder("none.wav")), ERR_IO, "cannot open");
  assert_int_equal(mkfifo(in_folder("pipe.wav"), 0600), 0);
  alarm(5);
  assert_fails(READ(in_folder("pipe.wav")), ERR_DATA, "not a regular file");
  alarm(0);
  char *kept = xstrdup(getenv("PATH"));
  setenv("PATH", "/nonexistent", 1); /* without ffmpeg the answer is the same everywhere */
  path = in_folder("text.wav");
  assert_ok(file_write(path, "this is text, and quite a lot of it at that", 43));
  assert_fails(READ(path), ERR_DATA, "install ffmpeg if it is video or m4a");
  setenv("PATH", kept, 1);
  free(kept);
}

/* A stand-in for ffmpeg: its output is taken when it ends well, and only then. */
static void what_ffmpeg_decodes(void **state) {
  (void)state;
  int16_t *samples = NULL;
  int64_t count;
  const char *path = in_folder("video.mp4");
  char *kept = xstrdup(getenv("PATH")), *ours = xprintf("%s:%s", test_folder, kept);
  assert_ok(file_write(path, "not for libsndfile", 18));
  setenv("PATH", ours, 1);
  float *values = noise(20000);
  assert_ok(file_write(in_folder("raw"), values, 20000 * sizeof *values));
  static const char *const scripts[] = {"exit 0", "exit 1", "kill -9 $$", "sleep 100"};
  for (int i = 0; i < 4; i++) {
    char *script = xprintf("#!/bin/sh\ncat %s/raw\n%s\n", test_folder, scripts[i]);
    assert_ok(file_write(in_folder("ffmpeg"), script, strlen(script)));
    assert_int_equal(chmod(in_folder("ffmpeg"), 0700), 0);
    free(script);
    if (i == 3) { /* closing does not wait for it */
      AudioReader *reader;
      assert_ok(audio_open(&reader, path, LIMIT));
      assert_ok(audio_next(reader, 0, 1, &samples, &count));
      alarm(20);
      audio_close(reader);
      alarm(0);
    } else if (i == 0) {
      assert_ok(READ(path));
      assert_int_equal(count, 20000);
    } else {
      assert_fails(READ(path), ERR_DATA, "neither libsndfile nor ffmpeg can decode it");
    }
    for (int k = 0; samples && k < count; k++) assert_int_equal(samples[k], (int)(values[k] * 32768));
    free(samples);
    samples = NULL;
  }
  setenv("PATH", kept, 1);
  free(values), free(ours), free(kept);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
  const struct CMUnitTest tests[] = {
      TEST(every_format_is_read),
      TEST(samples_are_exact),
      TEST(channels_are_averaged),
      TEST(rates_keep_frequency_and_level),
      TEST(values_are_rounded_and_clipped),
      TEST(parts_are_those_of_the_whole),
      TEST(parts_that_are_not_there),
      TEST(files_cut_off_are_refused),
      TEST(headers_that_lie),
      TEST(values_that_are_no_numbers),
      TEST(what_is_no_audio),
      TEST(what_ffmpeg_decodes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
