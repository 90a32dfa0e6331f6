/* A packed corpus in the test's folder: four recordings of noise and a manifest of their parts, for
 * test_corpus.c and test_shard.c. */
#ifndef JARGON_TESTS_UNIT_PACKED_H
#define JARGON_TESTS_UNIT_PACKED_H

#include "tests/unit/support.h"

#include <sndfile.h>

#include "kernels/random.h"
#include "src/audio/audio.h"
#include "src/corpus/corpus.h"

enum { FILES = 4, SECONDS = 6, LINES = 60 };

/* Four recordings of noise, one of them FLAC at 48 kHz, one stereo. */
static inline void make_audio(void) {
  for (int f = 0; f < FILES; f++) {
    int rate = f == 1 ? 48000 : AUDIO_RATE, channels = f == 2 ? 2 : 1;
    SF_INFO info = {.samplerate = rate,
                    .channels = channels,
                    .format = f == 1 ? SF_FORMAT_FLAC | SF_FORMAT_PCM_16 : SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    char name[16];
    snprintf(name, sizeof name, "%d.wav", f);
    SNDFILE *file = sf_open(in_folder(name), SFM_WRITE, &info);
    int count = rate * SECONDS * channels;
    short *samples = xcalloc((unsigned long)count, sizeof *samples);
    for (int i = 0; i < count; i++) samples[i] = (short)(random_bits((uint64_t)f, (uint32_t)i) >> 18);
    assert_int_equal(sf_write_short(file, samples, count), count);
    sf_close(file);
    free(samples);
  }
}

/* A manifest of overlapping parts in no order, texts and metadata of all kinds. */
static inline char *manifest_text(void) {
  char *text = xstrdup("");
  for (uint32_t i = 0; i < LINES; i++) {
    double offset = random_bits(1, i) % 50000 / 10007.0, duration = 0.1 + random_bits(2, i) % 8000 / 10000.0;
    char *more =
        xprintf("%s{\"audio_filepath\": \"%u.wav\", \"offset\": %.17g, \"duration\": %.17g, "
                "\"text\": \"w%u caf\\u00e9 \\ud83d\\ude00 \\\"q\\\" %.*s\", \"speaker\": \"s%u\", "
                "\"n\": {\"deep\": [1, -0.1, 0.30000000000000004, true, null, \"\\n\\u0001\"]}}\n",
                text, random_bits(3, i) % FILES, offset, duration, i, (int)(i % 7), "xxxxxxx", i % 5);
    free(text);
    text = more;
  }
  return text;
}

static inline int setup(void **state) {
  if (folder_setup(state)) return -1;
  make_audio();
  char *text = manifest_text();
  Status status = file_write(in_folder("m.jsonl"), text, strlen(text));
  free(text);
  return status;
}

static const char *manifest_path; /* set by the caller of pack(); NULL: m.jsonl */

static inline Status pack(const char *out, PackSettings settings, PackResult *result) {
  const char *list = manifest_path ? manifest_path : in_folder("m.jsonl");
  settings.manifests = &list;
  settings.manifest_count = 1;
  settings.out = in_folder(out);
  settings.quiet = true;
  if (!settings.max_seconds) settings.max_seconds = 40;
  return corpus_pack(&settings, result);
}

static inline void pack_ok(const char *out, PackSettings settings) {
  PackResult result;
  assert_ok(pack(out, settings, &result));
  pack_result_free(&result);
}

static inline Status pack_status(const char *out, PackSettings settings) {
  PackResult result;
  Status status = pack(out, settings, &result);
  pack_result_free(&result);
  return status;
}

static inline Corpus *open_ok(const char *name) {
  Corpus *corpus;
  assert_ok(corpus_open(&corpus, in_folder(name)));
  return corpus;
}

static inline Status open_status(const char *name) {
  Corpus *corpus;
  Status status = corpus_open(&corpus, in_folder(name));
  corpus_close(corpus);
  return status;
}

static inline Status read_status(const Corpus *corpus, int utterance) {
  int16_t *samples = xcalloc((unsigned long)corpus_samples(corpus, utterance), sizeof *samples);
  Status status = corpus_read(corpus, utterance, samples);
  free(samples);
  return status;
}

static inline int compare_folders(const char *a, const char *b) {
  char *x = xstrdup(in_folder(a)), *command = xprintf("diff -r -x .lock %s %s", x, in_folder(b));
  int code = system(command);
  free(x), free(command);
  return code;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, folder_teardown)

#endif
