#include "src/text/tokenizer.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/base/file.h"
#include "src/text/pretokenize.h"
#include "src/text/segment.h"

enum { FILE_MAX = 64 << 20 };

/* How tokens become text: Metaspace, or Sequence[Replace, ByteFallback, Fuse, Strip]. */
typedef struct Decoder {
  char *mark;         /* stands for a space */
  bool drop_first;    /* marks of the first token give nothing */
  bool byte_fallback; /* <0x41> is a byte */
  bool strip;         /* one space at the beginning is dropped */
} Decoder;

struct Tokenizer {
  Pretokenizer *pretokenizer;
  Segmenter segmenter;
  Decoder decoder;
  int32_t *symbols; /* added tokens that are not special: found in the text before all else */
  int symbol_count;
  int size;
};

/* ---- reading ---- */

static bool absent(const json_t *value) { return !value || json_is_null(value); }

/* A setting whose other values would change results. */
static Status must_be_unset(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  const char *text = json_string_value(value);
  if (absent(value) || json_is_false(value) || (text && !text[0]) ||
      (json_is_number(value) && json_number_value(value) == 0))
    return OK;
  return fail(ERR_DATA, "'%s' is set, which is not supported", key);
}

/* The largest id + 1 that the file's vocabulary and added tokens can make without a hole. */
static int64_t id_count(const json_t *vocab, const json_t *added) {
  int64_t count = json_is_object(vocab) ? (int64_t)json_object_size(vocab) : (int64_t)json_array_size(vocab);
  int64_t top = count;
  size_t i;
  const json_t *item;
  json_array_foreach(added, i, item) {
    int64_t id = json_integer_value(json_object_get(item, "id"));
    if (id >= top && id < count + (int64_t)json_array_size(added)) top = id + 1;
  }
  return top;
}

static Status read_vocabulary(Segmenter *segmenter, const json_t *vocab, bool unigram) {
  Status status = OK;
  if (!unigram) {
    if (!json_is_object(vocab)) TRY(fail(ERR_DATA, "model.vocab must be an object of tokens and ids"));
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)vocab, text, id) {
      if (!json_is_integer(id))
        TRY(fail(ERR_DATA, "model.vocab: the id of '%s' is not a whole number", text));
      TRY(token_table_add(&segmenter->table, text, json_integer_value(id)));
    }
    goto done;
  }
  size_t i;
  const json_t *item;
  double worst = INFINITY;
  segmenter->scores = xcalloc((size_t)segmenter->table.count, sizeof *segmenter->scores);
  json_array_foreach(vocab, i, item) {
    const char *text = json_string_value(json_array_get(item, 0));
    const json_t *score = json_array_get(item, 1);
    if (!text || !json_is_number(score)) TRY(fail(ERR_DATA, "model.vocab[%zu] must be [token, score]", i));
    TRY(token_table_add(&segmenter->table, text, (int64_t)i));
    segmenter->scores[i] = json_number_value(score);
    worst = fmin(worst, segmenter->scores[i]);
  }
  segmenter->unknown_score = worst - 10;
done:
  return status;
}

/* A merge is ["a", "b"] or "a b". */
static Status read_merges(Segmenter *segmenter, const json_t *merges) {
  Status status = OK;
  char *joined = NULL;
  const TokenTable *table = &segmenter->table;
  if (!json_is_array(merges)) TRY(fail(ERR_DATA, "model.merges must be an array"));
  segmenter->merged = xcalloc(json_array_size(merges), sizeof *segmenter->merged);
  size_t i;
  const json_t *item;
  json_array_foreach(merges, i, item) {
    const char *left = json_string_value(json_array_get(item, 0)),
               *right = json_string_value(json_array_get(item, 1));
    const char *both = json_string_value(item), *space = both ? strchr(both, ' ') : NULL;
    if (space && !strchr(space + 1, ' ')) left = both, right = space + 1;
    if (!left || !right) TRY(fail(ERR_DATA, "model.merges[%zu] must be [\"a\", \"b\"] or \"a b\"", i));
    size_t left_size = space ? (size_t)(space - both) : strlen(left);
    free(joined);
    joined = xprintf("%.*s%s", (int)left_size, left, right);
    int32_t l = token_table_find(table, left, left_size), r = token_table_find(table, right, strlen(right));
    int32_t result = token_table_find(table, joined, strlen(joined));
    if (l < 0 || r < 0 || result < 0)
      TRY(fail(ERR_DATA, "model.merges[%zu]: '%.*s', '%s' or '%s' is not in the vocabulary", i,
               (int)left_size, left, right, joined));
    segmenter->merged[i] = result;
    if (!pair_map_put(&segmenter->merges, l, r, (int32_t)i))
      TRY(fail(ERR_DATA, "model.merges[%zu]: '%s' is merged from '%.*s' and '%s' twice", i, joined,
               (int)left_size, left, right));
  }
done:
  free(joined);
  return status;
}

