#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

Status file_read(const char *path, size_t limit, char **data, size_t *size) {
  Status status = OK;
  struct stat info;
  char *block = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang */
  if (fd < 0) return fail(ERR_IO, "cannot open %s: %s", path, strerror(errno));
  if (fstat(fd, &info) != 0) TRY(fail(ERR_IO, "cannot read %s: %s", path, strerror(errno)));
  if (!S_ISREG(info.st_mode)) TRY(fail(ERR_DATA, "%s is not a regular file", path));
  if ((size_t)info.st_size > limit)
    TRY(fail(ERR_DATA, "%s has %lld bytes; at most %zu are accepted", path, (long long)info.st_size, limit));
  block = xcalloc((size_t)info.st_size + 1, 1);
  size_t have = 0;
  while (have < (size_t)info.st_size) {
    ssize_t got = read(fd, block + have, (size_t)info.st_size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) TRY(fail(ERR_IO, "cannot read %s: %s", path, strerror(errno)));
    if (got == 0) TRY(fail(ERR_IO, "%s became shorter while it was read", path));
    have += (size_t)got;
  }
  *data = block;
  if (size) *size = have;
  block = NULL;
done:
  free(block);
  close(fd);
  return status;
}

Status folder_sync(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(ERR_IO, "cannot open the folder %s: %s", path, strerror(errno));
  int wrong = fsync(fd) != 0 && errno != EINVAL; /* EINVAL: a file system without it */
  int why = errno;
  close(fd);
  return wrong ? fail(ERR_IO, "cannot sync the folder %s: %s", path, strerror(why)) : OK;
}

void folder_sweep(const char *path, const char *pattern) {
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    if (fnmatch(pattern, entry->d_name, 0) == 0) unlinkat(dirfd(folder), entry->d_name, 0);
  if (folder) closedir(folder);
}

static Status sync_parent(const char *path) {
  char *copy = xstrdup(path);
  Status status = folder_sync(dirname(copy));
  free(copy);
  return status;
}

Status file_publish(const char *from, const char *to) {
  int fd = open(from, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(ERR_IO, "cannot open %s: %s", from, strerror(errno));
  int wrong = fsync(fd) != 0, why = errno;
  close(fd);
  if (wrong) return fail(ERR_IO, "cannot sync %s: %s", from, strerror(why));
  if (rename(from, to) != 0) return fail(ERR_IO, "cannot rename %s to %s: %s", from, to, strerror(errno));
  return sync_parent(to);
}

Status atomic_open(AtomicFile *file, const char *path) {
  struct stat info;
  *file = (AtomicFile){0};
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
    return fail(ERR_IO, "cannot write %s: it is a folder; give the name of a file", path);
  *file = (AtomicFile){.path = xstrdup(path), .temp = xprintf("%s.tmp-%ld", path, (long)getpid())};
  file->stream = fopen(file->temp, "wbe");
  if (file->stream) return OK;
  Status status = fail(ERR_IO, "cannot write %s: %s", path, strerror(errno));
  atomic_abort(file);
  return status;
}

Status atomic_commit(AtomicFile *file) {
  Status status = OK;
  int bad = ferror(file->stream);
  bad |= fclose(file->stream) != 0;
  file->stream = NULL;
  if (bad) TRY(fail(ERR_IO, "cannot write %s: %s", file->temp, strerror(errno)));
  TRY(file_publish(file->temp, file->path));
  free(file->temp);
  file->temp = NULL;
done:
  atomic_abort(file);
  return status;
}

void atomic_abort(AtomicFile *file) {
  if (file->stream) fclose(file->stream);
  if (file->temp) unlink(file->temp);
  free(file->temp);
  free(file->path);
  *file = (AtomicFile){0};
}

Status file_write(const char *path, const void *data, size_t size) {
  AtomicFile file;
  Status status = atomic_open(&file, path);
  if (status != OK) return status;
  if (fwrite(data, 1, size, file.stream) != size) {
    status = fail(ERR_IO, "cannot write %s: %s", path, strerror(errno));
    atomic_abort(&file);
    return status;
  }
  return atomic_commit(&file);
}

Status folder_make(const char *path) {
  Status status = OK;
  if (!*path) return fail(ERR_IO, "cannot make the folder \"\": it has no name");
  char *part = xstrdup(path);
  for (char *slash = part + 1;; slash++) {
    if (*slash && *slash != '/') continue;
    char end = *slash;
    *slash = 0;
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      TRY(fail(ERR_IO, "cannot make the folder %s: %s", part, strerror(errno)));
    *slash = end;
    if (!end) break;
  }
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) TRY(fail(ERR_IO, "%s is not a folder", path));
done:
  free(part);
  return status;
}

Status folder_lock(const char *path, int *lock) {
  char *name = path_join(path, ".lock");
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  Status status = OK;
  if (fd < 0) TRY(fail(ERR_IO, "cannot open %s: %s", name, strerror(errno)));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    status = errno == EWOULDBLOCK
                 ? fail(ERR_LOCKED, "another run is using the folder %s; wait for it or stop it", path)
                 : fail(ERR_IO, "cannot lock %s: %s", name, strerror(errno));
    close(fd);
    goto done;
  }
  *lock = fd;
done:
  free(name);
  return status;
}

void folder_unlock(int lock) { close(lock); }

char *path_join(const char *folder, const char *name) {
  if (name[0] == '/' || !folder[0]) return xstrdup(name);
  return xprintf(folder[strlen(folder) - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}
