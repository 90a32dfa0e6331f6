/* jargon vocab: trains a vocabulary on texts. */
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/options.h"
#include "src/cmd/verb.h"
#include "src/corpus/manifest.h"
#include "src/text/normalize.h"
#include "src/text/tokenizer.h"

static const size_t TEXT_LIMIT = (size_t)4 << 30; /* bytes of a file */

typedef struct Texts {
  char **items;
  int count, size;
} Texts;

/* Adds a normalised text, unless nothing is left of it. */
static Status add(Texts *texts, const Normalizer *normalizer, const char *text) {
  char *clean = NULL;
  Status status = normalizer_apply(normalizer, text, &clean);
  if (status != OK) return status;
  if (!clean[0]) {
    free(clean);
    return OK;
  }
  if (texts->count == texts->size) {
    texts->size = texts->size * 2 + 1024;
    texts->items = xrealloc(texts->items, (size_t)texts->size, sizeof *texts->items);
  }
  texts->items[texts->count++] = clean;
  return OK;
}

static Status add_manifest(Texts *texts, const Normalizer *normalizer, const char *path) {
  Manifest manifest;
  Status status = manifest_read(&manifest, path, MANIFEST_TEXT, false);
  for (int i = 0; i < manifest.count && status == OK; i++) {
    status = add(texts, normalizer, manifest.items[i].text);
    if (status != OK) fail_in(status, "%s:%d", path, manifest.items[i].line);
  }
  manifest_free(&manifest);
  return status;
}

static Status add_lines(Texts *texts, const Normalizer *normalizer, const char *path) {
  Status status = OK;
  char *data = NULL, *rest;
  size_t size = 0;
  int number = 0;
  TRY(file_read(path, TEXT_LIMIT, &data, &size));
  if (memchr(data, 0, size)) TRY(fail(ERR_DATA, "%s is not a text file: it has zero bytes", path));
  rest = data;
  for (char *line; (line = strsep(&rest, "\n"));) {
    number++;
    status = add(texts, normalizer, line);
    if (status != OK) TRY(fail_in(status, "%s:%d", path, number));
  }
done:
  free(data);
  return status;
}

static VocabularyKind kind_of(const char *name) {
  return !strcmp(name, "bpe") ? VOCABULARY_BPE : !strcmp(name, "char") ? VOCABULARY_CHAR : VOCABULARY_UNIGRAM;
}

int verb_vocab(int argc, char **argv) {
  Status status = OK;
  int size = 400;
  const char *kind = "bpe", *out = NULL, *normalize = "basic";
  StringList files = {0};
  Normalizer *normalizer = NULL;
  Tokenizer *tokenizer = NULL;
  Texts texts = {0};
  Option table[] = {
      {"size", OPTION_INT, &size, "N", "tokens, <unk> included and CTC's blank not; for char the most",
       .min = 4, .max = 1 << 20},
      {"kind", OPTION_TEXT, &kind, NULL, "how texts are cut into tokens", .choices = "bpe|unigram|char"},
      {"normalize", OPTION_TEXT, &normalize, "NAME", 
       "normalisation of the texts: none, basic, english, or the path of a file of rules"},
      {"out", OPTION_TEXT, &out, "FILE", "the tokenizer.json to write", .required = true},
      {"text", OPTION_LIST, &files, "FILE", "manifests (*.jsonl) and text files, one text a line",
       .required = true, .positional = true},
      {0}};
  Options options = {"vocab", "trains a vocabulary on texts and writes it as tokenizer.json",
                     "jargon vocab --size 400 --out tokenizer.json train.jsonl", table};
  TRY(options_parse(&options, argc, argv));
  TRY(normalizer_new(&normalizer, normalize));
  for (int i = 0; i < files.count; i++) {
    const char *dot = strrchr(files.items[i], '.');
    bool manifest = dot && (!strcmp(dot, ".jsonl") || !strcmp(dot, ".json"));
    TRY((manifest ? add_manifest : add_lines)(&texts, normalizer, files.items[i]));
  }
  if (!texts.count) TRY(fail(ERR_DATA, "%s: no text is left after normalisation", files.items[0]));
  TRY(vocabulary_train((const char *const *)texts.items, texts.count, kind_of(kind), size, out));
  TRY(tokenizer_load(&tokenizer, out));
  printf("%s: %d tokens (%s) from %d texts\n", out, tokenizer_size(tokenizer), kind, texts.count);
done:
  for (int i = 0; i < texts.count; i++) free(texts.items[i]);
  free(texts.items);
  tokenizer_free(tokenizer);
  normalizer_free(normalizer);
  options_free(&options);
  return verb_end("vocab", status);
}
