/* The parts of the tokeniser: UTF-8, buffers, the pair map, the token table, normalizers and pre-tokenizers
 * one by one. */
#include "tests/unit/support.h"

#include <jansson.h>

#include "kernels/random.h"
#include "src/text/charsmap.h"
#include "src/text/pair_map.h"
#include "src/text/pretokenize.h"
#include "src/text/segment.h"
#include "src/text/token_table.h"
#include "src/text/unicode.h"

/* ---- UTF-8 ---- */

static void utf8_is_checked(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int at; /* first bad byte; -1: good */
  } cases[] = {
      {"", -1},
      {"abc", -1},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", -1},
      {"\xf4\x8f\xbf\xbf", -1},
      {"\xef\xbf\xbe", -1},
      {"a\x80", 1},
      {"a\xc3", 1},
      {"\xc3(", 0},
      {"\xe2\x82", 0},
      {"ab\xf0\x9f\x98", 2},
      {"\xff", 0},
      {"\xfe", 0},
      {"\xc0\x80", 0}, /* zero in two bytes */
      {"\xc1\xbf", 0},
      {"\xe0\x80\x80", 0},
      {"\xf0\x80\x80\x80", 0},
      {"\xed\xa0\x80", 0}, /* a surrogate */
      {"\xf4\x90\x80\x80", 0},
      {"\xf5\x80\x80\x80", 0},
      {"\xf8\x88\x80\x80\x80", 0},
      {"\xc3\xa9\xa9", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Status status = utf8_check(cases[i].text, strlen(cases[i].text));
    assert_int_equal(status, cases[i].at < 0 ? OK : ERR_DATA);
    char *place = xprintf("not UTF-8 at byte %d (0x", cases[i].at);
    if (status != OK && !strstr(fail_text(), place)) fail_msg("case %zu: %s", i, fail_text());
    free(place);
  }
  assert_ok(utf8_check("a\0b", 3));
  assert_int_equal(utf8_length("a"), 1);
  assert_int_equal(utf8_length("\xc3\xa9"), 2);
  assert_int_equal(utf8_length("\xe2\x82\xac"), 3);
  assert_int_equal(utf8_length("\xf0\x9f\x98\x80"), 4);
}