static Status read_unknown(Segmenter *segmenter, const json_t *model, bool unigram) {
  const json_t *value = json_object_get(model, unigram ? "unk_id" : "unk_token");
  segmenter->unknown = -1;
  segmenter->fuse_unknown = unigram || json_is_true(json_object_get(model, "fuse_unk"));
  if (absent(value)) return OK;
  const char *text = json_string_value(value);
  int64_t id = json_is_integer(value) ? json_integer_value(value) : -1;
  if (text) id = token_table_find(&segmenter->table, text, strlen(text));
  if (id < 0 || id >= segmenter->table.count)
    return fail(ERR_DATA, "the unknown token is not in the vocabulary");
  segmenter->unknown = (int32_t)id;
  segmenter->table.special[id] = true;
  return OK;
}

/* Asked for by NVIDIA's files too, whose vocabularies have no bytes: it means nothing there. */
static Status read_byte_fallback(Segmenter *segmenter, const json_t *model) {
  if (!json_is_true(json_object_get(model, "byte_fallback"))) return OK;
  int found = 0;
  for (int i = 0; i < 256; i++) {
    char text[8];
    snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
    segmenter->bytes[i] = token_table_find(&segmenter->table, text, 6);
    found += segmenter->bytes[i] >= 0;
  }
  segmenter->byte_fallback = found == 256;
  return found && found < 256 ? fail(ERR_DATA, "the vocabulary has %d of the 256 byte tokens", found) : OK;
}

static Status read_added(Tokenizer *tokenizer, const json_t *added) {
  TokenTable *table = &tokenizer->segmenter.table;
  Status status = OK;
  size_t i;
  const json_t *item;
  if (!absent(added) && !json_is_array(added)) return fail(ERR_DATA, "added_tokens must be an array");
  tokenizer->symbols = xcalloc(json_array_size(added), sizeof *tokenizer->symbols);
  json_array_foreach(added, i, item) {
    const char *text = json_string_value(json_object_get(item, "content"));
    const json_t *id_value = json_object_get(item, "id");
    if (!text || !json_is_integer(id_value)) TRY(fail(ERR_DATA, "must have 'id' and 'content'"));
    int64_t id = json_integer_value(id_value);
    if (id < 0 || token_table_find(table, text, strlen(text)) != id) TRY(token_table_add(table, text, id));
    if (json_is_true(json_object_get(item, "special"))) {
      table->special[id] = true;
      continue;
    }
    TRY(must_be_unset(item, "lstrip"));
    TRY(must_be_unset(item, "rstrip"));
    TRY(must_be_unset(item, "single_word"));
    TRY(must_be_unset(item, "normalized"));
    tokenizer->symbols[tokenizer->symbol_count++] = (int32_t)id;
  }
done:
  return status == OK ? OK : fail_in(status, "added_tokens[%zu]", i);
}

static Status read_model(Tokenizer *tokenizer, const json_t *root) {
  Status status = OK;
  Segmenter *segmenter = &tokenizer->segmenter;
  const json_t *model = json_object_get(root, "model"), *vocab = json_object_get(model, "vocab");
  const json_t *added = json_object_get(root, "added_tokens");
  const char *type = json_string_value(json_object_get(model, "type"));
  bool unigram = type ? !strcmp(type, "Unigram") : json_is_array(vocab);
  if (type && !unigram && strcmp(type, "BPE"))
    TRY(fail(ERR_DATA, "model: the type '%s' is not supported (BPE and Unigram are)", type));
  int64_t count = id_count(vocab, added);
  if (count < 1 || count > TOKENS_MAX)
    TRY(fail(ERR_DATA, "model.vocab has %lld tokens; 1 .. %d are accepted", (long long)count, TOKENS_MAX));
  token_table_reserve(&segmenter->table, (int)count);
  TRY(read_vocabulary(segmenter, vocab, unigram));
  if (!unigram) TRY(read_merges(segmenter, json_object_get(model, "merges")));
  TRY(must_be_unset(model, "dropout"));
  TRY(must_be_unset(model, "continuing_subword_prefix"));
  TRY(must_be_unset(model, "end_of_word_suffix"));
  TRY(must_be_unset(model, "ignore_merges"));
  TRY(read_byte_fallback(segmenter, model));
  TRY(read_unknown(segmenter, model, unigram));
  TRY(read_added(tokenizer, added));
  for (int i = 0; i < segmenter->table.count; i++)
    if (!segmenter->table.tokens[i]) TRY(fail(ERR_DATA, "no token has the id %d", i));
  int last = segmenter->table.count - 1;
  bool blank = segmenter->table.special[last] && !strcmp(segmenter->table.tokens[last], "<pad>");
  tokenizer->size = blank ? last : last + 1;
  if (segmenter->unknown >= tokenizer->size) TRY(fail(ERR_DATA, "the unknown token is the blank"));
done:
  return status;
}

