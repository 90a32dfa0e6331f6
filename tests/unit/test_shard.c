/* Shards and the index: no damage is believed, whatever bit it is in; a shard by itself. */
#include "tests/unit/packed.h"

#include <fcntl.h>
#include <xxhash.h>

#include "src/corpus/shard.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(flipped_bits_are_seen),
      TEST(damaged_shards_are_not_resumed_from),
      TEST(other_shards_are_refused),
      TEST(indexes_that_lie),
      TEST(shards_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
