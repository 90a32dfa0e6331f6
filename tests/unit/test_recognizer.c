/* Recordings to transcripts: in the order given, the same alone and in any batch, long ones cut where it is
 * quiet. */
#include "tests/unit/test_model.h"

#include <math.h>
#include <omp.h>

#include "src/decode/recognizer.h"

enum { RECORDINGS = 16, RATE = 16000 };

static const char TOKENIZER[] =
    "{\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"},"
    "\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"_a\":0,\"b\":1,\"_c\":2,\"d\":3,\"e\":4,\"f\":5,"
    "\"_g\":6}}}";
static Tokenizer *tokenizer;
static Model *model;
static int16_t *samples[RECORDINGS];
static int64_t counts[RECORDINGS];

static int setup(void **state) {
  if (folder_setup(state)) return -1;
  omp_set_num_threads(1); /* so small a model only waits for its threads */
  const char *path = in_folder("t.json");
  if (file_write(path, TOKENIZER, sizeof TOKENIZER - 1) != OK || tokenizer_load(&tokenizer, path) != OK)
    return -1;
  ModelConfig config = small_config();
  if (model_new(&model, &config, test_backend(), 5) != OK) return -1;
  size_t size = model_weight_count(model);
  float *weights = xcalloc(size, sizeof *weights);
  model_weights_get(model, weights);
  for (size_t i = 0; i < size; i++) weights[i] *= 6; /* far from even, so that frames differ */
  model_weights_set(model, weights);
  free(weights);
  for (int i = 0; i < RECORDINGS; i++) { /* tones that change, in noise: from nothing at all to 9 s */
    static const int64_t lengths[] = {5000, 0, 48000, 144000, 700, 1, 100000, 16001};
    counts[i] = lengths[i % 8] + (i % 8 > 1 ? 13 * i : 0);
    samples[i] = xcalloc((unsigned long)counts[i] + 1, sizeof *samples[i]);
    for (int64_t k = 0; k < counts[i]; k++)
      samples[i][k] = (int16_t)(9000 * sin((double)k * (0.02 + 0.05 * (double)((k / 3000 + i) % 9))) +
                                noise_sample(i, (int)k) / 4);
  }
  return 0;
}

static int teardown(void **state) {
  for (int i = 0; i < RECORDINGS; i++) free(samples[i]);
  tokenizer_free(tokenizer);
  model_free(model);
  return folder_teardown(state);
}

/* What done() was given, as text with every number in full. */
typedef struct Heard {
  char *texts[RECORDINGS];
  int order[RECORDINGS], count, fail_at;
} Heard;

static Status hear(void *context, void *recording, const Transcript *transcript) {
  Heard *heard = context;
  int number = (int)((int16_t **)recording - samples);
  char *text = xprintf("%a:", (double)transcript->confidence);
  for (int i = 0; i < transcript->count; i++) {
    const Word *word = &transcript->words[i];
    char *more =
        xprintf("%s %s %a %a %a", text, word->text, word->start, word->end, (double)word->confidence);
    assert_true(word->start < word->end &&
                word->end <= (double)counts[number] / RATE + 0.04); /* the last frame */
    assert_true(i == 0 || word->start >= transcript->words[i - 1].end);
    free(text);
    text = more;
  }
  assert_non_null(transcript->text);
  if (heard->count == heard->fail_at) return free(text), (fail)(ERR_IO, "the disk is full");
  heard->order[heard->count++] = number;
  heard->texts[number] = text;
  return OK;
}

static Status run(Heard *heard, double batch_seconds, int from, int to) {
  Status status = OK;
  Recognizer *recognizer;
  RecognizerSettings settings = {
      .batch_seconds = batch_seconds, .max_seconds = 3, .done = hear, .context = heard};
  assert_ok(recognizer_new(&recognizer, model, tokenizer, &settings));
  for (int i = from; i < to && status == OK; i++)
    status = recognizer_add(recognizer, samples[i], counts[i], &samples[i]);
  if (status == OK) status = recognizer_finish(recognizer);
  recognizer_free(recognizer);
  return status;
}