static Status read_decoder_step(Decoder *decoder, const json_t *object) {
  const char *type = json_string_value(json_object_get(object, "type"));
  const char *content = json_string_value(json_object_get(object, "content")), *mark = NULL;
  type = type ? type : "";
  if (!strcmp(type, "Metaspace")) {
    const char *scheme = json_string_value(json_object_get(object, "prepend_scheme"));
    mark = json_string_value(json_object_get(object, "replacement"));
    decoder->drop_first =
        scheme ? strcmp(scheme, "never") != 0 : json_is_true(json_object_get(object, "add_prefix_space"));
  } else if (!strcmp(type, "Replace")) {
    mark = json_string_value(json_object_get(json_object_get(object, "pattern"), "String"));
    if (!content || strcmp(content, " ")) return fail(ERR_DATA, "Replace: the content must be a space");
  } else if (!strcmp(type, "ByteFallback")) {
    decoder->byte_fallback = true;
    return OK;
  } else if (!strcmp(type, "Fuse")) {
    return OK;
  } else if (!strcmp(type, "Strip")) {
    decoder->strip = true;
    bool one = json_integer_value(json_object_get(object, "start")) == 1 &&
               json_integer_value(json_object_get(object, "stop")) == 0 && content && !strcmp(content, " ");
    return one ? OK : fail(ERR_DATA, "Strip: only one space at the start is supported");
  } else {
    return fail(ERR_DATA, "the type '%s' is not supported", type);
  }
  if (!mark || !mark[0] || decoder->mark)
    return fail(ERR_DATA, "%s: one mark for spaces is needed, and no second", type);
  decoder->mark = xstrdup(mark);
  return OK;
}

static Status read_decoder(Decoder *decoder, const json_t *object) {
  Status status = OK;
  const char *type = json_string_value(json_object_get(object, "type"));
  const json_t *steps = type && !strcmp(type, "Sequence") ? json_object_get(object, "decoders") : NULL, *step;
  size_t i;
  if (steps)
    json_array_foreach(steps, i, step) TRY(read_decoder_step(decoder, step));
  else
    TRY(read_decoder_step(decoder, object));
  if (!decoder->mark) TRY(fail(ERR_DATA, "no step says which mark stands for a space"));
done:
  return status == OK ? OK : fail_in(status, "decoder");
}

Status tokenizer_load(Tokenizer **out, const char *path) {
  Status status = OK;
  char *data = NULL;
  size_t size = 0;
  json_t *root = NULL;
  json_error_t error;
  Tokenizer *tokenizer = xcalloc(1, sizeof *tokenizer);
  TRY(file_read(path, FILE_MAX, &data, &size));
  root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
  if (!root) TRY(fail(ERR_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text));
  status = json_is_object(root) ? OK : fail(ERR_DATA, "the file must hold one JSON object");
  if (status == OK) status = must_be_unset(root, "truncation");
  if (status == OK) status = read_model(tokenizer, root);
  if (status == OK)
    status = pretokenizer_new(&tokenizer->pretokenizer, json_object_get(root, "normalizer"),
                              json_object_get(root, "pre_tokenizer"));
  if (status == OK) status = read_decoder(&tokenizer->decoder, json_object_get(root, "decoder"));
  if (status != OK) TRY(fail_in(status, "%s", path));
  *out = tokenizer;
  tokenizer = NULL;
done:
  json_decref(root);
  free(data);
  tokenizer_free(tokenizer);
  return status;
}

void tokenizer_free(Tokenizer *tokenizer) {
  if (!tokenizer) return;
  pretokenizer_free(tokenizer->pretokenizer);
  segmenter_free(&tokenizer->segmenter);
  free(tokenizer->decoder.mark);
  free(tokenizer->symbols);
  free(tokenizer);
}

/* ---- questions ---- */

int tokenizer_size(const Tokenizer *tokenizer) { return tokenizer->size; }

const char *tokenizer_token(const Tokenizer *tokenizer, int32_t id) {
  return id >= 0 && id < tokenizer->size ? tokenizer->segmenter.table.tokens[id] : NULL;
}

int tokenizer_begins_word(const Tokenizer *tokenizer, int32_t id) {
  const char *token = tokenizer_token(tokenizer, id), *mark = tokenizer->decoder.mark;
  return token && !strncmp(token, mark, strlen(mark));
}

