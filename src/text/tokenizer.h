/* The one tokeniser: reads Hugging Face `tokenizer.json` (models BPE, Unigram, and characters as a BPE without merges;
 * the normalizers, pre-tokenizers and decoders that Parakeet-CTC and our own vocabularies use) and encodes and decodes.
 * A part of the file that would change results and is not understood is an error, not ignored.
 *
 * The blank. In ParakeetForCTC's files the blank of CTC is the special token `<pad>`, the last id (so
 * `pad_token_id` = vocab_size - 1), and that is how vocabulary_train() writes it. Here it is not a token: ids are
 * 0 .. tokenizer_size() - 1, the blank is tokenizer_size(), and a model's vocab_size is tokenizer_size() + 1, whether
 * the file lists `<pad>` last or not.
 *
 * Special tokens are never made from text: a transcript that says "<pad>" is spelt out (Hugging Face's would become
 * a blank inside the labels). Post-processors only add special tokens, and are ignored. */
#ifndef JARGON_TEXT_TOKENIZER_H
#define JARGON_TEXT_TOKENIZER_H

#include <stdint.h>

#include "src/base/status.h"

typedef struct Tokenizer Tokenizer;

Status tokenizer_load(Tokenizer **out, const char *path);
void tokenizer_free(Tokenizer *tokenizer);

/* Number of ids, the blank not among them; the blank's id. */
int tokenizer_size(const Tokenizer *tokenizer);

/* *ids is the caller's to free. A character outside the vocabulary becomes the unknown token; *unknown (may be NULL)
 * counts them. Text that is not UTF-8 is ERR_DATA, and a character without a token where there is no unknown token.
 * Safe from several threads. */
Status tokenizer_encode(const Tokenizer *tokenizer, const char *text, int32_t **ids, int *count, int *unknown);

/* The text of ids, the caller's to free. Special tokens and the blank give nothing. */
char *tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, int count);

/* The token as written in the file ("▁the"); NULL outside 0 .. size - 1. */
const char *tokenizer_token(const Tokenizer *tokenizer, int32_t id);
/* Whether a word begins with this token (it carries the word-boundary mark). */
int tokenizer_begins_word(const Tokenizer *tokenizer, int32_t id);
int tokenizer_is_special(const Tokenizer *tokenizer, int32_t id);

typedef enum VocabularyKind { VOCABULARY_BPE, VOCABULARY_UNIGRAM, VOCABULARY_CHAR } VocabularyKind;

/* Trains a vocabulary of `size` tokens, `<unk>` (id 0) included and the blank not, on lines of text, normalised by the
 * caller (sentencepiece does it, with one thread: the same lines give the same bytes), and writes tokenizer.json.
 * For characters `size` is the most there may be. */
Status vocabulary_train(const char *const *lines, int count, VocabularyKind kind, int size, const char *path);

#endif
