/* The packed corpus: what goes in comes out; interrupted packing ends in the same bytes; no damage is
 * believed. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sndfile.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "kernels/random.h"
#include "src/audio/audio.h"
#include "src/corpus/corpus.h"
#include "src/corpus/index.h"
#include "src/corpus/manifest.h"
#include "src/corpus/shard.h"

enum { FILES = 4, SECONDS = 6, LINES = 60 };

/* Four recordings of noise, one of them FLAC at 48 kHz, one stereo. */
static void make_audio(void) {
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
static char *manifest_text(void) {
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

static int setup(void **state) {
  if (folder_setup(state)) return -1;
  make_audio();
  char *text = manifest_text();
  Status status = file_write(in_folder("m.jsonl"), text, strlen(text));
  free(text);
  return status;
}

static void shell(char *command) {
  assert_int_equal(system(command), 0);
  free(command);
}

static const char *manifest_path; /* set by the caller of pack(); NULL: m.jsonl */

static Status pack(const char *out, PackSettings settings, PackResult *result) {
  const char *list = manifest_path ? manifest_path : in_folder("m.jsonl");
  settings.manifests = &list;
  settings.manifest_count = 1;
  settings.out = in_folder(out);
  settings.quiet = true;
  if (!settings.max_seconds) settings.max_seconds = 40;
  return corpus_pack(&settings, result);
}

static void pack_ok(const char *out, PackSettings settings) {
  PackResult result;
  assert_ok(pack(out, settings, &result));
  pack_result_free(&result);
}

static Status pack_status(const char *out, PackSettings settings) {
  PackResult result;
  Status status = pack(out, settings, &result);
  pack_result_free(&result);
  return status;
}

static Corpus *open_ok(const char *name) {
  Corpus *corpus;
  assert_ok(corpus_open(&corpus, in_folder(name)));
  return corpus;
}

static Status open_status(const char *name) {
  Corpus *corpus;
  Status status = corpus_open(&corpus, in_folder(name));
  corpus_close(corpus);
  return status;
}

static Status read_status(const Corpus *corpus, int utterance) {
  int16_t *samples = xcalloc((unsigned long)corpus_samples(corpus, utterance), sizeof *samples);
  Status status = corpus_read(corpus, utterance, samples);
  free(samples);
  return status;
}

/* Everything in the corpus is what the manifest and its audio say. */
static void expect_content(const Corpus *corpus) {
  Manifest m;
  assert_ok(manifest_read(&m, in_folder("m.jsonl"), MANIFEST_TRAIN, false));
  assert_int_equal(corpus_count(corpus), m.count);
  for (int i = 0; i < m.count; i++) {
    int16_t *right, *samples = xcalloc((unsigned long)corpus_samples(corpus, i), sizeof *samples);
    int64_t count;
    assert_ok(audio_read(m.items[i].audio, m.items[i].offset, m.items[i].duration, 40, &right, &count));
    assert_int_equal(corpus_samples(corpus, i), count);
    assert_ok(corpus_read(corpus, i, samples));
    assert_memory_equal(samples, right, (size_t)count * sizeof *right);
    assert_string_equal(corpus_text(corpus, i), m.items[i].text);
    json_t *fields = json_loads(corpus_metadata(corpus, i), 0, NULL);
    assert_true(json_equal(fields, m.items[i].fields));
    json_decref(fields);
    free(samples), free(right);
  }
  manifest_free(&m);
}

static void what_goes_in_comes_out(void **state) {
  (void)state;
  PackResult result;
  assert_ok(pack("c", (PackSettings){0}, &result));
  assert_int_equal(result.utterances, LINES);
  assert_int_equal(result.skipped, 0);
  assert_int_equal(result.shards, 1);
  Corpus *corpus = open_ok("c");
  expect_content(corpus);
  int64_t samples = 0;
  for (int i = 0; i < corpus_count(corpus); i++) samples += corpus_samples(corpus, i);
  assert_true(fabs(result.hours - (double)samples / AUDIO_RATE / 3600) < 1e-12);
  assert_string_equal(corpus_path(corpus), in_folder("c"));
  corpus_close(corpus);
  pack_result_free(&result);
  pack_ok("c", (PackSettings){0}); /* again: nothing to do */
}

static void *read_everything(void *argument) {
  const Corpus *corpus = argument;
  for (int i = 0; i < 5 * LINES; i++)
    if (read_status(corpus, i * 7 % LINES) != OK) return argument;
  return NULL;
}

static void several_threads_read(void **state) {
  (void)state;
  pack_ok("c", (PackSettings){.shard_bytes = 400000});
  Corpus *corpus = open_ok("c");
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_everything, corpus), 0);
  for (int i = 0; i < 4; i++) {
    void *bad;
    assert_int_equal(pthread_join(threads[i], &bad), 0);
    assert_null(bad);
  }
  corpus_close(corpus);
}

