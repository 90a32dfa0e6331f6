/* sentencepiece's precompiled character map, as tokenizer.json carries it: a double-array trie of what to replace,
 * and the replacements. Hostile: every index is checked. */
#ifndef JARGON_TEXT_CHARSMAP_H
#define JARGON_TEXT_CHARSMAP_H

#include "src/base/status.h"
#include "src/text/unicode.h"

typedef struct Charsmap Charsmap;

Status charsmap_new(Charsmap **out, const char *base64);
void charsmap_free(Charsmap *map);

/* Appends the mapped text. As Hugging Face's tokenizers do it: a grapheme of less than six bytes is looked up whole,
 * then each of its characters. */
void charsmap_apply(const Charsmap *map, const char *text, size_t size, Buffer *out);

#endif
