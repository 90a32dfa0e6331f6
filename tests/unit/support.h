/* What unit tests share: cmocka, checks of a Status and its text, and a folder of the test's own. */
#ifndef JARGON_TESTS_UNIT_SUPPORT_H
#define JARGON_TESTS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/status.h"

#include <cmocka.h> /* last: it makes a macro of fail */

#define assert_ok(call)                                                                                      \
  do {                                                                                                       \
    if ((call) != OK) fail_msg("%s: %s", #call, fail_text());                                                \
  } while (0)

/* The call fails with that code, and its text has these words. */
#define assert_fails(call, code, words)                                                                      \
  do {                                                                                                       \
    Status failed_with = (call);                                                                             \
    if (failed_with != (code))                                                                               \
      fail_msg("%s is %d, not %d: %s", #call, (int)failed_with, (int)(code), fail_text());                   \
    if (!strstr(fail_text(), words)) fail_msg("'%s' does not say '%s'", fail_text(), words);                 \
  } while (0)

static char test_folder[64];

static inline int folder_setup(void **state) {
  (void)state;
  bool shm = access("/dev/shm", W_OK) == 0; /* in memory: no test waits for a disk */
  strcpy(test_folder, shm ? "/dev/shm/jargon-test-XXXXXX" : "/tmp/jargon-test-XXXXXX");
  return mkdtemp(test_folder) ? 0 : -1;
}

static inline int folder_teardown(void **state) {
  (void)state;
  char *command = xprintf("rm -rf %s", test_folder);
  int code = system(command);
  free(command);
  return code;
}

/* A path in the test's folder; the last 64 stay valid. */
static inline const char *in_folder(const char *name) {
  static char *kept[64];
  static int next;
  char **place = &kept[next++ % 64];
  free(*place);
  return *place = path_join(test_folder, name);
}

static inline bool is_there(const char *path) { return access(path, F_OK) == 0; }

/* The whole file as a string, the caller's to free. */
__attribute__((unused, noinline)) static char *text_of(const char *path) {
  char *text = NULL;
  assert_ok(file_read(path, (size_t)1 << 30, &text, NULL));
  return text;
}

#endif
