/* Alignment: against the naive table with the stated ties, in every size that changes the way it is computed;
 * networks against every path of theirs. */
#include "tests/unit/support.h"

#include "eval/align.h"
#include "eval/network.h"
#include "eval/rates.h"

static uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

/* The whole table of costs. */
static int64_t *naive_table(const AlignCosts *costs, const uint32_t *ref, int n, const uint32_t *hyp, int m) {
  size_t columns = (size_t)m + 1;
  int64_t *d = xcalloc((size_t)(n + 1) * columns, sizeof *d);
  for (int i = 0; i <= n; i++)
    for (int j = 0; j <= m; j++) {
      int64_t best = i + j ? INT64_MAX : 0;
      if (i && j) {
        int64_t pair =
            d[(size_t)(i - 1) * columns + (size_t)j - 1] + (ref[i - 1] != hyp[j - 1] ? costs->sub : 0);
        if (pair < best) best = pair;
      }
      if (j && d[(size_t)i * columns + (size_t)j - 1] + costs->gap < best)
        best = d[(size_t)i * columns + (size_t)j - 1] + costs->gap;
      if (i && d[(size_t)(i - 1) * columns + (size_t)j] + costs->gap < best)
        best = d[(size_t)(i - 1) * columns + (size_t)j] + costs->gap;
      d[(size_t)i * columns + (size_t)j] = best;
    }
  return d;
}

/* Back from the end: match or substitution, then insertion, then deletion. */
static int naive_align(const AlignCosts *costs, const uint32_t *ref, int n, const uint32_t *hyp, int m,
                       uint8_t *path) {
  int64_t *d = naive_table(costs, ref, n, hyp, m);
  size_t columns = (size_t)m + 1;
  int length = 0;
  for (int i = n, j = m; i || j; length++) {
    int64_t here = d[(size_t)i * columns + (size_t)j];
    bool same = i && j && ref[i - 1] == hyp[j - 1];
    if (i && j && here == d[(size_t)(i - 1) * columns + (size_t)j - 1] + (same ? 0 : costs->sub))
      path[length] = same ? ALIGN_MATCH : ALIGN_SUB, i--, j--;
    else if (j && here == d[(size_t)i * columns + (size_t)j - 1] + costs->gap)
      path[length] = ALIGN_INS, j--;
    else
      path[length] = ALIGN_DEL, i--;
  }
  for (int k = 0; k < length / 2; k++) {
    uint8_t swap = path[k];
    path[k] = path[length - 1 - k], path[length - 1 - k] = swap;
  }
  free(d);
  return length;
}

static void against_naive(const AlignCosts *costs, int n, int m, uint32_t words, uint64_t seed) {
  uint32_t *ref = xcalloc((size_t)n, sizeof *ref), *hyp = xcalloc((size_t)m, sizeof *hyp);
  uint8_t *path = xcalloc((size_t)(n + m), 1), *expected = xcalloc((size_t)(n + m), 1);
  AlignCounts counts;
  int length, seen[4] = {0};
  for (int i = 0; i < n; i++) ref[i] = next_random(&seed) % words;
  for (int j = 0; j < m; j++) /* most words are those of the reference, so that there is something to find */
    hyp[j] = n && next_random(&seed) % 4 ? ref[(long)j * n / m] : next_random(&seed) % words;
  assert_ok(align(costs, ref, n, hyp, m, &counts, path, &length));
  int expected_length = naive_align(costs, ref, n, hyp, m, expected);
  assert_int_equal(length, expected_length);
  assert_memory_equal(path, expected, (size_t)length);
  for (int k = 0; k < length; k++) seen[path[k]]++;
  assert_int_equal(counts.match, seen[ALIGN_MATCH]);
  assert_int_equal(counts.sub, seen[ALIGN_SUB]);
  assert_int_equal(counts.ins, seen[ALIGN_INS]);
  assert_int_equal(counts.del, seen[ALIGN_DEL]);
  AlignCounts alone;
  assert_ok(align(costs, ref, n, hyp, m, &alone, NULL, NULL));
  assert_memory_equal(&alone, &counts, sizeof counts);
  free(ref), free(hyp), free(path), free(expected);
}

