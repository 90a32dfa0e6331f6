/* What the text code shares about UTF-8 and Unicode (utf8proc does the rest). */
#ifndef JARGON_TEXT_UNICODE_H
#define JARGON_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

/* A growing string, always NUL-terminated after the first append; free(data). */
typedef struct Buffer {
  char *data;
  size_t used, size;
} Buffer;

void buffer_append(Buffer *buffer, const char *bytes, size_t count);
void buffer_append_codepoint(Buffer *buffer, int32_t codepoint);

/* The property White_Space. */
bool unicode_is_space(int32_t codepoint);

/* ERR_DATA with the offset of the first byte that is not UTF-8. */
Status utf8_check(const char *text, size_t size);

/* Bytes of the character that begins at `text`, valid UTF-8. */
int utf8_length(const char *text);

#endif
