/* The one tokeniser: reads Hugging Face `tokenizer.json` (models BPE, Unigram and characters as a Unigram or BPE
 * without merges; the normalizers, pre-tokenizers and decoders that Parakeet-CTC and our own vocabularies use) and
 * encodes and decodes. A part of the file that would change results and is not understood is an error, not ignored. */
#ifndef JARGON_TEXT_TOKENIZER_H
#define JARGON_TEXT_TOKENIZER_H

#include <stdint.h>

#include "src/base/status.h"

typedef struct Tokenizer Tokenizer;

Status tokenizer_load(Tokenizer **out, const char *path);
void tokenizer_free(Tokenizer *tokenizer);

/* Number of ids, 0 .. size - 1; blank is not among them unless the file lists it as a special token. */
int tokenizer_size(const Tokenizer *tokenizer);

/* *ids is the caller's to free. A character outside the vocabulary becomes the unknown token; *unknown (may be NULL)
 * counts them. */
Status tokenizer_encode(const Tokenizer *tokenizer, const char *text, int32_t **ids, int *count, int *unknown);

/* The text of ids, the caller's to free. Special tokens give nothing. */
char *tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, int count);

/* The token as written in the file ("▁the"); NULL outside 0 .. size - 1. */
const char *tokenizer_token(const Tokenizer *tokenizer, int32_t id);
/* Whether a word begins with this token (it carries the word-boundary mark). */
int tokenizer_begins_word(const Tokenizer *tokenizer, int32_t id);
int tokenizer_is_special(const Tokenizer *tokenizer, int32_t id);

typedef enum VocabularyKind { VOCABULARY_BPE, VOCABULARY_UNIGRAM, VOCABULARY_CHAR } VocabularyKind;

/* Trains a vocabulary of `size` tokens on lines of text (sentencepiece does it) and writes tokenizer.json. */
Status vocabulary_train(const char *const *lines, int count, VocabularyKind kind, int size, const char *path);

#endif