static void paths(void **state) {
  (void)state;
  const AlignCosts *both[] = {&ALIGN_PLAIN, &ALIGN_SCLITE};
  for (int k = 0; k < 2; k++) {
    for (int n = 0; n < 40; n++)
      for (int m = 0; m < 40; m++)
        against_naive(both[k], n, m, 1 + (uint32_t)(n * m) % 7, (uint64_t)(n * 64 + m));
    for (uint64_t seed = 0; seed < 60;
         seed++) /* bands that have to be widened, groups of lanes that are not full */
      against_naive(both[k], 100 + (int)seed * 7, 100 + (int)(seed * 37 % 500), seed % 3 ? 3 : 200, seed);
    against_naive(both[k], 2500, 2400, 4, 1); /* states saved and parts recomputed */
    against_naive(both[k], 3000, 300, 2, 2);
  }
}

static void limits(void **state) {
  (void)state;
  uint32_t *long_one = xcalloc(ALIGN_LONGEST + 1, sizeof *long_one);
  AlignCounts counts;
  assert_ok(align(&ALIGN_PLAIN, long_one, ALIGN_LONGEST, NULL, 0, &counts, NULL, NULL));
  assert_int_equal(counts.del, ALIGN_LONGEST);
  assert_fails(align(&ALIGN_PLAIN, long_one, ALIGN_LONGEST + 1, NULL, 0, &counts, NULL, NULL), ERR_DATA,
               "at most");
  free(long_one);
  assert_ptr_equal(align_costs("sclite"), &ALIGN_SCLITE);
  assert_null(align_costs("other"));
}

/* ---- networks ---- */

typedef struct Best {
  int errors;
  int64_t cost;
} Best;

/* The least cost over the paths from `node`, the words so far in ref; optional words both ways. */
static void every_path(const Network *network, const AlignCosts *costs, int node, uint32_t *ref, int n,
                       const uint32_t *hyp, int m, const uint32_t *ids, int unsaid, int64_t *best) {
  if (node == network->nodes - 1) {
    int64_t *d = naive_table(costs, ref, n, hyp, m), cost = d[(size_t)(n + 1) * (size_t)(m + 1) - 1] + unsaid;
    if (cost < *best) *best = cost;
    free(d);
    return;
  }
  for (int a = 0; a < network->arc_count; a++) {
    const NetworkArc *arc = &network->arcs[a];
    if (arc->from != node) continue;
    if (arc->word >= 0) ref[n] = ids[arc->word];
    every_path(network, costs, arc->to, ref, n + (arc->word >= 0), hyp, m, ids, unsaid, best);
    if (arc->optional)
      every_path(network, costs, arc->to, ref, n, hyp, m, ids, unsaid + costs->gap - 1, best);
  }
}

/* One side as the network of its own path: every path of the other side is then tried with it. */
static void every_pair(const Network *ref, const Network *hyp, const AlignCosts *costs, int node,
                       uint32_t *words, int m, int unsaid, int64_t *best) {
  if (node == hyp->nodes - 1) {
    uint32_t ids[32], room[32];
    int64_t cost = INT64_MAX;
    for (int w = 0; w < ref->word_count; w++) ids[w] = (uint32_t)ref->words[w][0];
    every_path(ref, costs, 0, room, 0, words, m, ids, unsaid, &cost);
    if (cost < *best) *best = cost;
    return;
  }
  for (int a = 0; a < hyp->arc_count; a++) {
    const NetworkArc *arc = &hyp->arcs[a];
    if (arc->from != node) continue;
    if (arc->word >= 0) words[m] = (uint32_t)hyp->words[arc->word][0];
    every_pair(ref, hyp, costs, arc->to, words, m + (arc->word >= 0), unsaid, best);
    if (arc->optional) every_pair(ref, hyp, costs, arc->to, words, m, unsaid + costs->gap - 1, best);
  }
}

