#include "src/text/charsmap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT_MAX = 64 }; /* bytes; the longest of NFKC has 33 */

struct Charsmap {
  char *bytes;       /* the decoded file part: size of the trie, trie, replacements */
  uint32_t units;    /* of the trie */
  const char *texts; /* the replacements, each ended by NUL */
  size_t texts_size;
};

static int base64_digit(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

static Status base64_decode(const char *text, char **bytes, size_t *size) {
  size_t length = strlen(text), have = 0;
  while (length && text[length - 1] == '=') length--;
  char *out = xcalloc(length + 1, 1);
  uint32_t bits = 0;
  for (size_t i = 0; i < length; i++) {
    int digit = base64_digit(text[i]);
    if (digit < 0) {
      free(out);
      return fail(ERR_DATA, "precompiled_charsmap is not base64 at character %zu", i);
    }
    bits = bits << 6 | (uint32_t)digit;
    if (i % 4) out[have++] = (char)(bits >> (6 - 2 * (i % 4)));
  }
  *bytes = out;
  *size = have;
  return OK;
}

static uint32_t read_u32(const char *bytes) {
  const unsigned char *b = (const unsigned char *)bytes;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

Status charsmap_new(Charsmap **out, const char *base64) {
  Status status = OK;
  size_t size = 0;
  Charsmap *map = xcalloc(1, sizeof *map);
  TRY(base64_decode(base64, &map->bytes, &size));
  uint32_t trie = size >= 4 ? read_u32(map->bytes) : 0;
  if (!trie || trie % 4 || trie > size - 4)
    TRY(fail(ERR_DATA, "precompiled_charsmap: a trie of %u bytes in %zu bytes", trie, size));
  map->units = trie / 4;
  map->texts = map->bytes + 4 + trie;
  map->texts_size = size - 4 - trie;
  if (!map->texts_size || map->texts[map->texts_size - 1])
    TRY(fail(ERR_DATA, "precompiled_charsmap: the last replacement does not end"));
  for (size_t at = 0, length; at < map->texts_size; at += length + 1) {
    length = strlen(map->texts + at);
    if (length > REPLACEMENT_MAX)
      TRY(fail(ERR_DATA, "precompiled_charsmap: a replacement has %zu bytes; at most %d are accepted", length,
               REPLACEMENT_MAX));
    TRY(utf8_check(map->texts + at, length));
  }
  *out = map;
  map = NULL;
done:
  charsmap_free(map);
  return status;
}

void charsmap_free(Charsmap *map) {
  if (map) free(map->bytes);
  free(map);
}

static uint32_t unit_at(const Charsmap *map, uint32_t at) {
  return at < map->units ? read_u32(map->bytes + 4 + 4 * (size_t)at) : 0;
}

/* A unit's layout (Yata's darts-clone): byte 0 the label, bit 8 has a leaf, bit 9 widens the offset,
 * bits 10.. offset; a leaf has bit 31 and the value below. */
static uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }

/* The replacement of the shortest entry that `text` begins with; NULL: none. */
static const char *lookup(const Charsmap *map, const char *text, size_t size) {
  uint32_t at = unit_offset(unit_at(map, 0));
  for (size_t i = 0; i < size && text[i]; i++) {
    at ^= (unsigned char)text[i];
    uint32_t unit = unit_at(map, at);
    if ((unit & (1u << 31 | 0xFF)) != (unsigned char)text[i]) return NULL;
    at ^= unit_offset(unit);
    if (unit >> 8 & 1) {
      uint32_t value = unit_at(map, at) & ~(1u << 31);
      bool begins = value < map->texts_size && (value == 0 || map->texts[value - 1] == 0);
      return begins ? map->texts + value : NULL;
    }
  }
  return NULL;
}

static bool replace(const Charsmap *map, const char *text, size_t size, Buffer *out) {
  const char *replacement = lookup(map, text, size);
  if (replacement) buffer_append(out, replacement, strlen(replacement));
  return replacement;
}

void charsmap_apply(const Charsmap *map, const char *text, size_t size, Buffer *out) {
  for (size_t begin = 0; begin < size;) {
    size_t end = begin; /* of the grapheme */
    utf8proc_int32_t last = 0, next, state = 0;
    while (end < size) {
      utf8proc_iterate((const utf8proc_uint8_t *)text + end, (utf8proc_ssize_t)(size - end), &next);
      if (end > begin && utf8proc_grapheme_break_stateful(last, next, &state)) break;
      last = next;
      end += (size_t)utf8_length(text + end);
    }
    if (end - begin >= 6 || !replace(map, text + begin, end - begin, out))
      for (size_t at = begin; at < end; at += (size_t)utf8_length(text + at)) {
        size_t length = (size_t)utf8_length(text + at);
        if (!replace(map, text + at, length, out)) buffer_append(out, text + at, length);
      }
    begin = end;
  }
}