/* No shard is larger than it may be, whatever is in it; the same utterances come out in the same order. */
static void shards_keep_the_limit(void **state) {
  (void)state;
  uint64_t content = 0;
  static const int64_t limits[] = {120000, 200000, 333333, 1000000, 0};
  for (int k = 0; k < 5; k++) {
    char name[16];
    snprintf(name, sizeof name, "c%d", k);
    PackResult result;
    assert_ok(pack(name, (PackSettings){.shard_bytes = limits[k]}, &result));
    assert_int_equal(result.utterances, LINES);
    for (int s = 0; s < result.shards; s++) {
      struct stat info;
      char *path = index_shard_path(in_folder(name), s);
      assert_int_equal(stat(path, &info), 0);
      assert_true(info.st_size <= (limits[k] ? limits[k] : INT64_C(2) << 30));
      free(path);
    }
    assert_true(k < 4 ? result.shards > 1 : result.shards == 1);
    Corpus *corpus = open_ok(name);
    if (k < 2) expect_content(corpus);
    if (k) assert_true(corpus_hash(corpus) == content);
    content = corpus_hash(corpus);
    corpus_close(corpus);
    pack_result_free(&result);
  }
}

/* Texts take room too: a thousand tiny utterances with much metadata. */
static void strings_count_for_the_limit(void **state) {
  (void)state;
  FILE *list = fopen(in_folder("long.jsonl"), "w");
  for (int i = 0; i < 1000; i++)
    fprintf(list,
            "{\"audio_filepath\": \"0.wav\", \"offset\": 1, \"duration\": 0.01, \"text\": \"a\", \"note\": "
            "\"%0*d\"}\n",
            i % 2000, i);
  fclose(list);
  char *path = xstrdup(in_folder("long.jsonl"));
  manifest_path = path;
  PackResult result;
  assert_ok(pack("c", (PackSettings){.shard_bytes = 250000}, &result));
  manifest_path = NULL;
  assert_in_range(result.shards, 5, 20);
  for (int s = 0; s < result.shards; s++) {
    struct stat info;
    char *shard = index_shard_path(in_folder("c"), s);
    assert_int_equal(stat(shard, &info), 0);
    assert_true(info.st_size <= 250000);
    free(shard);
  }
  pack_result_free(&result);
  free(path);
}

/* ---- interruption ---- */

static int compare_folders(const char *a, const char *b) {
  char *x = xstrdup(in_folder(a)), *command = xprintf("diff -r -x .lock %s %s", x, in_folder(b));
  int code = system(command);
  free(x), free(command);
  return code;
}

static void packing_twice_gives_the_same_bytes(void **state) {
  (void)state;
  pack_ok("a", (PackSettings){.shard_bytes = 200000});
  usleep(1100000); /* times must not be in the files */
  pack_ok("b", (PackSettings){.shard_bytes = 200000});
  assert_int_equal(compare_folders("a", "b"), 0);
}

