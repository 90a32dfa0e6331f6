/* sentencepiece (Kudo & Richardson 2018, arXiv 1808.06226) in C: training of vocabularies, and its own encoding for
 * tests. Nothing else includes it; no exception passes. */
#ifndef JARGON_TEXT_SENTENCEPIECE_SHIM_H
#define JARGON_TEXT_SENTENCEPIECE_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct SentencePiece SentencePiece;

/* Trains on lines; model_type "bpe", "unigram" or "char". NULL: failed, with the reason (malloced) in *error. */
SentencePiece *sentencepiece_train(const char *const *lines, int count, const char *model_type, int vocab_size,
                                   char **error);
void sentencepiece_free(SentencePiece *model);

int sentencepiece_size(const SentencePiece *model);
const char *sentencepiece_piece(const SentencePiece *model, int id); /* owned by the model */
float sentencepiece_score(const SentencePiece *model, int id);

/* At most `limit` ids of the text; returns how many there are. */
int sentencepiece_encode(const SentencePiece *model, const char *text, int *ids, int limit);

#ifdef __cplusplus
}
#endif

#endif
