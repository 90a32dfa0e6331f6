/* tokenizer.json: every way it can be wrong, what special tokens and bytes mean, and vocabularies trained
 * here. What encoding gives is compared with Hugging Face's in tests/golden/test_tokenizer.c. */
#include "tests/unit/support.h"

#include "src/text/sentencepiece_shim.h"
#include "src/text/tokenizer.h"

static Status load_text(Tokenizer **out, const char *text) {
  const char *path = in_folder("tokenizer.json");
  assert_ok(file_write(path, text, strlen(text)));
  *out = NULL;
  return tokenizer_load(out, path);
}

#define DECODER "\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"}"
#define SPLIT "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"}"
#define BPE(vocab, merges, rest)                                                                             \
  "{" SPLIT "," DECODER ",\"model\":{\"type\":\"BPE\",\"vocab\":" vocab ",\"merges\":" merges "}" rest "}"
#define UNIGRAM(vocab, rest)                                                                                 \
  "{" SPLIT "," DECODER ",\"model\":{\"type\":\"Unigram\",\"vocab\":" vocab rest "}}"
#define ADDED(tokens) ",\"added_tokens\":[" tokens "]"

static void bad_files(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } bad[] = {
      {"", "tokenizer.json:1:0: "},
      {"[]", "the file must hold one JSON object"},
      {"{", "tokenizer.json:1:1: "},
      {"{\"a\":1,\n\"a\":2}", "tokenizer.json:2:"},
      {"{} x", "tokenizer.json:1:"},
      {"{\"model\":\"\xff\"}", "tokenizer.json:1:"},
      {"{}", "model.vocab has 0 tokens"},
      {"{\"model\":[]}", "model.vocab has 0 tokens"},
      {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", "the type 'WordPiece' is not supported"},
      {"{\"truncation\":{\"max_length\":4}," DECODER ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}",
       "'truncation' is set"},
      {BPE("[\"a\"]", "[]", ""), "model.vocab must be an object"},
      {BPE("{\"a\":\"0\"}", "[]", ""), "model.vocab: the id of 'a' is not a whole number"},
      {BPE("{\"a\":0.0}", "[]", ""), "is not a whole number"},
      {BPE("{\"a\":0,\"b\":0}", "[]", ""), "'a' and 'b' have the same id 0"},
      {BPE("{\"a\":1}", "[]", ""), "the id 1 of 'a' is outside 0 .. 0"},
      {BPE("{\"a\":-1}", "[]", ""), "the id -1 of 'a' is outside"},
      {BPE("{\"a\":9223372036854775807}", "[]", ""), "is outside"},
      {BPE("{\"\":0}", "[]", ""), "the token with id 0 is empty"},
      {BPE("{\"a\":0}", "{}", ""), "model.merges must be an array"},
      {BPE("{\"a\":0}", "[1]", ""), "model.merges[0] must be"},
      {BPE("{\"a\":0}", "[[\"a\"]]", ""), "model.merges[0] must be"},
      {BPE("{\"a\":0,\"b\":1,\"ab\":2}", "[\"a b\",\"a  b\"]", ""), "model.merges[1] must be"},
      {BPE("{\"a\":0,\"b\":1}", "[[\"a\",\"b\"]]", ""), "'a', 'b' or 'ab' is not in the vocabulary"},
      {BPE("{\"a\":0,\"ab\":1}", "[[\"a\",\"b\"]]", ""), "'a', 'b' or 'ab' is not in the vocabulary"},
      {BPE("{\"a\":0,\"b\":1,\"ab\":2}", "[\"a b\",[\"a\",\"b\"]]", ""),
       "'ab' is merged from 'a' and 'b' twice"},
      {BPE("{\"a\":0}", "[],\"dropout\":0.1", ""), "'dropout' is set"},
      {BPE("{\"a\":0}", "[],\"continuing_subword_prefix\":\"##\"", ""), "'continuing_subword_prefix' is set"},
      {BPE("{\"a\":0}", "[],\"end_of_word_suffix\":\"</w>\"", ""), "'end_of_word_suffix' is set"},
      {BPE("{\"a\":0}", "[],\"ignore_merges\":true", ""), "'ignore_merges' is set"},
      {BPE("{\"a\":0}", "[],\"unk_token\":\"<unk>\"", ""), "the unknown token is not in the vocabulary"},
      {BPE("{\"a\":0,\"<0x41>\":1}", "[],\"byte_fallback\":true", ""),
       "the vocabulary has 1 of the 256 byte tokens"},
      {BPE("{\"a\":0}", "[]", ",\"added_tokens\":{}"), "added_tokens must be an array"},
      {BPE("{\"a\":0}", "[]", ADDED("1")), "added_tokens[0]: must have 'id' and 'content'"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":1}")), "added_tokens[0]: must have"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":5,\"content\":\"x\"}")), "the id 5 of 'x' is outside"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":-1,\"content\":\"x\",\"special\":true}")),
       "the id -1 of 'x' is outside"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":-1,\"content\":\"x\",\"special\":false}")),
       "the id -1 of 'x' is outside"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":0,\"content\":\"x\"}")), "'a' and 'x' have the same id 0"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":1,\"content\":\"a\"}")), "'a' has the ids 0 and 1"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":1,\"content\":\"x\",\"lstrip\":true}")),
       "added_tokens[0]: 'lstrip' is set"},
      {BPE("{\"a\":0}", "[]", ADDED("{\"id\":1,\"content\":\"x\",\"normalized\":true}")),
       "'normalized' is set"},
      {BPE("{\"<pad>\":0}", "[],\"unk_token\":\"<pad>\"",
           ADDED("{\"id\":0,\"content\":\"<pad>\",\"special\":true}")),
       "the unknown token is the blank"},
      {UNIGRAM("{\"a\":0}", ""), "no token has the id 0"},
      {UNIGRAM("[\"a\"]", ""), "model.vocab[0] must be [token, score]"},
      {UNIGRAM("[[\"a\"]]", ""), "model.vocab[0] must be"},
      {UNIGRAM("[[\"a\",\"b\"]]", ""), "model.vocab[0] must be"},
      {UNIGRAM("[[\"a\",1],[\"a\",2]]", ""), "'a' has the ids 0 and 1"},
      {UNIGRAM("[[\"a\",1]]", ",\"unk_id\":1"), "the unknown token is not in the vocabulary"},
      {UNIGRAM("[[\"a\",1]]", ",\"unk_id\":-1"), "the unknown token is not in the vocabulary"},
      {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}", "decoder: "},
      {"{\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}",
       "decoder: the type 'ByteLevel' is not supported"},
      {"{\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}",
       "decoder: no step says which mark"},
      {"{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Strip\",\"content\":\" "
       "\",\"start\":2,\"stop\":0}]},"
       "\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}",
       "decoder: Strip: only one space"},
      {"{\"normalizer\":{\"type\":\"X\"}," DECODER ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}",
       "normalizer: the type 'X'"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Tokenizer *tokenizer;
    assert_fails(load_text(&tokenizer, bad[i].text), ERR_DATA, bad[i].words);
    if (!strstr(fail_text(), "/tokenizer.json")) fail_msg("'%s' does not name the file", fail_text());
    assert_null(tokenizer);
  }
  char *deep = xcalloc(200001, 1);
  memset(deep, '[', 200000);
  Tokenizer *tokenizer;
  assert_int_equal(load_text(&tokenizer, deep), ERR_DATA);
  free(deep);
  assert_fails(tokenizer_load(&tokenizer, in_folder("none")), ERR_IO, "cannot open");
  assert_fails(tokenizer_load(&tokenizer, test_folder), ERR_DATA, "not a regular file");
}