static void interrupted_packing_goes_on(void **state) {
  (void)state;
  PackSettings settings = {.shard_bytes = 150000};
  pack_ok("right", settings);
  fflush(NULL);
  int kills = 0, resumed = 0;
  for (int round = 0; round < 2; round++) {
    shell(xprintf("rm -rf %s", in_folder("c")));
    for (int tries = 0, code = 1; code != 0; tries++) {
      assert_true(tries < 200);
      pid_t child = fork();
      if (child == 0) { /* OpenMP's threads do not survive a fork: the program anew */
        execl("/proc/self/exe", "test_corpus", "pack", in_folder("m.jsonl"), in_folder("c"), NULL);
        _exit(127);
      }
      assert_true(child > 0); /* kill(-1) would be everyone's end */
      usleep(
          (useconds_t)((4000 + 1700 * ((round + 5 * tries) % 29)) * (1 + tries / 4))); /* longer and longer */
      kill(child, SIGKILL);
      assert_int_equal(waitpid(child, &code, 0), child);
      kills += code != 0;
      assert_true(WIFSIGNALED(code) || WEXITSTATUS(code) == 0);
      char *shard = index_shard_path(in_folder("c"), 0), *index = path_join(in_folder("c"), "corpus.json");
      resumed += code != 0 && is_there(shard);
      if (code != 0 && !is_there(index)) assert_fails(open_status("c"), ERR_IO, "is not a packed corpus");
      free(shard), free(index);
    }
    assert_int_equal(compare_folders("right", "c"), 0); /* nor anything left behind */
  }
  print_message("%d kills, %d of them after the first shard\n", kills, resumed);
  assert_true(kills > 2);
}

static void the_disk_is_full(void **state) {
  (void)state;
  assert_ok(folder_make(in_folder("c")));
  assert_int_equal(symlink("/dev/full", in_folder("c/source.json.tmp-1")), 0); /* swept, not written to */
  assert_int_equal(symlink(in_folder("none/x"), in_folder("c/shard-00000.h5.tmp")), 0);
  pack_ok("c", (PackSettings){0});
  pack_ok("d", (PackSettings){0});
  assert_int_equal(compare_folders("c", "d"), 0);
}

static void one_packer_at_a_time(void **state) {
  (void)state;
  int lock;
  assert_ok(folder_make(in_folder("c")));
  assert_ok(folder_lock(in_folder("c"), &lock));
  assert_fails(pack_status("c", (PackSettings){0}), ERR_LOCKED, "another run is using the folder");
  assert_false(is_there(in_folder("c/source.json")));
  folder_unlock(lock);
  pack_ok("c", (PackSettings){0});
}

static void other_sources_are_refused(void **state) {
  (void)state;
  static const char words[] = "holds a corpus packed from other manifests, settings or audio files";
  pack_ok("c", (PackSettings){.shard_bytes = 200000});
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200001}), ERR_DATA, words);
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000, .max_seconds = 39}), ERR_DATA, words);
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000, .skip_bad = true}), ERR_DATA, words);
  pack_ok("c", (PackSettings){.shard_bytes = 200000});
  assert_int_equal(utimensat(AT_FDCWD, in_folder("2.wav"), (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000}), ERR_DATA, words);
  char *text = manifest_text(), *more = xprintf("%s\n", text);
  assert_ok(file_write(in_folder("m.jsonl"), more, strlen(more)));
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000}), ERR_DATA, words);
  assert_int_equal(open_status("c"), OK); /* as it was */
  free(text), free(more);
}

/* ---- bad input ---- */

static void put_list(const char *lines) { assert_ok(file_write(in_folder("m.jsonl"), lines, strlen(lines))); }

#define LINE(audio, rest) "{\"audio_filepath\": \"" audio "\", " rest ", \"text\": \"x\"}\n"
#define GOOD LINE("0.wav", "\"duration\": 6")