static bool optional_word(const Network *network, int word) {
  for (int a = 0; a < network->arc_count; a++)
    if (network->arcs[a].word == word) return network->arcs[a].optional;
  return false;
}

static void assert_least(const Network *ref, const Network *hyp, const AlignCosts *costs) {
  int64_t best = INT64_MAX, cost = 0;
  uint32_t words[32];
  NetworkStep *steps;
  int count, last[2] = {-1, -1};
  every_pair(ref, hyp, costs, 0, words, 0, 0, &best);
  assert_ok(network_align(ref, hyp, costs, false, &steps, &count));
  for (int k = 0; k < count; k++) {
    int r = steps[k].ref, h = steps[k].hyp;
    if (r >= 0 && h >= 0) {
      bool same = strcmp(ref->words[r], hyp->words[h]) == 0;
      assert_int_equal(steps[k].op, same ? ALIGN_MATCH : ALIGN_SUB);
      cost += same ? 0 : costs->sub;
    } else {
      bool optional = r >= 0 ? optional_word(ref, r) : optional_word(hyp, h);
      assert_int_equal(steps[k].op, optional ? ALIGN_MATCH : r >= 0 ? ALIGN_DEL : ALIGN_INS);
      cost += costs->gap - optional;
    }
    assert_true(r < 0 || r > last[0]);
    assert_true(h < 0 || h > last[1]);
    if (r >= 0) last[0] = r;
    if (h >= 0) last[1] = h;
  }
  assert_int_equal(cost, best);
  free(steps);
}

static void least_over_paths(void **state) {
  (void)state;
  static const char *const texts[] = {"a { b / c a / @ } a",
                                      "{ @ / a } { b / { c / @ } a } c",
                                      "a (b) c (b) (a)",
                                      "{ a b c / c b a / (b) } { @ / @ }",
                                      "",
                                      "{ @ / @ }",
                                      "(a)",
                                      "c b b a",
                                      "{ c / d } a { (b) c / a }"};
  enum { TEXTS = sizeof texts / sizeof *texts };
  Normalizer *normalizer;
  Network ref, hyp;
  uint64_t seed = 7;
  assert_ok(normalizer_new(&normalizer, "none"));
  for (int r = 0; r < TEXTS; r++)
    for (int run = 0; run < 100 + 2 * TEXTS; run++) {
      char text[16] = "";
      int m = (int)(next_random(&seed) % 7);
      for (int j = 0; j < m; j++) text[2 * j] = (char)('a' + next_random(&seed) % 4), text[2 * j + 1] = ' ';
      assert_ok(network_make(&ref, texts[r], normalizer, NETWORK_OPTIONAL));
      if (run < 100)
        assert_ok(network_make(&hyp, text, normalizer, NETWORK_PLAIN));
      else
        assert_ok(network_make(&hyp, texts[(run - 100) / 2], normalizer, NETWORK_OPTIONAL));
      assert_least(&ref, &hyp, run % 2 ? &ALIGN_PLAIN : &ALIGN_SCLITE);
      network_free(&ref), network_free(&hyp);
    }
  normalizer_free(normalizer);
}

/* The errors of two texts, a fragment being right. */
static int fragment_errors(const Normalizer *normalizer, const char *ref, const char *hyp) {
  Network left, right;
  NetworkStep *steps;
  int count, errors = 0;
  assert_ok(network_make(&left, ref, normalizer, NETWORK_OPTIONAL));
  assert_ok(network_make(&right, hyp, normalizer, NETWORK_OPTIONAL));
  assert_ok(network_align(&left, &right, &ALIGN_SCLITE, true, &steps, &count));
  for (int k = 0; k < count; k++) errors += steps[k].op != ALIGN_MATCH;
  free(steps);
  network_free(&left), network_free(&right);
  return errors;
}

