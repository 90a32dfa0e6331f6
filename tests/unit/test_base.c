/* Errors and their texts, arenas, the progress line. */
#include "tests/unit/support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "src/base/arena.h"
#include "src/base/progress.h"

/* ---- errors ---- */

static void texts_are_kept(void **state) {
  (void)state;
  assert_int_equal((fail)(ERR_DATA, "%s:%d: bad", "file", 3), ERR_DATA);
  assert_string_equal(fail_text(), "file:3: bad");
  assert_int_equal(fail_in(ERR_IO, "reading %s", "list"), ERR_IO);
  assert_string_equal(fail_text(), "reading list: file:3: bad");
  (fail)(ERR_DATA, "again: %s", fail_text()); /* the argument is the text that is replaced */
  assert_string_equal(fail_text(), "again: reading list: file:3: bad");
  fail_in(ERR_DATA, "%s", fail_text());
  assert_string_equal(fail_text(), "again: reading list: file:3: bad: again: reading list: file:3: bad");
}

static void long_texts_are_cut(void **state) {
  (void)state;
  char *big = xcalloc(100001, 1);
  memset(big, 'x', 100000);
  (fail)(ERR_DATA, "%s", big);
  size_t size = strlen(fail_text());
  assert_true(size > 1000 && size < 10000);
  fail_in(ERR_DATA, "%s", big);
  assert_int_equal(strlen(fail_text()), size);
  (fail)(ERR_DATA, "short");
  fail_in(ERR_DATA, "%.*s", (int)size - 3, big); /* room for ": " alone */
  assert_int_equal(strlen(fail_text()), size);
  free(big);
}

static void *fails_elsewhere(void *unused) {
  (fail)(ERR_IO, "elsewhere");
  return unused;
}

static void threads_have_their_own(void **state) {
  (void)state;
  pthread_t thread;
  (fail)(ERR_DATA, "here");
  assert_int_equal(pthread_create(&thread, NULL, fails_elsewhere, NULL), 0);
  pthread_join(thread, NULL);
  assert_string_equal(fail_text(), "here");
}

static Status second_fails(int *calls, int which) {
  Status status = OK;
  for (int i = 0; i < 3; i++, ++*calls) TRY(i == which ? (fail)(ERR_USAGE, "call %d", i) : OK);
done:
  return status;
}

static void try_stops_at_the_first(void **state) {
  (void)state;
  int calls = 0;
  assert_int_equal(second_fails(&calls, 1), ERR_USAGE);
  assert_int_equal(calls, 1);
  calls = 0;
  assert_int_equal(second_fails(&calls, 7), OK);
  assert_int_equal(calls, 3);
}

/* The exit code of a child that asks for too much. */
static int exit_code_of(void (*ask)(void)) {
  int code;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    ask();
    _exit(0);
  }
  waitpid(child, &code, 0);
  return WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code);
}

static void too_many(void) { xcalloc(1UL << 62, 1UL << 62); }
static void too_many_again(void) { xrealloc(NULL, 1UL << 62, 1UL << 62); }

static void too_large(void) {
  setrlimit(RLIMIT_AS, &(struct rlimit){1 << 30, 1 << 30});
  xrealloc(xcalloc(1, 1), 1UL << 40, 1);
}

static void memory_that_is_not_there_ends_the_program(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  print_message("NOT CHECKED: sanitizers have their own answer to too large a request\n");
  skip();
#endif
  assert_int_equal(exit_code_of(too_many), ERR_MEMORY);
  assert_int_equal(exit_code_of(too_many_again), ERR_MEMORY);
  assert_int_equal(exit_code_of(too_large), ERR_MEMORY);
}

static void allocations(void **state) {
  (void)state;
  char *none = xcalloc(0, 8), *more = xrealloc(NULL, 0, 8);
  assert_non_null(none);
  assert_non_null(more);
  int *zero = xcalloc(1000, sizeof *zero);
  for (int i = 0; i < 1000; i++) assert_int_equal(zero[i], 0);
  zero[999] = 7;
  zero = xrealloc(zero, 2000, sizeof *zero);
  assert_int_equal(zero[999], 7);
  char *text = xprintf("%s-%d", "abc", 12), *copy = xstrdup(text);
  assert_string_equal(copy, "abc-12");
  assert_ptr_not_equal(copy, text);
  free(none), free(more), free(zero), free(text), free(copy);
}

/* ---- arenas ---- */