static void bad_audio_is_named(void **state) {
  (void)state;
  static const struct {
    const char *line, *words;
  } bad[] = {
      {LINE("0.wav", "\"duration\": 5"), "0.wav has 6.00 s but \"duration\" is 5.00; correct it"},
      {LINE("0.wav", "\"duration\": 6.1"), "0.wav ends at 6.00 s, before the part from 0.00 s to 6.10 s"},
      {LINE("0.wav", "\"duration\": 2, \"offset\": 5"), "ends at 6.00 s, before the part from 5.00 s"},
      {LINE("0.wav", "\"duration\": 50"), "the utterance has 50.00 s; accepted are 0.05 to 40"},
      {LINE("0.wav", "\"duration\": 0.01, \"offset\": 1"), "the utterance has 0.01 s; accepted are"},
      {LINE("cut.wav", "\"duration\": 1, \"offset\": 1"),
       "cut.wav ends at 3.00 s but its header says 6.00 s"},
      {LINE("empty.wav", "\"duration\": 1"), "empty.wav is empty"},
      {LINE("m.jsonl", "\"duration\": 1"), "m.jsonl is not audio"},
      {LINE("none.wav", "\"duration\": 1"), "cannot find the audio file"},
  };
  enum { BAD = sizeof bad / sizeof *bad };
  assert_ok(file_write(in_folder("empty.wav"), "", 0));
  shell(xprintf("head -c 96044 %s >%s", in_folder("0.wav"), in_folder("cut.wav")));
  PackSettings settings = {.min_seconds = 0.05};
  char *all = xstrdup(GOOD);
  for (int i = 0; i < BAD; i++) {
    char *list = xprintf(GOOD "\n%s" GOOD, bad[i].line), *more = xprintf("%s%s", all, bad[i].line), out[16];
    put_list(list);
    snprintf(out, sizeof out, "c%d", i);
    settings.skip_bad = false;
    assert_fails(pack_status(out, settings), ERR_DATA, bad[i].words);
    assert_non_null(strstr(fail_text(), "m.jsonl:3: "));
    char *index = path_join(in_folder(out), "corpus.json");
    assert_false(is_there(index));
    settings.skip_bad = true;
    snprintf(out, sizeof out, "s%d", i);
    PackResult result;
    assert_ok(pack(out, settings, &result));
    assert_int_equal(result.utterances, 2);
    assert_int_equal(result.skipped, 1);
    assert_non_null(strstr(result.reasons[0], "m.jsonl:3: "));
    assert_non_null(strstr(result.reasons[0], bad[i].words));
    pack_result_free(&result);
    free(all), free(list), free(index);
    all = more;
  }
  put_list(all);
  PackResult result;
  assert_ok(pack("all", settings, &result));
  assert_int_equal(result.skipped, BAD);
  for (int i = 0; i < BAD; i++) assert_non_null(strstr(result.reasons[i], "m.jsonl:"));
  pack_result_free(&result);
  assert_int_equal(open_status("all"), OK);
  put_list(all + strlen(GOOD)); /* nothing good is left, and what is bad is known only by its audio */
  assert_fails(pack_status("none", settings), ERR_DATA, "no utterance could be packed");
  free(all);
}

static void a_little_longer_is_accepted(void **state) {
  (void)state;
  put_list(LINE("0.wav", "\"duration\": 5.81") LINE("1.wav", "\"duration\": 6.015"));
  pack_ok("c", (PackSettings){0});
  Corpus *corpus = open_ok("c");
  assert_int_equal(corpus_samples(corpus, 0), 92960);
  assert_int_equal(corpus_samples(corpus, 1), 96000);
  corpus_close(corpus);
}

/* ---- damage ---- */

static char *bytes;
static size_t size;

static void flip(const char *path, size_t at, int bit) {
  bytes[at] ^= (char)(1 << bit);
  int fd = open(path, O_WRONLY | O_TRUNC);
  assert_int_equal(write(fd, bytes, size), size);
  close(fd);
  bytes[at] ^= (char)(1 << bit);
}

/* Any bit of a shard: the corpus is not opened, or an utterance is not read, or nothing that counts has
 * changed. */