static void expect(const Tokenizer *tokenizer, const char *text, const char *right, const char *back_right,
                   int unknown_right) {
  int32_t *ids;
  int count, unknown;
  char joined[256] = "", *to = joined;
  assert_ok(tokenizer_encode(tokenizer, text, &ids, &count, &unknown));
  for (int i = 0; i < count; i++) to += sprintf(to, "%s%s", i ? " " : "", tokenizer_token(tokenizer, ids[i]));
  assert_string_equal(joined, right);
  assert_int_equal(unknown, unknown_right);
  char *back = tokenizer_decode(tokenizer, ids, count);
  assert_string_equal(back, back_right);
  free(back), free(ids);
}

static void special_tokens_and_the_blank(void **state) {
  (void)state;
  Tokenizer *t;
  static const char vocab[] =
      BPE("{\"<unk>\":0,\"_\":1,\"a\":2,\"b\":3,\"<\":4,\"p\":5,\"d\":6,\">\":7,\"ab\":8,\"_a\":9}",
          "[[\"a\",\"b\"],[\"_\",\"a\"]],\"unk_token\":\"<unk>\"",
          ADDED("{\"id\":0,\"content\":\"<unk>\",\"special\":true},"
                "{\"id\":10,\"content\":\"<pad>\",\"special\":true}"));
  assert_ok(load_text(&t, vocab));
  assert_int_equal(tokenizer_size(t), 10); /* the blank is not counted */
  assert_string_equal(tokenizer_token(t, 9), "_a");
  assert_null(tokenizer_token(t, 10));
  assert_null(tokenizer_token(t, -1));
  assert_true(tokenizer_is_special(t, 0) && !tokenizer_is_special(t, 1) && !tokenizer_is_special(t, 10));
  assert_true(tokenizer_begins_word(t, 9) && tokenizer_begins_word(t, 1) && !tokenizer_begins_word(t, 2));
  assert_false(tokenizer_begins_word(t, 10) || tokenizer_begins_word(t, -1));
  expect(t, "ab a", "_ ab _a", "ab a", 0);
  expect(t, "<pad>", "_ < p a d >", "<pad>", 0); /* spelt out, no blank */
  expect(t, "axb", "_a <unk> b", "ab", 1);
  expect(t, "<unk>", "_ < <unk> <unk> <unk> >", "<>", 3);
  expect(t, "", "", "", 0);
  const int32_t ids[] = {10, 9, 10, 0, 3, 10};
  char *back = tokenizer_decode(t, ids, 6);
  assert_string_equal(back, "ab");
  free(back);
  back = tokenizer_decode(t, ids, 0);
  assert_string_equal(back, "");
  free(back);
  int32_t *none;
  int count;
  assert_fails(tokenizer_encode(t, "a\xff", &none, &count, NULL), ERR_DATA, "not UTF-8 at byte 1");
  tokenizer_free(t);

  /* a <pad> that is not last, or not special, is no blank; without an unknown token a strange character is an
   * error */
  assert_ok(load_text(&t, BPE("{\"a\":0,\"<pad>\":1,\"_\":2}", "[]", "")));
  assert_int_equal(tokenizer_size(t), 3);
  assert_fails(tokenizer_encode(t, "ab", &none, &count, NULL), ERR_DATA, "'b' is not in the vocabulary");
  tokenizer_free(t);
  tokenizer_free(NULL);
}