static void fragments(void **state) {
  (void)state;
  Normalizer *normalizer;
  assert_ok(normalizer_new(&normalizer, "none"));
  static const char *const right[][2] = {
      {"fi-", "fish"},   {"fish", "fi-"},   {"-sh", "fish"},        {"fish", "-sh"},
      {"fi-", "fig-"},   {"(fi-)", "fish"}, {"fish-", "fish"},      {"-", "-"},
      {"a fi-", "a fi"}, {"-fish", "fish"}, {"{ fi- / x }", "fish"}};
  static const char *const wrong[][2] = {{"fi-", "ish"}, {"fish-", "fis"}, {"-fi", "fish"},
                                         {"-sh", "h"},   {"fi-", "-fi"},   {"-", "fish"},
                                         {"f-i", "fi"},  {"fish", "fis"},  {"(-sh)", "fish"}};
  for (size_t k = 0; k < sizeof right / sizeof *right; k++)
    assert_int_equal(fragment_errors(normalizer, right[k][0], right[k][1]), 0);
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
    assert_int_equal(fragment_errors(normalizer, wrong[k][0], wrong[k][1]), 1);
  normalizer_free(normalizer);
}

static void marks(void **state) {
  (void)state;
  Normalizer *normalizer;
  Network network;
  assert_ok(normalizer_new(&normalizer, "basic"));
  assert_ok(network_make(&network, "I've { Um, / uh-huh / @ } (So) far @ x/y", normalizer, NETWORK_OPTIONAL));
  static const char *const words[] = {"i've", "um", "uh", "huh", "so", "far", "x", "y"};
  assert_int_equal(network.word_count, 8);
  for (int w = 0; w < 8; w++) assert_string_equal(network.words[w], words[w]);
  network_free(&network);
  assert_ok(network_make(&network, "{I've/i}{{Um,/@}/(uh)} so/far{huh / x}", normalizer, NETWORK_OPTIONAL));
  static const char *const tight[] = {"i've", "i", "um", "uh", "so", "far", "huh", "x"};
  assert_int_equal(network.word_count, 8);
  for (int w = 0; w < 8; w++) assert_string_equal(network.words[w], tight[w]);
  assert_true(network.arcs[4].optional);
  network_free(&network);
  static const char *const bad[][2] = {{"a { b", "\"{\" without \"}\""},
                                       {"a { b / { c }", "\"{\" without \"}\""},
                                       {"a } b", "\"}\" without \"{\""}};
  for (int k = 0; k < 3; k++) {
    assert_fails(network_make(&network, bad[k][0], normalizer, NETWORK_OPTIONAL), ERR_DATA, bad[k][1]);
    network_free(&network);
  }
  char deep[200] = "";
  for (int k = 0; k < 40; k++) strcat(deep, "{ a ");
  assert_fails(network_make(&network, deep, normalizer, NETWORK_OPTIONAL), ERR_DATA, "nested");
  network_free(&network);
  normalizer_free(normalizer);
}

static void rates(void **state) {
  (void)state;
  Rates r;
  assert_ok(rates_score(&ALIGN_PLAIN, "the gini index", "the genie in index", &r));
  assert_int_equal(r.words.match, 2);
  assert_int_equal(r.words.sub, 1);
  assert_int_equal(r.words.ins, 1);
  assert_float_equal(rates_error(r.words), 2.0 / 3, 1e-12);
  assert_int_equal(align_reference(r.characters), 14);
  assert_int_equal(align_errors(r.characters), 5); /* gini: genie, and " in" */
  assert_ok(rates_score(&ALIGN_PLAIN, "", "two words", &r));
  assert_int_equal(r.words.ins, 2);
  assert_true(rates_error(r.words) != rates_error(r.words)); /* NAN */
  assert_ok(rates_score(&ALIGN_PLAIN, "caf\xc3\xa9", "cafe", &r));
  assert_int_equal(r.characters.sub, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths),     cmocka_unit_test(limits), cmocka_unit_test(least_over_paths),
      cmocka_unit_test(fragments), cmocka_unit_test(marks),  cmocka_unit_test(rates)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