static void flipped_bits_are_seen(void **state) {
  (void)state;
  pack_ok("c", (PackSettings){0});
  char *path = xstrdup(in_folder("c/shard-00000.h5"));
  assert_ok(file_read(path, (size_t)1 << 30, &bytes, &size));
  Shard shard;
  assert_ok(shard_open(&shard, path, NULL));
  size_t begin = (size_t)shard.at, end = begin + (size_t)shard.samples * 2;
  shard_close(&shard);
  int refused = 0, unread = 0, unused = 0;
  for (uint32_t i = 0; i < 600; i++) {
    size_t where =
        i < 400 ? random_bits(6, i) % (size - (end - begin)) : begin + random_bits(6, i) % (end - begin);
    if (i < 400 && where >= begin) where += end - begin;
    flip(path, where, (int)(i % 8));
    Corpus *corpus;
    Status status = corpus_open(&corpus, in_folder("c")), sealed = shard_open(&shard, path, NULL);
    shard_close(&shard);
    if (i < 400) { /* around the samples */
      assert_int_equal(status, ERR_DATA);
      assert_int_equal(sealed, ERR_DATA);
      assert_non_null(strstr(fail_text(), "shard-00000.h5 is damaged"));
      refused++;
      continue;
    }
    assert_int_equal(status, OK);
    int wrong = 0;
    for (int u = 0; u < corpus_count(corpus); u++) {
      if (read_status(corpus, u) == OK) continue;
      assert_non_null(
          strstr(fail_text(), "shard-00000.h5 is damaged (samples that do not match their hash)"));
      wrong++;
    }
    corpus_close(corpus);
    assert_true(wrong <= 1);
    unread += wrong;
    unused += !wrong;
  }
  print_message("%d refused, %d utterances not read, %d of no consequence\n", refused, unread, unused);
  assert_int_equal(unused, 0); /* every place is some utterance's */
  assert_ok(file_write(path, bytes, size));
  assert_int_equal(open_status("c"), OK);
  for (size_t cut = 0; cut < size; cut += size / 13) {
    assert_ok(file_write(path, bytes, cut));
    assert_fails(open_status("c"), ERR_DATA, "its size is not that in corpus.json");
    assert_int_equal(shard_open(&shard, path, NULL), ERR_DATA);
  }
  free(bytes), free(path);
}

/* What a resumed run finds is looked at before HDF5 reads it. */
static void damaged_shards_are_not_resumed_from(void **state) {
  (void)state;
  pack_ok("c", (PackSettings){.shard_bytes = 200000});
  assert_int_equal(unlink(in_folder("c/corpus.json")), 0);
  char *path = xstrdup(in_folder("c/shard-00001.h5"));
  assert_ok(file_read(path, (size_t)1 << 30, &bytes, &size));
  flip(path, 9, 3);
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000}), ERR_DATA, "its hash does not agree");
  assert_non_null(strstr(fail_text(), "shard-00001.h5"));
  assert_false(is_there(in_folder("c/corpus.json")));
  assert_ok(file_write(path, bytes, size - 40));
  assert_fails(pack_status("c", (PackSettings){.shard_bytes = 200000}), ERR_DATA,
               "it has no seal at its end");
  assert_int_equal(unlink(path), 0); /* as the message says */
  pack_ok("c", (PackSettings){.shard_bytes = 200000});
  pack_ok("d", (PackSettings){.shard_bytes = 200000});
  assert_int_equal(compare_folders("c", "d"), 0);
  free(bytes), free(path);
}

static void other_shards_are_refused(void **state) {
  (void)state;
  pack_ok("c", (PackSettings){.shard_bytes = 200000});
  char *a = xstrdup(in_folder("c/shard-00000.h5")), *b = xstrdup(in_folder("c/shard-00001.h5"));
  char *kept = xstrdup(in_folder("kept"));
  assert_int_equal(rename(a, kept), 0);
  assert_fails(open_status("c"), ERR_IO, "cannot open");
  assert_int_equal(rename(b, a), 0);
  assert_int_equal(rename(kept, b), 0);
  assert_fails(open_status("c"), ERR_DATA, "shard-00000.h5 is damaged");
  assert_fails(open_status("none"), ERR_IO, "is not a packed corpus");
  free(a), free(b), free(kept);
}