static void spaces(void **state) {
  (void)state;
  /* Unicode's White_Space, all of it */
  static const int32_t all[] = {9,      10,     11,     12,     13,     32,     0x85,   0xa0,   0x1680,
                                0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
  size_t next = 0;
  for (int32_t c = 0; c < 0x110000; c++) {
    bool space = next < sizeof all / sizeof *all && all[next] == c;
    next += space;
    assert_int_equal(unicode_is_space(c), space);
  }
}

static void buffers_grow(void **state) {
  (void)state;
  Buffer buffer = {0};
  buffer_append(&buffer, "", 0);
  assert_string_equal(buffer.data, "");
  for (int i = 0; i < 5000; i++) {
    buffer_append(&buffer, "ab\0", 3);
    buffer_append_codepoint(&buffer, 0x1F600);
    assert_int_equal(buffer.data[buffer.used], 0);
  }
  assert_int_equal(buffer.used, 35000);
  for (int i = 0; i < 5000; i++) assert_memory_equal(buffer.data + 7 * i, "ab\0\xf0\x9f\x98\x80", 7);
  free(buffer.data);
}

/* ---- tables ---- */

static void pair_maps(void **state) {
  (void)state;
  PairMap map = {0};
  enum { N = 20000 };
  assert_int_equal(pair_map_get(&map, 0, 0), -1);
  for (int32_t i = 0; i < N; i++) /* pairs that differ in one number alone, and extremes */
    assert_true(pair_map_put(&map, i % 200, INT32_MAX - i / 200, i));
  assert_false(pair_map_put(&map, 0, INT32_MAX, 7));
  assert_true(pair_map_put(&map, 0, 0, 0));
  assert_int_equal(map.used, N + 1);
  assert_true(map.size >= 2 * map.used && (map.size & (map.size - 1)) == 0);
  for (int32_t i = 0; i < N; i++) assert_int_equal(pair_map_get(&map, i % 200, INT32_MAX - i / 200), i);
  assert_int_equal(pair_map_get(&map, 0, 0), 0);
  assert_int_equal(pair_map_get(&map, INT32_MAX, 0), -1); /* the order counts */
  assert_int_equal(pair_map_get(&map, 200, INT32_MAX), -1);
  pair_map_free(&map);
  assert_int_equal(pair_map_get(&map, 1, INT32_MAX), -1);
}

static void token_tables(void **state) {
  (void)state;
  TokenTable table;
  int32_t token, node;
  token_table_reserve(&table, 5);
  assert_ok(token_table_add(&table, "ab", 3));
  assert_ok(token_table_add(&table, "a", 0));
  assert_ok(token_table_add(&table, "abc\xc3\xa9", 4));
  assert_ok(token_table_add(&table, "<unk>", 1));
  table.special[1] = true;
  assert_fails(token_table_add(&table, "", 2), ERR_DATA, "the token with id 2 is empty");
  assert_fails(token_table_add(&table, "x", 5), ERR_DATA, "the id 5 of 'x' is outside 0 .. 4");
  assert_fails(token_table_add(&table, "x", -1), ERR_DATA, "the id -1 of 'x' is outside");
  assert_fails(token_table_add(&table, "x", INT64_MAX), ERR_DATA, "is outside");
  assert_fails(token_table_add(&table, "x", 3), ERR_DATA, "'ab' and 'x' have the same id 3");
  assert_fails(token_table_add(&table, "ab", 2), ERR_DATA, "'ab' has the ids 3 and 2");
  assert_int_equal(token_table_find(&table, "ab", 2), 3);
  assert_int_equal(token_table_find(&table, "abc", 1), 0);
  assert_int_equal(token_table_find(&table, "abc", 3), -1);
  assert_int_equal(token_table_find(&table, "b", 1), -1);
  assert_int_equal(token_table_find(&table, "", 0), -1);
  assert_int_equal(token_table_find(&table, "<unk>", 5), 1);
  node = token_table_step(&table, 0, 'a', &token);
  assert_int_equal(token, 0);
  node = token_table_step(&table, node, 'b', &token);
  assert_int_equal(token, 3);
  node = token_table_step(&table, node, 'c', &token);
  assert_true(node > 0 && token == -1);
  assert_int_equal(token_table_step(&table, node, 'x', &token), -1);
  node = 0;
  for (const char *at = "<unk>"; *at; at++) node = token_table_step(&table, node, *at, &token);
  assert_int_equal(token, -1); /* special: never made from text */
  token_table_free(&table);
}

/* ---- normalizers and pre-tokenizers ---- */

/* The pieces joined by '|'. */
static char *cut(const char *normalizer, const char *pre_tokenizer, const char *text) {
  json_t *first = normalizer ? json_loads(normalizer, 0, NULL) : NULL;
  json_t *second = pre_tokenizer ? json_loads(pre_tokenizer, 0, NULL) : NULL;
  assert_true(!normalizer == !first && !pre_tokenizer == !second);
  Pretokenizer *made;
  Pieces pieces = {0};
  Buffer out = {0};
  assert_ok(pretokenizer_new(&made, first, second));
  assert_ok(pretokenizer_apply(made, "something before", 16, &pieces)); /* assigned, not appended */
  assert_ok(pretokenizer_apply(made, text, strlen(text), &pieces));
  buffer_append(&out, "", 0);
  for (int i = 0; i < pieces.count; i++) {
    size_t begin = i ? pieces.ends[i - 1] : 0;
    assert_true(pieces.ends[i] > begin);
    if (i) buffer_append(&out, "|", 1);
    buffer_append(&out, pieces.text.data + begin, pieces.ends[i] - begin);
  }
  pieces_free(&pieces);
  pretokenizer_free(made);
  json_decref(first), json_decref(second);
  return out.data;
}

#define METASPACE(scheme) "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"" scheme "\"}"

static void steps(void **state) {
  (void)state;
  static const char *const cases[][4] = {
      {NULL, NULL, " a b ", " a b "},
      {NULL, NULL, "", ""},
      {"{\"type\":\"NFC\"}", NULL, "e\xcc\x81", "\xc3\xa9"},
      {"{\"type\":\"NFD\"}", NULL, "\xc3\xa9", "e\xcc\x81"},
      {"{\"type\":\"NFKC\"}", NULL, "\xef\xac\x81\xe2\x91\xa0", "fi1"},
      {"{\"type\":\"NFKD\"}", NULL, "\xc3\xa9\xc2\xbd", "e\xcc\x81\x31\xe2\x81\x84\x32"},
      {"{\"type\":\"Lowercase\"}", NULL, "\xc3\x89 \xc4\xb0 \xce\xa3 \xe1\xba\x9e",
       "\xc3\xa9 i\xcc\x87 \xcf\x83 \xc3\x9f"},
      {"{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":false}", NULL, " \xc2\xa0 a ", "a "},
      {"{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}", NULL, " a \xe3\x80\x80", " a"},
      {"{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}", NULL, " \t ", ""},
      {"{\"type\":\"Prepend\",\"prepend\":\"x\"}", NULL, "a", "xa"},
      {"{\"type\":\"Prepend\",\"prepend\":\"x\"}", NULL, "", ""},
      {"{\"type\":\"Replace\",\"pattern\":{\"String\":\"aa\"},\"content\":\"b\"}", NULL, "aaaaa a", "bba a"},
      {"{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"\"}", NULL, "aba", "b"},
      {"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\"_\"}", NULL, "a  b c    ",
       "a_b c_"},
      {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Lowercase\"},{\"type\":\"Sequence\","
       "\"normalizers\":["
       "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"b\"}]},"
       "{\"type\":\"Replace\",\"pattern\":{\"String\":\"b\"},\"content\":\"c\"}]}",
       NULL, "Ab", "cc"},
      {NULL, "{\"type\":\"WhitespaceSplit\"}",
       " a\t b\xc2\xa0\xe2\x80\xa8"
       "c\xe2\x80\x8b ",
       "a|b|c\xe2\x80\x8b"},
      {NULL, METASPACE("always"), "a b", "_a|_b"},
      {NULL, METASPACE("always"), " a  b_c", "_a|_|_b|_c"},
      {NULL, METASPACE("never"), "a b", "a|_b"},
      {NULL, "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":true,\"split\":false}",
       "a b", "_a_b"},
      {NULL,
       "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"}," METASPACE("always") "]}",
       " a\n b ", "_a|_b"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *pieces = cut(cases[i][0], cases[i][1], cases[i][2]);
    if (strcmp(pieces, cases[i][3])) fail_msg("case %zu: '%s', not '%s'", i, pieces, cases[i][3]);
    free(pieces);
  }
}