static void heard_free(Heard *heard) {
  for (int i = 0; i < RECORDINGS; i++) free(heard->texts[i]);
}

static void order_and_batches(void **state) {
  (void)state;
  Heard alone = {.fail_at = -1};
  int varied = 0;
  for (int i = 0; i < RECORDINGS; i++) assert_ok(run(&alone, 3, i, i + 1));
  for (int i = 0; i < RECORDINGS; i++) {
    assert_int_equal(alone.order[i], i);
    varied += strlen(alone.texts[i]) > 60 && (i < 8 || strcmp(alone.texts[i], alone.texts[i - 8]));
  }
  assert_true(varied > RECORDINGS / 3); /* the model says something, and not always the same */
  for (int b = 0; b < 4; b++) {
    Heard heard = {.fail_at = -1};
    assert_ok(run(&heard, (double[]){1, 3, 7, 1000}[b], 0, RECORDINGS));
    assert_int_equal(heard.count, RECORDINGS);
    for (int i = 0; i < RECORDINGS; i++) {
      assert_int_equal(heard.order[i], i);
      assert_string_equal(heard.texts[i], alone.texts[i]);
    }
    heard_free(&heard);
  }
  heard_free(&alone);
}

static void errors_stop(void **state) {
  (void)state;
  Heard heard = {.fail_at = 5};
  assert_int_equal(run(&heard, 3, 0, RECORDINGS), ERR_IO);
  assert_string_equal(fail_text(), "the disk is full");
  assert_int_equal(heard.count, 5);
  heard_free(&heard);
}

static void what_does_not_fit(void **state) {
  (void)state;
  Recognizer *recognizer = NULL;
  RecognizerSettings settings = {.batch_seconds = 3, .max_seconds = 3000};
  assert_fails(recognizer_new(&recognizer, model, tokenizer, &settings), ERR_USAGE, "not for 3000 s");
  ModelConfig config = small_config();
  Model *other;
  config.vocab_size = 9;
  assert_ok(model_new(&other, &config, test_backend(), 1));
  settings.max_seconds = 3;
  assert_fails(recognizer_new(&recognizer, other, tokenizer, &settings), ERR_DATA,
               "the tokenizer has 7 tokens and the blank, the model vocab_size 9");
  assert_null(recognizer);
  recognizer_free(NULL);
  model_free(other);
}

static void cuts_where_it_is_quiet(void **state) {
  (void)state;
  enum { LIMIT = 20 * RATE };
  int16_t *noise = xcalloc(LIMIT, sizeof *noise);
  for (int i = 0; i < LIMIT; i++) noise[i] = noise_sample(0, i);
  static const double pauses[] = {15.2, 16.05, 17.5, 19.7};
  for (int p = 0; p < 4; p++) { /* 0.3 s of silence in the last five seconds */
    int16_t kept[RATE * 3 / 10];
    int64_t at = (int64_t)(pauses[p] * RATE);
    memcpy(kept, noise + at, sizeof kept);
    memset(noise + at, 0, sizeof kept);
    int64_t cut = quiet_cut(noise, LIMIT);
    assert_true(cut >= at + RATE / 10 - RATE / 100 && cut <= at + RATE / 5 + RATE / 100);
    memcpy(noise + at, kept, sizeof kept);
  }
  memset(noise + 5 * RATE, 0, RATE); /* too early to count */
  int64_t cut = quiet_cut(noise, LIMIT);
  assert_true(cut > 15 * RATE && cut <= LIMIT);
  for (int64_t limit = 1; limit < 40000;
       limit = limit * 3 / 2 + 1) { /* however short: forward, and not beyond */
    cut = quiet_cut(noise, limit);
    assert_true(cut > 0 && cut <= limit);
  }
  memset(noise, 0x80, LIMIT * sizeof *noise); /* the loudest there is: sums in 64 bits */
  cut = quiet_cut(noise, LIMIT);
  assert_true(cut > 15 * RATE && cut <= LIMIT);
  free(noise);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_and_batches),
      cmocka_unit_test(errors_stop),
      cmocka_unit_test(what_does_not_fit),
      cmocka_unit_test(cuts_where_it_is_quiet),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