int tokenizer_is_special(const Tokenizer *tokenizer, int32_t id) {
  return id >= 0 && id < tokenizer->size && tokenizer->segmenter.table.special[id];
}

/* ---- text to ids ---- */

/* The longest added symbol that stands at `text`; -1: none. */
static int32_t symbol_at(const Tokenizer *tokenizer, const char *text, size_t *length) {
  int32_t found = -1;
  *length = 0;
  for (int i = 0; i < tokenizer->symbol_count; i++) {
    const char *token = tokenizer->segmenter.table.tokens[tokenizer->symbols[i]];
    size_t size = strlen(token);
    if (size > *length && !strncmp(text, token, size)) found = tokenizer->symbols[i], *length = size;
  }
  return found;
}

static Status encode_part(const Tokenizer *tokenizer, const char *text, size_t size, Pieces *pieces,
                          Segmentation *out) {
  Status status = OK;
  if (!size) return OK;
  TRY(pretokenizer_apply(tokenizer->pretokenizer, text, size, pieces));
  for (int i = 0; i < pieces->count && status == OK; i++) {
    size_t begin = i ? pieces->ends[i - 1] : 0;
    status = segment(&tokenizer->segmenter, pieces->text.data + begin, pieces->ends[i] - begin, out);
  }
done:
  return status;
}

Status tokenizer_encode(const Tokenizer *tokenizer, const char *text, int32_t **ids, int *count,
                        int *unknown) {
  Status status = OK;
  Segmentation out = {0};
  Pieces pieces = {0};
  size_t size = strlen(text), begin = 0;
  TRY(utf8_check(text, size));
  if (tokenizer->symbol_count)
    for (size_t at = 0; at < size;) {
      size_t length;
      int32_t symbol = symbol_at(tokenizer, text + at, &length);
      if (symbol < 0) {
        at++;
        continue;
      }
      TRY(encode_part(tokenizer, text + begin, at - begin, &pieces, &out));
      segmentation_append(&out, symbol);
      begin = at += length;
    }
  TRY(encode_part(tokenizer, text + begin, size - begin, &pieces, &out));
  *ids = out.ids ? out.ids : xcalloc(1, sizeof **ids);
  *count = out.count;
  if (unknown) *unknown = out.unknown;
  out.ids = NULL;
done:
  segmentation_free(&out);
  pieces_free(&pieces);
  return status;
}

/* ---- ids to text ---- */

/* The byte that a token like <0x41> stands for; -1: none. */
static int token_byte(const Tokenizer *tokenizer, int32_t id) {
  const char *token = tokenizer->segmenter.table.tokens[id];
  char *end;
  if (!tokenizer->decoder.byte_fallback || strncmp(token, "<0x", 3) || strlen(token) != 6) return -1;
  long byte = strtol(token + 3, &end, 16);
  return end == token + 5 && *end == '>' ? (int)byte : -1;
}

/* Appends the bytes since the last other token: as text, or one U+FFFD each when they are not UTF-8. */
static void put_bytes(Buffer *bytes, Buffer *text) {
  bool valid = utf8_check(bytes->data ? bytes->data : "", bytes->used) == OK;
  if (valid) buffer_append(text, bytes->data ? bytes->data : "", bytes->used);
  for (size_t i = 0; !valid && i < bytes->used; i++) buffer_append_codepoint(text, 0xFFFD);
  bytes->used = 0;
}

char *tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, int count) {
  const Decoder *decoder = &tokenizer->decoder;
  Buffer text = {0}, bytes = {0};
  size_t mark = strlen(decoder->mark);
  bool first = true;
  buffer_append(&text, "", 0);
  for (int i = 0; i < count; i++) {
    assert(ids[i] >= 0 && ids[i] <= tokenizer->size);
    if (ids[i] == tokenizer->size || tokenizer_is_special(tokenizer, ids[i])) continue;
    int byte = token_byte(tokenizer, ids[i]);
    if (byte >= 0) buffer_append(&bytes, &(char){(char)byte}, 1);
    if (byte < 0) put_bytes(&bytes, &text);
    for (const char *at = tokenizer->segmenter.table.tokens[ids[i]]; *at && byte < 0;) {
      bool space = !strncmp(at, decoder->mark, mark);
      if (!space) buffer_append(&text, at, 1);
      if (space && !(first && decoder->drop_first)) buffer_append(&text, " ", 1);
      at += space ? mark : 1;
    }
    first = false;
  }
  put_bytes(&bytes, &text);
  free(bytes.data);
  if (decoder->strip && text.data[0] == ' ') memmove(text.data, text.data + 1, text.used);
  return text.data;
}