static void added_symbols_come_first(void **state) {
  (void)state;
  Tokenizer *t;
  assert_ok(load_text(&t, BPE("{\"<unk>\":0,\"_\":1,\"a\":2,\"b\":3}",
                              "[],\"unk_token\":\"<unk>\",\"fuse_unk\":true",
                              ADDED("{\"id\":4,\"content\":\"abc\"},{\"id\":5,\"content\":\"ab\"}"))));
  expect(t, "aabcab", "_ a abc ab", "aabcab", 0); /* the longest */
  expect(t, "xyab", "_ <unk> ab", "ab", 2);       /* fused, counted each */
  tokenizer_free(t);
}

static void unigram_takes_the_best_path(void **state) {
  (void)state;
  Tokenizer *t;
  assert_ok(load_text(
      &t, UNIGRAM("[[\"<unk>\",0],[\"_\",-1],[\"a\",-3],[\"b\",-3],[\"ab\",-5],[\"bc\",-4],[\"c\",-9]]",
                  ",\"unk_id\":0")));
  expect(t, "ab", "_ ab", "ab", 0);
  expect(t, "abc", "_ a bc", "abc", 0); /* -3 -4 against -5 -9 */
  expect(t, "xxa", "_ <unk> a", "a", 2);
  tokenizer_free(t);
  assert_ok(load_text(
      &t, UNIGRAM("[[\"_\",-1e308],[\"a\",-1e308]]", ""))); /* sums that overflow still have a path */
  expect(t, "aaaa", "_ a a a a", "aaaa", 0);
  tokenizer_free(t);
}

