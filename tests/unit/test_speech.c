/* Batches read by a thread of their own while the last one is worked on: the same as read one by one, errors
 * come to who waits. `make tsan` watches. */
#include "tests/unit/support.h"

#include <sndfile.h>

#include "kernels/random.h"
#include "src/train/speech.h"

enum { LINES = 24, RATE = 16000 };

static const char TOKENIZER[] =
    "{\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"x\",\"merges\":[],\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\" "
    "\":3,\"x\":4}}}";

static Tokenizer *tokenizer;
static Normalizer *normalizer;
static Speech speech;
static const char *texts[] = {"a", "abc", "cab ab", "b", "aabbcc", "zz"};

static int setup(void **state) {
  if (folder_setup(state)) return -1;
  SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
  SNDFILE *file = sf_open(in_folder("a.wav"), SFM_WRITE, &info);
  for (int i = 0; i < 8 * RATE; i++) {
    short value = (short)(random_bits(1, (uint32_t)i) >> 17);
    sf_write_short(file, &value, 1);
  }
  sf_close(file);
  FILE *list = fopen(in_folder("m.jsonl"), "w");
  for (int i = 0; i < LINES; i++)
    fprintf(list, "{\"audio_filepath\": \"a.wav\", \"offset\": %g, \"duration\": %g, \"text\": \"%s\"}\n",
            0.25 * i, 0.9 + 0.05 * (i % 9), texts[i % 6]);
  fclose(list);
  const char *manifest = in_folder("m.jsonl"), *out = in_folder("c");
  PackSettings settings = {
      .manifests = &manifest, .manifest_count = 1, .out = out, .max_seconds = 40, .quiet = true};
  PackResult result;
  ModelConfig config = model_config_default();
  StringList paths = {&out, 1};
  if (corpus_pack(&settings, &result) != OK) return -1;
  pack_result_free(&result);
  if (file_write(in_folder("t.json"), TOKENIZER, sizeof TOKENIZER - 1) != OK) return -1;
  if (tokenizer_load(&tokenizer, in_folder("t.json")) != OK || normalizer_new(&normalizer, "basic") != OK)
    return -1;
  config.subsampling_factor = 4;
  return speech_add(&speech, &paths, normalizer, tokenizer, &config, true);
}

static int teardown(void **state) {
  speech_free(&speech);
  tokenizer_free(tokenizer);
  normalizer_free(normalizer);
  return folder_teardown(state);
}

static void expect_batch(const SpeechBatch *batch, const int32_t *items, int count) {
  int16_t one[2 * RATE];
  assert_int_equal(batch->model.U, count);
  for (int u = 0; u < count; u++) {
    int i = items[u], labels = speech_labels(&speech, i);
    int64_t samples = batch->sample_offsets[u + 1] - batch->sample_offsets[u];
    assert_int_equal(samples, speech.samples[i]);
    assert_ok(corpus_read(speech.corpora[0], speech.place[i], one));
    assert_memory_equal(batch->samples + batch->sample_offsets[u], one, (size_t)samples * sizeof *one);
    assert_int_equal(batch->label_offsets[u + 1] - batch->label_offsets[u], labels);
    assert_memory_equal(batch->labels + batch->label_offsets[u], speech.labels + speech.label_offsets[i],
                        (size_t)labels * sizeof(int32_t));
    assert_int_equal(batch->utterances[u], speech.identity[i]);
  }
  assert_int_equal(batch->sample_count, batch->sample_offsets[count]);
  assert_int_equal(batch->label_count, batch->label_offsets[count]);
}

static void two_batches_in_turn(void **state) {
  (void)state;
  SpeechBatch batches[2];
  SpeechBounds bounds = speech_bounds(&speech, 6, 1);
  int32_t items[30][4];
  assert_int_equal(speech.count, LINES);
  for (int b = 0; b < 2; b++) batch_new(&batches[b], &speech, &bounds);
  for (int n = 0; n < 30; n++) {
    for (int u = 0; u < 4; u++) items[n][u] = (n * 7 + u * 5) % LINES;
    batch_read(&batches[n % 2], items[n], 1 + n % 4);
    if (n == 0) continue;
    assert_ok(batch_wait(&batches[(n - 1) % 2]));
    expect_batch(&batches[(n - 1) % 2], items[n - 1], 1 + (n - 1) % 4);
  }
  batch_free(&batches[0]);
  batch_free(&batches[1]); /* still reading: waits */
}

static void the_worst_batch_fits(void **state) {
  (void)state;
  for (double seconds = 0.5; seconds < 40; seconds *= 2) {
    SpeechBounds bounds = speech_bounds(&speech, seconds, 2);
    int64_t most = bounds.samples;
    assert_true(most >= bounds.longest && (most == (int64_t)(seconds * RATE) || most == bounds.longest));
    int count = 0, labels = 0; /* the shortest ones, each twice */
    int64_t sum = 0;
    for (int i = 0; i < 2 * LINES; i++) {
      int64_t length = (int64_t)((0.9 + 0.05 * ((i / 2 % 3) == 0 ? 0 : 1)) * RATE);
      if (sum + length > most) break;
      sum += length, count++;
    }
    for (int i = 0; i < LINES; i++) labels += 2 * speech_labels(&speech, i);
    assert_true(bounds.utterances <= 2 * LINES && bounds.utterances >= (count < 10 ? count - 1 : 1));
    assert_true(bounds.labels <= labels);
  }
}

static void errors_come_to_who_waits(void **state) {
  (void)state;
  char *path = xstrdup(in_folder("c/shard-00000.h5"));
  FILE *file = fopen(path, "r+b");
  fseek(file, 30000, SEEK_SET); /* among the samples of the first utterance, or near it */
  int byte = fgetc(file);
  fseek(file, 30000, SEEK_SET);
  fputc(byte ^ 1, file);
  fclose(file);
  SpeechBatch batch;
  SpeechBounds bounds = speech_bounds(&speech, 60, 1);
  int32_t all[LINES], good[] = {LINES - 1};
  for (int i = 0; i < LINES; i++) all[i] = i;
  batch_new(&batch, &speech, &bounds);
  batch_read(&batch, all, LINES);
  (fail)(ERR_USAGE, "something of this thread's own");
  assert_fails(batch_wait(&batch), ERR_DATA, "samples that do not match their hash");
  batch_read(&batch, good, 1); /* and on */
  assert_ok(batch_wait(&batch));
  expect_batch(&batch, good, 1);
  batch_free(&batch);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_batches_in_turn),
      cmocka_unit_test(the_worst_batch_fits),
      cmocka_unit_test(errors_come_to_who_waits),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
