/* Checkpoints: what is saved comes back; two are kept; no damaged one is believed, whatever byte is wrong. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/train/checkpoint.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { WEIGHTS = 300000 /* two chunks */, BUFFERS = 6 };
static char folder[64];
static TrainArrays arrays;

static void fill(float base) {
  for (int i = 0; i < WEIGHTS; i++) {
    arrays.weights[i] = base + (float)i;
    arrays.moment1[i] = base - (float)i;
    arrays.moment2[i] = base * (float)i;
  }
  for (int i = 0; i < BUFFERS; i++) arrays.buffers[i] = base + 0.5f * (float)i;
}

static bool filled(float base) {
  for (int i = 0; i < WEIGHTS; i++)
    if (arrays.weights[i] != base + (float)i || arrays.moment1[i] != base - (float)i ||
        arrays.moment2[i] != base * (float)i)
      return false;
  for (int i = 0; i < BUFFERS; i++)
    if (arrays.buffers[i] != base + 0.5f * (float)i) return false;
  return true;
}

/* Every field its own value, from `base`. */
static TrainState make_state(int64_t step) {
  TrainState state;
  double next = (double)step;
#define X(name) state.name = (int64_t)(next += 1);
  TRAIN_COUNTERS(X)
#undef X
#define X(name) state.name = (next += 1) / 3;
  TRAIN_MEASURES(X)
#undef X
  state.step = step;
  return state;
}

static void save(int64_t step) {
  TrainState state = make_state(step);
  fill((float)step);
  assert_int_equal(checkpoint_save(folder, &state, &arrays, "seed: 1\nrate: 2\n"), OK);
  fill(-1);
}

/* Loads; expects the checkpoint of that step, all of it. */
static void expect(int64_t step, bool damaged) {
  TrainState state, right = make_state(step);
  char *identity, *notice;
  bool found;
  assert_int_equal(checkpoint_load(folder, &found, &state, &arrays, &identity, &notice), OK);
  assert_true(found);
#define X(name) assert_true(state.name == right.name);
  TRAIN_COUNTERS(X)
  TRAIN_MEASURES(X)
#undef X
  assert_true(filled((float)step));
  assert_string_equal(identity, "seed: 1\nrate: 2\n");
  assert_int_equal(notice != NULL, damaged);
  free(identity), free(notice);
}

static char *file_of(int64_t step) { return xprintf("%s/checkpoint-%08lld.h5", folder, (long long)step); }

static void what_is_saved_comes_back(void **state) {
  (void)state;
  TrainState none;
  char *identity, *notice;
  bool found = true;
  assert_int_equal(checkpoint_load(folder, &found, &none, &arrays, &identity, &notice), OK);
  assert_false(found);
  save(7);
  expect(7, false);
}

static void two_latest_are_kept(void **state) {
  (void)state;
  for (int64_t step = 99999998; step <= 100000001; step++) save(step); /* the names grow longer on the way */
  for (int64_t step = 99999998; step <= 100000001; step++) {
    char *path = file_of(step);
    assert_int_equal(access(path, F_OK) == 0, step >= 100000000);
    free(path);
  }
  expect(100000001, false);
  char *temp = path_join(folder, "checkpoint.tmp");
  assert_int_not_equal(access(temp, F_OK), 0);
  free(temp);
}

/* Flips one bit at `place` of the file, or cuts it there. */
static void damage(const char *path, long place, bool cut) {
  if (cut) {
    assert_int_equal(truncate(path, place), 0);
    return;
  }
  FILE *stream = fopen(path, "r+b");
  assert_int_equal(fseek(stream, place, SEEK_SET), 0);
  int byte = fgetc(stream);
  assert_int_equal(fseek(stream, place, SEEK_SET), 0);
  fputc(byte ^ 4, stream);
  assert_int_equal(fclose(stream), 0);
}

static void damaged_ones_are_passed_over(void **state) {
  (void)state;
  save(1);
  struct stat info;
  char *path = file_of(2);
  for (int i = 0; i <= 40; i++) { /* bits from the first byte to the last; then cuts */
    save(2);
    assert_int_equal(stat(path, &info), 0);
    long place = (long)((double)(info.st_size - 1) * (i % 21) / 20);
    damage(path, place, i > 20);
    expect(1, true);
  }
  free(path);
}

static void all_damaged_is_an_error(void **state) {
  (void)state;
  TrainState loaded;
  char *identity, *notice;
  bool found;
  save(1), save(2);
  for (int64_t step = 1; step <= 2; step++) {
    char *path = file_of(step);
    damage(path, 5000, false);
    free(path);
  }
  assert_int_equal(checkpoint_load(folder, &found, &loaded, &arrays, &identity, &notice), ERR_DATA);
  assert_non_null(strstr(fail_text(), "no checkpoint can be used"));
  assert_non_null(strstr(fail_text(), "checkpoint-00000001.h5 is damaged"));
}

static void another_models_checkpoint_is_refused(void **state) {
  (void)state;
  TrainState loaded;
  char *identity, *notice;
  bool found;
  save(1);
  TrainArrays other = arrays;
  other.weight_count--;
  assert_int_equal(checkpoint_load(folder, &found, &loaded, &other, &identity, &notice), ERR_DATA);
  assert_non_null(strstr(fail_text(), "another model"));
}

static void a_full_disk_is_an_error(void **state) {
  (void)state;
  char *temp = path_join(folder, "checkpoint.tmp");
  save(1);
  assert_int_equal(symlink("/dev/full", temp), 0);
  TrainState loaded = make_state(2);
  assert_int_equal(checkpoint_save(folder, &loaded, &arrays, "x: 1\n"), ERR_IO);
  expect(1, false);
  free(temp);
}

static void differences_are_named(void **state) {
  (void)state;
  assert_null(identity_difference("a: 1\nb: 2\n", "a: 1\nb: 2\n"));
  char *text = identity_difference("a: 1\nb: 2\nc: 3\n", "a: 1\nb: 4\nc: 5\n");
  assert_string_equal(text, "was `b: 2`, is now `b: 4`");
  free(text);
  text = identity_difference("a: 1\n", "a: 1\nb: 2\n");
  assert_string_equal(text, "was ``, is now `b: 2`");
  free(text);
}

static int setup(void **state) {
  (void)state;
  strcpy(folder, "/tmp/jargon-checkpoint-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  char *command = xprintf("rm -r %s", folder);
  int code = system(command);
  free(command);
  return code;
}

int main(void) {
  arrays = (TrainArrays){
      xcalloc(WEIGHTS, 4), xcalloc(WEIGHTS, 4), xcalloc(WEIGHTS, 4), xcalloc(BUFFERS, 4), WEIGHTS, BUFFERS};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(what_is_saved_comes_back),
      TEST(two_latest_are_kept),
      TEST(damaged_ones_are_passed_over),
      TEST(all_damaged_is_an_error),
      TEST(another_models_checkpoint_is_refused),
      TEST(a_full_disk_is_an_error),
      cmocka_unit_test(differences_are_named),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(arrays.weights), free(arrays.moment1), free(arrays.moment2), free(arrays.buffers);
  return failed;
}