/* A long word takes time like n log n, and a longer one is refused. */
static void long_words(void **state) {
  (void)state;
  Tokenizer *t;
  int32_t *ids;
  int count;
  enum { N = 1000000 };
  char *word = xcalloc(N * 40 + 1, 1);
  memset(word, 'a', N);
  assert_ok(
      load_text(&t, BPE("{\"_\":0,\"a\":1,\"aa\":2,\"aaaa\":3}", "[[\"a\",\"a\"],[\"aa\",\"aa\"]]", "")));
  assert_ok(tokenizer_encode(t, word, &ids, &count, NULL));
  assert_int_equal(count, 1 + N / 4);
  expect(t, "aaaaaaa", "_ aaaa aa a", "aaaaaaa", 0); /* of equal ranks the leftmost first */
  expect(t, "aaaaaaaaaaa", "_ aaaa aaaa aa a", "aaaaaaaaaaa", 0);
  free(ids);
  memset(word, 'a', N * 40);
  assert_fails(tokenizer_encode(t, word, &ids, &count, NULL), ERR_DATA, "is too long to be one");
  tokenizer_free(t);
  free(word);
}

/* ---- training ---- */

static const char *const LINES[] = {"the cat sat on the mat",
                                    "a dog's caf\xc3\xa9 na\xc3\xafve",
                                    "the theme then there that cat",
                                    "  mats on dogs \t and cats and then coffee for the cat that sat ",
                                    "measurement of the mat",
                                    "one two three four five six",
                                    "\xf0\x9f\x98\x80 ok"};
enum { LINE_COUNT = sizeof LINES / sizeof *LINES, SIZE = 45 };

static void training_is_deterministic(void **state) {
  (void)state;
  for (int kind = VOCABULARY_BPE; kind <= VOCABULARY_CHAR; kind++) {
    char *first = NULL;
    for (int i = 0; i < 3; i++) {
      const char *path = in_folder("vocab.json");
      assert_ok(vocabulary_train(LINES, LINE_COUNT, (VocabularyKind)kind, SIZE, path));
      char *text = text_of(path);
      if (first) assert_string_equal(text, first);
      free(first);
      first = text;
    }
    free(first);
  }
}

static void trained_vocabularies_give_the_text_back(void **state) {
  (void)state;
  for (int kind = VOCABULARY_BPE; kind <= VOCABULARY_CHAR; kind++) {
    const char *path = in_folder("vocab.json");
    Tokenizer *t;
    assert_ok(vocabulary_train(LINES, LINE_COUNT, (VocabularyKind)kind, SIZE, path));
    assert_ok(tokenizer_load(&t, path));
    assert_true(kind == VOCABULARY_CHAR ? tokenizer_size(t) < SIZE : tokenizer_size(t) == SIZE);
    assert_string_equal(tokenizer_token(t, 0), "<unk>");
    assert_true(tokenizer_is_special(t, 0));
    char *text = text_of(path);
    assert_non_null(strstr(text, "\"<pad>\""));
    free(text);
    for (int i = 0; i < LINE_COUNT; i++) {
      int32_t *ids;
      int count, unknown;
      assert_ok(tokenizer_encode(t, LINES[i], &ids, &count, &unknown));
      assert_int_equal(unknown, 0);
      char *back = tokenizer_decode(t, ids, count);
      if (i != 3) assert_string_equal(back, LINES[i]); /* 3: spaces become single */
      free(ids), free(back);
    }
    tokenizer_free(t);
  }
}