static void arenas_measure_and_give(void **state) {
  (void)state;
  Arena measure = {0};
  size_t sizes[] = {1, 256, 257, 0, 1000}, at[5];
  for (int i = 0; i < 5; i++) {
    at[i] = measure.used;
    assert_non_null(arena_take(&measure, sizes[i]));
  }
  assert_int_equal(measure.used, 256 + 256 + 512 + 0 + 1024);
  arena_release(&measure, at[2]);
  assert_int_equal(measure.used, 512);
  assert_int_equal(measure.peak, 2048);

  char *block = aligned_alloc(256, measure.peak);
  Arena arena = {.base = block, .size = measure.peak};
  for (int i = 0; i < 5; i++) {
    char *taken = arena_take(&arena, sizes[i]);
    assert_ptr_equal(taken, block + at[i]);
    memset(taken, i, sizes[i]);
  }
  assert_int_equal(arena.peak, measure.peak); /* exactly what was measured fits */
  arena_release(&arena, 0);
  assert_ptr_equal(arena_take(&arena, 2048), block);
  free(block);
}

static void take_too_much(void) {
  static char block[512];
  Arena arena = {.base = block, .size = sizeof block};
  arena_take(&arena, 300);
  arena_take(&arena, 1);
}
static void take_the_impossible(void) { arena_take(&(Arena){0}, SIZE_MAX - 10); }
static void release_ahead(void) { arena_release(&(Arena){.used = 256}, 512); }

static void arenas_assert(void **state) {
  (void)state;
  assert_int_equal(exit_code_of(take_too_much), -SIGABRT);
  assert_int_equal(exit_code_of(take_the_impossible), -SIGABRT);
  assert_int_equal(exit_code_of(release_ahead), -SIGABRT);
}

/* ---- progress ---- */

/* What the steps print to stderr, not a terminal: *age seconds pass before each. */
static char *printed(double total, const double *done, int count, double age, const char *extra) {
  char *path = xstrdup(in_folder("stderr"));
  int kept = dup(STDERR_FILENO);
  assert_non_null(freopen(path, "w", stderr));
  Progress progress;
  progress_start(&progress, "pack", "h", total);
  for (int i = 0; i < count; i++) {
    progress_update(&progress, done[i], extra);
    progress.began -= age;
    progress.due -= age;
  }
  progress_end(&progress);
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  char *text = text_of(path);
  free(path);
  return text;
}

static void expect_lines(const char *text, int count) {
  int lines = 0;
  for (const char *at = text; (at = strchr(at, '\n')); at++) lines++;
  if (lines != count) fail_msg("%d lines, not %d: %s", lines, count, text);
  assert_null(strchr(text, '\r')); /* a file is not a terminal */
  assert_null(strchr(text, '\033'));
}

static void progress_lines(void **state) {
  (void)state;
  static const double done[] = {2, 3, 4, 5, 10};
  char *quick = printed(10, done, 5, 0.1, NULL);
  expect_lines(quick, 0);
  free(quick);

  char *text = printed(10, done, 5, 11, "shard 2"); /* a line from the second update on, and one at the end */
  expect_lines(text, 5);
  /* the first was at 2, 11 s before: 1 in 11 s, so 7 more take 77 s */
  static const char first[] = "pack  3.0 of 10.0 h (30 %), 0.091 h/s, 1:17 left, shard 2\n";
  if (strncmp(text, first, sizeof first - 1)) fail_msg("%s", text);
  assert_non_null(strstr(text, "pack  10.0 of 10.0 h (100 %), 0.182 h/s, shard 2\n"));
  free(text);

  text = printed(0, done, 5, 11, NULL); /* unknown total: no share, no time left */
  expect_lines(text, 5);
  if (strncmp(text, "pack  3.0 h, 0.091 h/s\n", 23)) fail_msg("%s", text);
  free(text);

  static const double slow[] = {0, 1};
  text = printed(1000, slow, 2, 11, NULL);
  if (!strstr(text, ", 3:03:09 left\n")) fail_msg("%s", text); /* 999 times 11 s */
  free(text);
  text = printed(1000, slow, 0, 11, NULL); /* never updated */
  expect_lines(text, 0);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_are_kept),
      cmocka_unit_test(long_texts_are_cut),
      cmocka_unit_test(threads_have_their_own),
      cmocka_unit_test(try_stops_at_the_first),
      cmocka_unit_test(memory_that_is_not_there_ends_the_program),
      cmocka_unit_test(allocations),
      cmocka_unit_test(arenas_measure_and_give),
      cmocka_unit_test(arenas_assert),
      cmocka_unit_test_setup_teardown(progress_lines, folder_setup, folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
