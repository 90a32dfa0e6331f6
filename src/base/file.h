/* Whole files read with a size limit, and files and folders written so that a reader or a crash never sees
 * half of one: written under a temporary name, fsynced, renamed, and the folder fsynced. */
#ifndef JARGON_BASE_FILE_H
#define JARGON_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "src/base/status.h"

/* Reads a regular file of at most `limit` bytes; *data is NUL-terminated and the caller's to free. */
Status file_read(const char *path, size_t limit, char **data, size_t *size);

/* A file being written aside.  Between open and commit write to `stream` (or to `temp` by other means, before
 * commit); commit makes it appear as `path`; abort (also after a failed commit, or on a zeroed struct)
 * removes it. */
typedef struct AtomicFile {
  FILE *stream;
  char *path, *temp;
} AtomicFile;

Status atomic_open(AtomicFile *file, const char *path);
Status atomic_commit(AtomicFile *file);
void atomic_abort(AtomicFile *file);

/* The same for `size` bytes at once. */
Status file_write(const char *path, const void *data, size_t size);

/* fsyncs `from`, renames it to `to` (replacing a file) and fsyncs the folder of `to`. */
Status file_publish(const char *from, const char *to);

/* Makes the folder and the missing ones above it. */
Status folder_make(const char *path);

/* Removes the files whose names match the glob: what a killed run left under temporary names. The caller
 * holds the folder's lock. */
void folder_sweep(const char *path, const char *pattern);

/* fsyncs the folder itself (names created or renamed in it). */
Status folder_sync(const char *path);

/* Takes the lock file `path`/.lock for as long as the process lives: ERR_LOCKED when another run holds it. */
Status folder_lock(const char *path, int *lock);
void folder_unlock(int lock);

/* "folder/name", the caller's to free. */
char *path_join(const char *folder, const char *name);

#endif