/* The file that is written means what sentencepiece means by its own model. */
static void as_sentencepiece_encodes(void **state) {
  (void)state;
  static const char *const names[] = {"bpe", "unigram", "char"};
  const char *texts[LINE_COUNT + 6] = {"themes of cats", "otter matters seat", "catcatcat", "dogs'", "a",
                                       "thethethe then"};
  memcpy(texts + 6, LINES, sizeof LINES);
  for (int kind = VOCABULARY_BPE; kind <= VOCABULARY_CHAR; kind++) {
    char *clean[LINE_COUNT], *error = NULL;
    for (int i = 0; i < LINE_COUNT; i++) clean[i] = xstrdup(LINES[i]);
    free(clean[3]);
    clean[3] = xstrdup("mats on dogs and cats and then coffee for the cat that sat");
    SentencePiece *model =
        sentencepiece_train((const char *const *)clean, LINE_COUNT, names[kind], SIZE, &error);
    assert_non_null(model);
    const char *path = in_folder("vocab.json");
    Tokenizer *t;
    assert_ok(vocabulary_train(LINES, LINE_COUNT, (VocabularyKind)kind, SIZE, path));
    assert_ok(tokenizer_load(&t, path));
    assert_int_equal(tokenizer_size(t), sentencepiece_size(model));
    for (int i = 0; i < LINE_COUNT + 6; i++) {
      int32_t *ids;
      int count, right[256], right_count = sentencepiece_encode(model, texts[i], right, 256);
      if (i == 9) continue; /* sentencepiece keeps its spaces */
      assert_ok(tokenizer_encode(t, texts[i], &ids, &count, NULL));
      assert_int_equal(count, right_count);
      for (int k = 0; k < count; k++) assert_int_equal(ids[k], right[k]);
      free(ids);
    }
    tokenizer_free(t);
    sentencepiece_free(model);
    for (int i = 0; i < LINE_COUNT; i++) free(clean[i]);
  }
}

static void what_cannot_be_trained(void **state) {
  (void)state;
  const char *path = in_folder("vocab.json"), *const bad[] = {"good", "b\xff"};
  assert_fails(vocabulary_train(LINES, LINE_COUNT, VOCABULARY_BPE, 5000, path), ERR_DATA,
               "cannot make a vocabulary of 5000 tokens");
  assert_fails(vocabulary_train(LINES, LINE_COUNT, VOCABULARY_UNIGRAM, 5, path), ERR_DATA,
               "cannot make a vocabulary of 5 tokens");
  assert_fails(vocabulary_train(LINES, 0, VOCABULARY_BPE, 50, path), ERR_DATA, "cannot make a vocabulary");
  assert_fails(vocabulary_train(bad, 2, VOCABULARY_BPE, 50, path), ERR_DATA, "text 2: ");
  assert_false(is_there(path));
  assert_fails(vocabulary_train(LINES, LINE_COUNT, VOCABULARY_BPE, SIZE, in_folder("none/vocab.json")),
               ERR_IO, "cannot write");
}

/* A text that says <pad> must not make a token of that name: it would be the blank. */
static void texts_that_say_pad(void **state) {
  (void)state;
  const char *lines[40], *path = in_folder("vocab.json");
  for (int i = 0; i < 40; i++) lines[i] = i % 2 ? "<pad> <pad> xyz" : "the <pad><pad> a";
  for (int kind = VOCABULARY_BPE; kind <= VOCABULARY_CHAR; kind++) {
    Tokenizer *t;
    int32_t *ids;
    int count;
    assert_ok(vocabulary_train(lines, 40, (VocabularyKind)kind, 13, path));
    assert_ok(tokenizer_load(&t, path));
    assert_ok(tokenizer_encode(t, lines[1], &ids, &count, NULL));
    for (int k = 0; k < count; k++) assert_true(ids[k] > 0 && ids[k] < tokenizer_size(t));
    char *back = tokenizer_decode(t, ids, count);
    assert_string_equal(back, lines[1]);
    free(back), free(ids);
    tokenizer_free(t);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
  const struct CMUnitTest tests[] = {
      TEST(bad_files),
      TEST(special_tokens_and_the_blank),
      TEST(added_symbols_come_first),
      TEST(unigram_takes_the_best_path),
      TEST(long_words),
      TEST(training_is_deterministic),
      TEST(trained_vocabularies_give_the_text_back),
      TEST(as_sentencepiece_encodes),
      TEST(what_cannot_be_trained),
      TEST(texts_that_say_pad),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
