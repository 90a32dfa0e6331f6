/* log.jsonl: one JSON object a line. After a resumption every step stands in it once: the file is cut back to
 * the length that the checkpoint recorded. */
#ifndef JARGON_TRAIN_LOG_H
#define JARGON_TRAIN_LOG_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/status.h"

typedef struct Log {
  FILE *stream;
  char *path;
  int64_t length; /* bytes */
} Log;

/* Opens <folder>/log.jsonl and cuts it to `length` bytes; a shorter one is ERR_DATA. */
Status log_open(Log *log, const char *folder, int64_t length);
void log_close(Log *log);

/* Writes the object as a line; takes the reference. */
Status log_write(Log *log, json_t *line);

/* fsyncs. */
Status log_sync(Log *log);

#endif