static void steps_that_are_refused(void **state) {
  (void)state;
  static const char *const bad[][3] = {
      {"n", "{\"type\":\"BertNormalizer\"}", "normalizer: the type 'BertNormalizer' is not supported"},
      {"n", "{}", "normalizer: 'type' must be a string"},
      {"n", "[]", "normalizer: 'type' must be a string"},
      {"n", "{\"type\":1}", "normalizer: 'type' must be a string"},
      {"n", "{\"type\":\"Strip\"}", "normalizer: 'strip_left' must be true or false"},
      {"n", "{\"type\":\"Prepend\"}", "normalizer: 'prepend' must be a string"},
      {"n", "{\"type\":\"Prepend\",\"prepend\":\"123456789012345678901234567890123\"}",
       "'prepend' has more than 32 bytes"},
      {"n", "{\"type\":\"Replace\"}", "normalizer: 'String' must be a string"},
      {"n", "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a-z]\"},\"content\":\"\"}",
       "the regular expression '[a-z]' is not supported"},
      {"n", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"a\"}",
       "Replace: the pattern is empty"},
      {"n", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}", "'content' must be a string"},
      {"n", "{\"type\":\"Sequence\"}", "Sequence: 'normalizers' must be an array"},
      {"n", "{\"type\":\"Precompiled\"}", "'precompiled_charsmap' must be a string"},
      {"n", "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"?\"}", "is not base64 at character 0"},
      {"n", "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"\"}", "a trie of 0 bytes in 0 bytes"},
      {"n", "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"////fw==\"}",
       "a trie of 2147483647 bytes in 4 bytes"},
      {"p", "{\"type\":\"ByteLevel\"}", "pre_tokenizer: the type 'ByteLevel' is not supported"},
      {"p", "{\"type\":\"Metaspace\"}", "pre_tokenizer: 'replacement' must be a string"},
      {"p", "{\"type\":\"Metaspace\",\"replacement\":\"\",\"prepend_scheme\":\"always\"}",
       "must be one character"},
      {"p", "{\"type\":\"Metaspace\",\"replacement\":\"ab\",\"prepend_scheme\":\"always\"}",
       "must be one character"},
      {"p", METASPACE("first"), "the prepend scheme 'first' is not supported"},
      {"p", "{\"type\":\"Metaspace\",\"replacement\":\"_\"}", "'add_prefix_space' must be true or false"},
      {"p", "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":1}",
       "'add_prefix_space' must be true or false"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json_t *object = json_loads(bad[i][1], 0, NULL);
    Pretokenizer *made = NULL;
    bool first = bad[i][0][0] == 'n';
    assert_non_null(object);
    assert_fails(pretokenizer_new(&made, first ? object : NULL, first ? NULL : object), ERR_DATA, bad[i][2]);
    assert_null(made);
    json_decref(object);
  }
  json_t *list = json_array(); /* 33 steps */
  for (int i = 0; i < 33; i++) json_array_append_new(list, json_pack("{ss}", "type", "NFC"));
  json_t *sequence = json_pack("{ssso}", "type", "Sequence", "normalizers", list);
  Pretokenizer *made;
  assert_fails(pretokenizer_new(&made, sequence, NULL), ERR_DATA, "more than 32 steps");
  json_decref(sequence);
}

