/* What happens to a text before its pieces are looked up: the `normalizer` and `pre_tokenizer` of tokenizer.json.
 *
 * normalizers     NFC NFD NFKC NFKD, Lowercase, Strip, Prepend, Precompiled, Sequence,
 *                 Replace of a string or of the regular expression " {2,}"
 * pre-tokenizers  Metaspace (prepend scheme always or never), WhitespaceSplit, Sequence
 *
 * Anything else is an error. Meanings are those of Hugging Face's tokenizers library. */
#ifndef JARGON_TEXT_PRETOKENIZE_H
#define JARGON_TEXT_PRETOKENIZE_H

#include <jansson.h>

#include "src/base/status.h"
#include "src/text/unicode.h"

typedef struct Pretokenizer Pretokenizer;

/* Both may be NULL or JSON null: nothing is done. */
Status pretokenizer_new(Pretokenizer **out, const json_t *normalizer, const json_t *pre_tokenizer);
void pretokenizer_free(Pretokenizer *pretokenizer);

/* Piece i is text.data[i ? ends[i - 1] : 0 .. ends[i] - 1]; none is empty. Free with pieces_free(). */
typedef struct Pieces {
  Buffer text;
  size_t *ends;
  int count, size;
} Pieces;

/* Assigns the pieces of `text`, valid UTF-8. ERR_DATA when the steps make it 32 times as long: a file that does so is no
 * tokenizer but an attack on memory. */
Status pretokenizer_apply(const Pretokenizer *pretokenizer, const char *text, size_t size, Pieces *pieces);
void pieces_free(Pieces *pieces);

#endif
