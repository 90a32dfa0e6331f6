/* The packed corpus: what goes in comes out; interrupted packing ends in the same bytes; bad audio is named.
 */
#include "tests/unit/packed.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "src/corpus/index.h"
#include "src/corpus/manifest.h"

static void shell(char *command) {
  assert_int_equal(system(command), 0);
  free(command);
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
      TEST(the_hash_is_of_the_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
