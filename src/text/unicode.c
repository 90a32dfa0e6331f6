#include "src/text/unicode.h"

#include <string.h>
#include <utf8proc.h>

void buffer_append(Buffer *buffer, const char *bytes, size_t count) {
  if (buffer->used + count + 1 > buffer->size) {
    buffer->size = (buffer->used + count + 1) * 2;
    buffer->data = xrealloc(buffer->data, buffer->size, 1);
  }
  memcpy(buffer->data + buffer->used, bytes, count);
  buffer->used += count;
  buffer->data[buffer->used] = 0;
}

void buffer_append_codepoint(Buffer *buffer, int32_t codepoint) {
  utf8proc_uint8_t bytes[4] = {0};
  buffer_append(buffer, (const char *)bytes, (size_t)utf8proc_encode_char(codepoint, bytes));
}

bool unicode_is_space(int32_t codepoint) {
  if (codepoint < 0x80) return codepoint == ' ' || (codepoint >= '\t' && codepoint <= '\r');
  if (codepoint == 0x85) return true;
  utf8proc_category_t category = utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

Status utf8_check(const char *text, size_t size) {
  for (size_t at = 0; at < size;) {
    if ((signed char)text[at] >= 0) {
      at++;
      continue;
    }
    utf8proc_int32_t codepoint;
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(size - at), &codepoint);
    if (length <= 0)
      return fail(ERR_DATA, "the text is not UTF-8 at byte %zu (0x%02X)", at, (unsigned char)text[at]);
    at += (size_t)length;
  }
  return OK;
}

int utf8_length(const char *text) {
  unsigned char first = (unsigned char)*text;
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}