/* Steps that double the text each: 2^32 times its length if nothing stopped them. */
static void growth_is_stopped(void **state) {
  (void)state;
  json_t *list = json_array();
  for (int i = 0; i < 32; i++)
    json_array_append_new(
        list, json_pack("{sss{ss}ss}", "type", "Replace", "pattern", "String", "a", "content", "aa"));
  json_t *sequence = json_pack("{ssso}", "type", "Sequence", "normalizers", list);
  Pretokenizer *made;
  Pieces pieces = {0};
  assert_ok(pretokenizer_new(&made, sequence, NULL));
  assert_fails(pretokenizer_apply(made, "abcabc", 6, &pieces), ERR_DATA, "normalizer makes");
  assert_ok(pretokenizer_apply(made, "bc", 2, &pieces));
  assert_int_equal(pieces.count, 1);
  pieces_free(&pieces);
  pretokenizer_free(made);
  json_decref(sequence);
}

/* ---- the character map ---- */

static char *base64(const unsigned char *bytes, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *out = xcalloc(size * 2 + 8, 1), *to = out;
  for (size_t i = 0; i < size; i += 3) {
    uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                 (i + 2 < size ? bytes[i + 2] : 0);
    for (int k = 0; k < 4; k++) *to++ = k <= (int)(size - i) ? digits[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/* A map that may say anything reads nothing outside itself, and its output is UTF-8 (under `make asan`). */
static void character_maps_of_rubbish(void **state) {
  (void)state;
  static const char text[] =
      "abc \xc3\xa9 e\xcc\x81 \xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9 \x7f";
  int accepted = 0;
  for (uint32_t run = 0; run < 3000; run++) {
    enum { UNITS = 1024 };
    unsigned char bytes[4 + 4 * UNITS + 8] = {0};
    uint32_t units[UNITS], size = sizeof units;
    uint64_t key = random_row(5, run, 0, 0, 0);
    for (uint32_t i = 0; i < UNITS;
         i++) { /* the root's children from 256 on, leaves from 512 on, some of them wild */
      uint32_t r = random_bits(key, i), leaf = 512 + r % 512;
      units[i] = r % 11 == 0 ? random_bits(key, UNITS + i)
                 : i == 0    ? 256 << 10
                 : i >= 512  ? 1u << 31 | r % 9
                             : (i & 255) | (r & 256) | (i ^ (r & 256 ? leaf : 256 + r % 256)) << 10;
    }
    memcpy(bytes, &size, 4);
    memcpy(bytes + 4, units, size);
    memcpy(bytes + 4 + size, run % 7 ? "x\0yz\0\xc3\xa9\0" : "x\0yz\0\xc3\0\0", 8);
    char *encoded = base64(bytes, 4 + size + 8);
    Charsmap *map;
    Status status = charsmap_new(&map, encoded);
    assert_int_equal(status, run % 7 ? OK : ERR_DATA);
    if (status == OK) {
      Buffer out = {0};
      charsmap_apply(map, text, sizeof text - 1, &out);
      assert_ok(utf8_check(out.data, out.used));
      accepted += strcmp(out.data, text) != 0;
      free(out.data);
      charsmap_free(map);
    }
    free(encoded);
  }
  assert_true(accepted > 1000);
  unsigned char large[4 + 4 + 66] = {4};
  memset(large + 8, 'x', 65);
  char *encoded = base64(large, sizeof large);
  Charsmap *map;
  assert_fails(charsmap_new(&map, encoded), ERR_DATA, "a replacement has 65 bytes");
  free(encoded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_is_checked),
      cmocka_unit_test(spaces),
      cmocka_unit_test(buffers_grow),
      cmocka_unit_test(pair_maps),
      cmocka_unit_test(token_tables),
      cmocka_unit_test(steps),
      cmocka_unit_test(steps_that_are_refused),
      cmocka_unit_test(growth_is_stopped),
      cmocka_unit_test(character_maps_of_rubbish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
