/* Preloaded into the program under test (LD_PRELOAD): counts the calls that change files under a folder and
 * writes them down, and at a chosen one kills the process or lets the disk be full.
 *
 *   FAULT_UNDER  the folder; what begins with its name (run.jargon-new) counts too
 *   FAULT_LOG    file for a line a call: "rename /tmp/run/checkpoint.tmp /tmp/run/checkpoint-00000005.h5"
 *   FAULT_AT     number, from 1, of the call where it happens:
 *   FAULT_DO     kill: SIGKILL instead of the call; of a write, half is made before
 *                full: that call and all later ones that need room fail with ENOSPC
 *   FAULT_KINDS  instead of these two: a file of kinds of calls (lines as above, numbers read as N); SIGKILL
 *                at the first call of another kind, which is added to the file */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { LINE = 9000 };

static bool under(const char *path) {
  const char *folder = getenv("FAULT_UNDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static void absolute(int folder, const char *path, char out[4096]) {
  char base[2048] = "", link[64];
  snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
  ssize_t n = path[0] == '/' ? 0 : readlink(link, base, sizeof base - 1);
  snprintf(out, 4096, "%.*s%s%s", n > 0 ? (int)n : 0, base, n > 0 && path[0] ? "/" : "", path);
}

static void append(const char *path, const char *line) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0666); /* not counted */
  if (fd < 0 || syscall(SYS_write, fd, line, strlen(line)) < 0 || syscall(SYS_close, fd) < 0) abort();
}

/* Whether the call is the first of its kind; then it no longer is. */
static bool new_kind(const char *line) {
  static char known[1 << 18];
  char kind[LINE + 1] = "\n";
  const char *path = getenv("FAULT_KINDS");
  if (!path) return false;
  size_t n = 1;
  for (const char *at = line; *at; at++)
    if (!isdigit((unsigned char)*at))
      kind[n++] = *at;
    else if (kind[n - 1] != 'N')
      kind[n++] = 'N';
  kind[n] = 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CREAT, 0666);
  ssize_t size = fd < 0 ? -1 : read(fd, known + 1, sizeof known - 2);
  if (size < 0) abort();
  syscall(SYS_close, fd);
  known[0] = '\n';
  known[size + 1] = 0;
  if (strstr(known, kind)) return false;
  append(path, kind + 1);
  return true;
}

/* Whether the disk is full for this call. `half` makes half of a write, then the process may be killed. */
static bool call(const char *name, const char *path, const char *to, bool needs_room, void (*half)(void *),
                 void *context) {
  static atomic_int count;
  char line[LINE];
  if (!under(path)) return false;
  int saved = errno;
  snprintf(line, sizeof line, "%s %s%s%s\n", name, path, to ? " " : "", to ? to : "");
  const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT"), *what = getenv("FAULT_DO");
  bool full = false;
  if (new_kind(line)) {
    if (half) half(context);
    raise(SIGKILL);
  }
  if (at) {
    int number = ++count, from = atoi(at);
    bool kill_here = what && strcmp(what, "kill") == 0;
    if (number == from && half) half(context);
    if (number == from && kill_here) raise(SIGKILL);
    full = number >= from && !kill_here && needs_room;
  }
  if (log) append(log, line);
  errno = full ? ENOSPC : saved;
  return full;
}

static bool call_fd(const char *name, int fd, bool needs_room, void (*half)(void *), void *context) {
  char path[4096];
  absolute(fd, "", path);
  return call(name, path, NULL, needs_room, half, context);
}

static bool call_path(const char *name, int folder, const char *path, bool needs_room) {
  char whole[4096];
  absolute(folder, path, whole);
  return call(name, whole, NULL, needs_room, NULL, NULL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

typedef struct Put {
  int fd;
  const void *data;
  size_t size;
  off_t at; /* -1: where the file stands */
} Put;

static void put_half(void *context) {
  const Put *put = context;
  ssize_t done = put->at < 0 ? REAL(write)(put->fd, put->data, put->size / 2)
                             : REAL(pwrite)(put->fd, put->data, put->size / 2, put->at);
  (void)done;
}

ssize_t write(int fd, const void *data, size_t size) {
  Put put = {fd, data, size, -1};
  return call_fd("write", fd, true, put_half, &put) ? -1 : REAL(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  Put put = {fd, data, size, at};
  return call_fd("pwrite", fd, true, put_half, &put) ? -1 : REAL(pwrite)(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return pwrite(fd, data, size, at); }

static bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

#define OPEN_AS(name)                                                                                        \
  int name(const char *path, int flags, ...) {                                                               \
    va_list rest;                                                                                            \
    va_start(rest, flags);                                                                                   \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                                \
    va_end(rest);                                                                                            \
    if (writes(flags) && call_path("open", AT_FDCWD, path, flags & O_CREAT)) return -1;                      \
    return REAL(name)(path, flags, mode);                                                                    \
  }
OPEN_AS(open)
OPEN_AS(open64)

#define FOPEN_AS(name)                                                                                       \
  FILE *name(const char *path, const char *mode) {                                                           \
    if (mode[0] != 'r' && call_path("open", AT_FDCWD, path, true)) return NULL;                              \
    return REAL(name)(path, mode);                                                                           \
  }
FOPEN_AS(fopen)
FOPEN_AS(fopen64)

static bool stream_writes(FILE *stream) { return writes(fcntl(fileno(stream), F_GETFL)); }

int fflush(FILE *stream) {
  if (stream && stream_writes(stream) && call_fd("flush", fileno(stream), true, NULL, NULL)) return EOF;
  return REAL(fflush)(stream);
}

int fclose(FILE *stream) {
  bool full =
      fileno(stream) >= 0 && stream_writes(stream) && call_fd("close", fileno(stream), true, NULL, NULL);
  int result = REAL(fclose)(stream);
  if (full) errno = ENOSPC;
  return full ? EOF : result;
}

int fsync(int fd) { return call_fd("fsync", fd, true, NULL, NULL) ? -1 : REAL(fsync)(fd); }

int ftruncate(int fd, off_t size) {
  return call_fd("truncate", fd, true, NULL, NULL) ? -1 : REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int rename(const char *from, const char *to) {
  char a[4096], b[4096];
  absolute(AT_FDCWD, from, a);
  absolute(AT_FDCWD, to, b);
  call("rename", a, b, false, NULL, NULL);
  return REAL(rename)(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  char a[4096], b[4096];
  absolute(from_folder, from, a);
  absolute(to_folder, to, b);
  call(flags ? "exchange" : "rename", a, b, false, NULL, NULL);
  return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode) {
  return call_path("mkdir", AT_FDCWD, path, true) ? -1 : REAL(mkdir)(path, mode);
}

int rmdir(const char *path) {
  call_path("rmdir", AT_FDCWD, path, false);
  return REAL(rmdir)(path);
}

int unlink(const char *path) {
  call_path("unlink", AT_FDCWD, path, false);
  return REAL(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags) {
  call_path("unlink", folder, path, false);
  return REAL(unlinkat)(folder, path, flags);
}