static void indexes_that_lie(void **state) {
  (void)state;
  static const char *const bad[][3] = {
      {"", "", "corpus.json:"}, /* the whole text */
      {"\"version\": 1", "\"version\": 2", "version 2, this program knows 1: pack it again"},
      {"\"version\": 1", "\"version\": -1", "\"version\" must be a whole number"},
      {"\"version\": 1", "\"version\": 1, \"version\": 1", "duplicate"},
      {"\"content\": \"", "\"content\": \"x", "\"content\" must be 16 hexadecimal digits"},
      {"\"content\"", "\"nothing\"", "\"content\" must be"},
      {"\"shards\": [", "\"shards\": [[], ", "\"bytes\" must be a whole number"},
      {"\"shards\": [", "\"shards\": 1, \"x\": [", "\"shards\" must be an array"},
      {"\"bytes\": ", "\"bytes\": 1", "its size is not that in corpus.json"},
      {"\"bytes\": ", "\"bytes\": -", "\"bytes\" must be a whole number"},
      {"\"bytes\": ", "\"bytes\": 99999999999999999999", "corpus.json:"},
      {"\"samples_at\": ", "\"samples_at\": 9", "samples beyond its end in corpus.json"},
      {"\"samples_at\": ", "\"samples_at\": 9223372036854775807, \"x\": ",
       "samples beyond its end in corpus.json"},
      {"\"samples\": ", "\"samples\": 4611686018427387904, \"x\": ", "samples beyond its end in corpus.json"},
      {"\"samples\": ", "\"samples\": 1, \"x\": ", "its hash is not that in corpus.json"},
      {"\"samples\": ", "\"samples\": 1.5, \"x\": ", "\"samples\" must be a whole number"},
      {"\"envelope\": \"", "\"envelope\": \"0000000000000000\", \"x\": \"",
       "its hash is not that in corpus.json"},
      {"\"content\": \"", "\"content\": \"0000000000000000\", \"x\": \"",
       "not those that corpus.json was written for"},
  };
  pack_ok("c", (PackSettings){0});
  const char *path = in_folder("c/corpus.json");
  char *text = text_of(path);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char *at = strstr(text, bad[i][0]);
    assert_non_null(at);
    char *changed = xprintf("%.*s%s%s", (int)(at - text), text, bad[i][1], at + strlen(bad[i][0]));
    if (!bad[i][0][0]) changed[strlen(changed) / 2] = 0;
    assert_ok(file_write(path = in_folder("c/corpus.json"), changed, strlen(changed)));
    assert_fails(open_status("c"), ERR_DATA, bad[i][2]);
    free(changed);
  }
  assert_ok(file_write(in_folder("c/corpus.json"), text, strlen(text)));
  assert_int_equal(open_status("c"), OK);
  free(text);
}

static void the_hash_is_of_the_content(void **state) {
  (void)state;
  uint64_t hashes[5];
  for (int i = 0; i < 5; i++) {
    char name[4] = {'c', (char)('0' + i), 0};
    put_list(i == 1   ? LINE("0.wav", "\"duration\": 1.0001, \"offset\": 1")
             : i == 2 ? LINE("0.wav", "\"duration\": 1, \"offset\": 2")
             : i == 3 ? LINE("0.wav", "\"duration\": 1, \"speaker\": \"x\", \"offset\": 1")
                      : LINE("0.wav", "\"duration\": 1, \"offset\": 1"));
    pack_ok(name, (PackSettings){0});
    Corpus *corpus = open_ok(name);
    hashes[i] = corpus_hash(corpus);
    corpus_close(corpus);
  }
  assert_true(hashes[0] == hashes[4]);
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < i; k++) assert_true(hashes[i] != hashes[k]);
}

