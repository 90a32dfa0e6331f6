/* Training of vocabularies: sentencepiece finds the pieces, this file writes them as tokenizer.json. */
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/text/normalize.h"
#include "src/text/sentencepiece_shim.h"
#include "src/text/tokenizer.h"
#include "src/text/token_table.h"
#include "src/text/unicode.h"

/* sentencepiece merges any two neighbours whose text is a piece, the best score first; tokenizer.json lists
 * each pair. So: for every piece, in order of score, every way to cut it into two pieces. */
static Status write_merges(const SentencePiece *model, json_t *merges) {
  Status status = OK;
  TokenTable table;
  int count = sentencepiece_size(model);
  token_table_reserve(&table, count);
  for (int id = 0; id < count; id++) TRY(token_table_add(&table, sentencepiece_piece(model, id), id));
  /* Its BPE trainer numbers pieces by score, then come the characters: ids are the order of merges. */
  for (int id = 1; id < count; id++) {
    const char *piece = sentencepiece_piece(model, id);
    if (id > 1 && sentencepiece_score(model, id) > sentencepiece_score(model, id - 1))
      TRY(fail(ERR_DATA, "sentencepiece's scores are not in the order of its ids"));
    size_t size = strlen(piece);
    for (size_t cut = (size_t)utf8_length(piece); cut < size; cut += (size_t)utf8_length(piece + cut)) {
      int32_t left = token_table_find(&table, piece, cut),
              right = token_table_find(&table, piece + cut, size - cut);
      if (left > 0 && right > 0)
        json_array_append_new(merges, json_pack("[s#s]", piece, (int)cut, piece + cut));
    }
  }
done:
  token_table_free(&table);
  return status;
}

static json_t *special_token(int id, const char *content) {
  return json_pack("{sisssbsbsbsbsb}", "id", id, "content", content, "single_word", 0, "lstrip", 0, "rstrip",
                   0, "normalized", 0, "special", 1);
}

static json_t *metaspace(void) {
  return json_pack("{sssssssb}", "type", "Metaspace", "replacement", "\u2581", "prepend_scheme", "always",
                   "split", 1);
}

static json_t *bpe_model(json_t *vocab, json_t *merges) {
  return json_pack("{sssnsssnsnsbsbsbsoso}", "type", "BPE", "dropout", "unk_token", "<unk>",
                   "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 1, "byte_fallback", 0,
                   "ignore_merges", 0, "vocab", vocab, "merges", merges);
}

static Status write_json(const SentencePiece *model, VocabularyKind kind, const char *path) {
  Status status = OK;
  bool unigram = kind == VOCABULARY_UNIGRAM;
  json_t *vocab = unigram ? json_array() : json_object(), *merges = json_array(), *root = NULL;
  char *text = NULL;
  int count = sentencepiece_size(model);
  for (int id = 0; id < count; id++) {
    const char *piece = sentencepiece_piece(model, id);
    if (unigram)
      json_array_append_new(vocab, json_pack("[sf]", piece, (double)sentencepiece_score(model, id)));
    else
      json_object_set_new(vocab, piece, json_integer(id));
  }
  if (kind == VOCABULARY_BPE) TRY(write_merges(model, merges));
  json_t *body =
      unigram ? json_pack("{sssisOsb}", "type", "Unigram", "unk_id", 0, "vocab", vocab, "byte_fallback", 0)
              : bpe_model(json_incref(vocab), json_incref(merges));
  root = json_pack("{sssnsns[oo]sns{sss[{ss}o]}snsoso}", "version", "1.0", "truncation", "padding",
                   "added_tokens", special_token(0, "<unk>"), special_token(count, "<pad>"), "normalizer",
                   "pre_tokenizer", "type", "Sequence", "pretokenizers", "type", "WhitespaceSplit",
                   metaspace(), "post_processor", "decoder", metaspace(), "model", body);
  text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
  if (!text) TRY(fail(ERR_DATA, "%s: the vocabulary cannot be written as JSON", path));
  TRY(file_write(path, text, strlen(text)));
done:
  free(text);
  json_decref(vocab);
  json_decref(merges);
  json_decref(root);
  return status;
}

Status vocabulary_train(const char *const *lines, int count, VocabularyKind kind, int size,
                        const char *path) {
  static const char *const names[] = {"bpe", "unigram", "char"};
  Status status = OK;
  Normalizer *spaces = NULL;
  SentencePiece *model = NULL;
  char *error = NULL, **clean = xcalloc((size_t)count, sizeof *clean);
  TRY(normalizer_new(&spaces, "none"));
  for (int i = 0; i < count; i++) {
    status = normalizer_apply(spaces, lines[i], &clean[i]);
    if (status != OK) TRY(fail_in(status, "text %d", i + 1));
  }
  model = sentencepiece_train((const char *const *)clean, count, names[kind], size, &error);
  if (!model) {
    const char *reason = strstr(error, "] "); /* behind the place in its source */
    TRY(fail(ERR_DATA, "sentencepiece cannot make a vocabulary of %d tokens: %s", size,
             reason ? reason + 2 : error));
  }
  TRY(write_json(model, kind, path));
done:
  for (int i = 0; i < count; i++) free(clean[i]);
  free(clean);
  free(error);
  sentencepiece_free(model);
  normalizer_free(spaces);
  return status;
}
