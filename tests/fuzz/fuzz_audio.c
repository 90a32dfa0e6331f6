/* Fuzz target: any bytes as an audio file. What is read is within the limit, and a part is the same as in the
 * whole. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"
#include "src/audio/audio.h"
#include "src/base/file.h"

static const double LIMIT = 20;

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  static const int formats[][3] = {
      {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1},  {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1},
      {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16000, 1},  {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 44100, 2},
      {SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, 8000, 1}, {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 1},
      {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 22050, 1}, {SF_FORMAT_NIST | SF_FORMAT_PCM_16, 16000, 1},
      {SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1},    {SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 1},
      {SF_FORMAT_AU | SF_FORMAT_ULAW, 8000, 1},      {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 48000, 2}};
  if (number == sizeof formats / sizeof *formats) return 0;
  char *path = path_join(fuzz_folder(), "seed");
  SF_INFO info = {
      .format = formats[number][0], .samplerate = formats[number][1], .channels = formats[number][2]};
  SNDFILE *file = sf_open(path, SFM_WRITE, &info);
  static short samples[48000 / 4 * 2];
  int count = info.samplerate / 4 * info.channels;
  for (int i = 0; i < count; i++)
    samples[i] = (short)(6000 * sin(0.05 * i) + (double)(random_bits(1, (uint32_t)i) >> 20));
  if (!file || sf_write_short(file, samples, count) != count || sf_close(file)) abort();
  size_t size = fuzz_load(path, data, room);
  free(path);
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(data, size);
  int16_t *whole, *part;
  int64_t count, part_count;
  setenv("PATH", "/nonexistent", 1); /* ffmpeg is not what is tested */
  Status status = audio_read(path, 0, -1, LIMIT, &whole, &count);
  if (status == OK) {
    if (count < 1 || count > (int64_t)LIMIT * AUDIO_RATE) abort();
    fuzz_accepted++;
    AudioReader *reader;
    double seconds;
    if (audio_open(&reader, path, LIMIT) != OK) abort();
    if (audio_next(reader, 0.05, 0.1, &part, &part_count) == OK) {
      if (800 + part_count > count || memcmp(part, whole + 800, (size_t)part_count * sizeof *part)) abort();
      free(part);
    }
    if (audio_finish(reader, &seconds) != OK || seconds != (double)count / AUDIO_RATE) abort();
    audio_close(reader);
    free(whole);
  }
  return 0;
}