static void shards_alone(void **state) {
  (void)state;
  const int16_t samples[] = {1, -2, 3, -32768, 32767};
  ShardItem items[] = {{0, 2, XXH3_64bits(samples, 4), "", "{}"},
                       {3, 2, XXH3_64bits(samples + 3, 4), "\xc3\xa9", "m"}};
  const char *skipped[] = {"first", "", "third"};
  const char *path = in_folder("s.h5");
  ShardWriter writer = {0};
  Shard shard;
  int16_t back[2];
  shard_abort(&writer); /* nothing */
  assert_ok(shard_create(&writer, path, 5));
  assert_ok(shard_put(&writer, 0, samples, 2));
  assert_ok(shard_put(&writer, 3, samples + 3, 2));
  assert_false(is_there(path));
  assert_ok(shard_commit(&writer, items, 2, skipped, 3));
  shard_abort(&writer);
  assert_ok(shard_open(&shard, path, NULL));
  assert_int_equal(shard.count, 2);
  assert_int_equal(shard.skipped_count, 3);
  assert_string_equal(shard.items[0].text, "");
  assert_string_equal(shard.items[1].text, "\xc3\xa9");
  assert_string_equal(shard.items[1].metadata, "m");
  assert_string_equal(shard.skipped[0], "first");
  assert_string_equal(shard.skipped[1], "");
  assert_string_equal(shard.skipped[2], "third");
  assert_ok(shard_get(&shard, &shard.items[1], back));
  assert_memory_equal(back, samples + 3, 4);
  shard_close(&shard);
  assert_ok(shard_create(&writer, in_folder("t.h5"), 5));
  shard_abort(&writer);
  assert_false(is_there(in_folder("t.h5.tmp")));
  assert_fails(shard_create(&writer, in_folder("none/s.h5"), 5), ERR_IO, "cannot write");
  /* an utterance outside the samples, in a file that is otherwise sound */
  items[1].length = 3;
  assert_ok(shard_create(&writer, path = in_folder("s.h5"), 5));
  assert_ok(shard_commit(&writer, items, 2, NULL, 0));
  shard_abort(&writer);
  assert_fails(shard_open(&shard, path, NULL), ERR_DATA, "an utterance outside the samples");
  items[1] = items[0];
  items[1].text = "\xff";
  assert_ok(shard_create(&writer, path, 5));
  assert_ok(shard_commit(&writer, items, 2, NULL, 0));
  shard_abort(&writer);
  assert_fails(shard_open(&shard, path, NULL), ERR_DATA, "text that is not UTF-8");
}

/* The child of interrupted_packing_goes_on(). */
static int pack_child(const char *const *argv) {
  PackSettings settings = {.manifests = &argv[2],
                           .manifest_count = 1,
                           .out = argv[3],
                           .max_seconds = 40,
                           .shard_bytes = 150000,
                           .quiet = true};
  PackResult result;
  Status status = corpus_pack(&settings, &result);
  pack_result_free(&result);
  return status;
}

int main(int argc, char **argv) {
  if (argc == 4) return pack_child((const char *const *)argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, folder_teardown)
  const struct CMUnitTest tests[] = {
      TEST(what_goes_in_comes_out),
      TEST(several_threads_read),
      TEST(shards_keep_the_limit),
      TEST(strings_count_for_the_limit),
      TEST(packing_twice_gives_the_same_bytes),
      TEST(interrupted_packing_goes_on),
      TEST(the_disk_is_full),
      TEST(one_packer_at_a_time),
      TEST(other_sources_are_refused),
      TEST(bad_audio_is_named),
      TEST(a_little_longer_is_accepted),
      TEST(flipped_bits_are_seen),
      TEST(damaged_shards_are_not_resumed_from),
      TEST(other_shards_are_refused),
      TEST(indexes_that_lie),
      TEST(the_hash_is_of_the_content),
      TEST(shards_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
