#include "src/train/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"

Status log_open(Log *log, const char *folder, int64_t length) {
  Status status = OK;
  *log = (Log){.path = path_join(folder, "log.jsonl"), .length = length};
  log->stream = fopen(log->path, "abe");
  // cppcheck-suppress seekOnAppendedFile ; for ftell()
  if (!log->stream || fseek(log->stream, 0, SEEK_END) != 0)
    TRY(fail(ERR_IO, "cannot open %s: %s", log->path, strerror(errno)));
  if (ftell(log->stream) < length)
    TRY(fail(ERR_DATA,
             "%s has %ld bytes, but %lld when the checkpoint was written: put it back, or begin anew with "
             "another --out",
             log->path, ftell(log->stream), (long long)length));
  if (ftruncate(fileno(log->stream), length) != 0)
    TRY(fail(ERR_IO, "cannot cut %s: %s", log->path, strerror(errno)));
done:
  if (status != OK) log_close(log);
  return status;
}

void log_close(Log *log) {
  if (log->stream) fclose(log->stream);
  free(log->path);
  *log = (Log){0};
}

Status log_write(Log *log, json_t *line) {
  char *text = json_dumps(line, JSON_COMPACT);
  json_decref(line);
  int written = fprintf(log->stream, "%s\n", text);
  free(text);
  if (written < 0 || fflush(log->stream) != 0)
    return fail(ERR_IO, "cannot write %s: %s", log->path, strerror(errno));
  log->length += written;
  return OK;
}

Status log_sync(Log *log) {
  if (fsync(fileno(log->stream)) != 0) return fail(ERR_IO, "cannot sync %s: %s", log->path, strerror(errno));
  return OK;
}
