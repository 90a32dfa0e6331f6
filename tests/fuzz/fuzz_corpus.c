/* Fuzz target: any bytes as a shard (first byte 0, 1: without corpus.json, as a resumed packing meets it) or
 * as corpus.json (2). HDF5 crashes on some damaged files: none may get so far, so nothing runs in a child
 * process. */
#include "tests/fuzz/fuzz.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/corpus/corpus.h"
#include "src/corpus/shard.h"

static uint8_t shard_bytes[1 << 20], index_bytes[1 << 16];
static size_t shard_size, index_size;

static char *in_corpus(const char *name) {
  char *folder = path_join(fuzz_folder(), "corpus"), *path = path_join(folder, name);
  free(folder);
  return path;
}

static void put(const char *name, const uint8_t *data, size_t size) {
  char *path = in_corpus(name);
  fuzz_put(path, data, size);
  free(path);
}

static void make(void) {
  static const char manifest[] =
      "{\"audio_filepath\": \"a.wav\", \"duration\": 0.2, \"offset\": 0, \"text\": \"one\"}\n"
      "{\"audio_filepath\": \"a.wav\", \"duration\": 0.1, \"offset\": 0.1, \"text\": \"two\"}\n"
      "{\"audio_filepath\": \"a.wav\", \"duration\": 9, \"text\": \"skipped\"}\n";
  char *audio = path_join(fuzz_folder(), "a.wav"), *list = path_join(fuzz_folder(), "m.jsonl"),
       *out = in_corpus("");
  short samples[3200];
  SF_INFO info = {.samplerate = 16000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
  for (int i = 0; i < 3200; i++) samples[i] = (short)(i * 77);
  SNDFILE *file = sf_open(audio, SFM_WRITE, &info);
  if (!file || sf_write_short(file, samples, 3200) != 3200 || sf_close(file)) abort();
  PackResult result;
  if (file_write(list, manifest, sizeof manifest - 1) != OK) abort();
  PackSettings settings = {.manifests = (const char *const *)&list,
                           .manifest_count = 1,
                           .out = out,
                           .skip_bad = true,
                           .max_seconds = 40,
                           .quiet = true};
  if (corpus_pack(&settings, &result) != OK || result.utterances != 2) abort();
  pack_result_free(&result);
  char *shard = in_corpus("shard-00000.h5"), *index = in_corpus("corpus.json");
  shard_size = fuzz_load(shard, shard_bytes, sizeof shard_bytes);
  index_size = fuzz_load(index, index_bytes, sizeof index_bytes);
  free(audio), free(list), free(out), free(shard), free(index);
}

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  if (!shard_size) make();
  size_t size = number < 2 ? shard_size : index_size;
  if (number > 2 || size + 1 > room) return 0;
  data[0] = (uint8_t)number;
  memcpy(data + 1, number < 2 ? shard_bytes : index_bytes, size);
  return size + 1;
}

static void read_corpus(void) {
  Corpus *corpus;
  char *path = in_corpus("");
  Status status = corpus_open(&corpus, path);
  int16_t samples[8192];
  for (int i = 0; status == OK && i < corpus_count(corpus); i++) {
    if (corpus_samples(corpus, i) > 8192) abort();
    if (corpus_read(corpus, i, samples) == OK) fuzz_accepted++;
  }
  corpus_close(corpus);
  free(path);
}

static void read_shard(void) {
  Shard shard;
  char *path = in_corpus("shard-00000.h5");
  if (shard_open(&shard, path, NULL) == OK) fuzz_accepted++;
  shard_close(&shard);
  free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  int kind = data[0] % 3;
  if (kind == 2)
    put("corpus.json", data + 1, size - 1);
  else
    put("shard-00000.h5", data + 1, size - 1);
  if (kind == 1)
    read_shard();
  else
    read_corpus();
  put("shard-00000.h5", shard_bytes, shard_size);
  put("corpus.json", index_bytes, index_size);
  return 0;
}
