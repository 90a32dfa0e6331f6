#include "src/base/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2048 };
static _Thread_local char text[TEXT_MAX];

Status (fail)(Status code, const char *format, ...) {
  char fresh[TEXT_MAX]; /* the arguments may point into `text` */
  va_list args;
  va_start(args, format);
  vsnprintf(fresh, sizeof fresh, format, args);
  va_end(args);
  memcpy(text, fresh, sizeof text);
  return code;
}

Status (fail_in)(Status code, const char *format, ...) {
  char context[TEXT_MAX], cause[TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(context, sizeof context, format, args);
  va_end(args);
  memcpy(cause, text, sizeof cause);
  size_t length = strlen(strcpy(text, context));
  snprintf(text + length, sizeof text - length, ": %s", cause);
  return code;
}

const char *fail_text(void) { return text; }

static void *check(void *block, unsigned long count, unsigned long size) {
  if (!block && count && size) {
    fprintf(stderr, "jargon: out of memory (asked for %lu x %lu bytes)\n", count, size);
    exit(ERR_MEMORY);
  }
  return block;
}

void *xcalloc(unsigned long count, unsigned long size) { return check(calloc(count ? count : 1, size ? size : 1), count, size); }

void *xrealloc(void *old, unsigned long count, unsigned long size) {
  if (size && count > SIZE_MAX / size) return check(NULL, count, size);
  return check(realloc(old, count && size ? count * size : 1), count, size);
}

char *xstrdup(const char *from) { return strcpy(xcalloc(strlen(from) + 1, 1), from); }

char *xprintf(const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  char *out = xcalloc((unsigned long)length + 1, 1);
  vsnprintf(out, (size_t)length + 1, format, again);
  va_end(again);
  va_end(args);
  return out;
}
