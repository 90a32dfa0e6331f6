#include "src/text/rewrite.h"

#include "src/text/numbers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 4 };

static void add_text(WordList *out, const RuleText *text) {
  for (int i = 0; i < text->count; i++) words_add(out, word_of_rule(text->words[i]));
}

/* The longest phrase that begins there; NULL: none. */
static const Phrase *phrase_at(const WordList *in, int i) {
  const Rule *rule = in->items[i].rule;
  for (int p = 0; rule && p < rule->phrase_count; p++) {
    const Phrase *phrase = &rule->phrases[p];
    int k = 0;
    while (k < phrase->count && i + 1 + k < in->count && in->items[i + 1 + k].rule == phrase->rest[k]) k++;
    if (k == phrase->count) return phrase;
  }
  return NULL;
}

/* ---- fillers ---- */

/* A currency's symbol before no number says nothing. */
static bool is_idle_symbol(const WordList *in, int i) {
  if (!(in->items[i].flags & WORD_SYMBOL)) return false;
  const Word *next = i + 1 < in->count ? &in->items[i + 1] : NULL;
  return !next ||
         !(next->flags & WORD_DIGITS || (next->rule && next->rule->roles & (ROLE_NUMBER | ROLE_FRACTION)));
}

/* Phrases that begin with a filler go first: "uh huh" is an answer, "uh" is not. */
static void drop_fillers(const WordList *in, WordList *out) {
  for (int i = 0; i < in->count;) {
    int mark = out->count;
    const Word *word = &in->items[i];
    bool filler = (word->rule && word->rule->roles & ROLE_FILLER) || is_idle_symbol(in, i);
    const Phrase *phrase = filler ? phrase_at(in, i) : NULL;
    if (phrase)
      add_text(out, &phrase->to);
    else if (!filler)
      words_add(out, *word);
    int end = i + (phrase ? phrase->count + 1 : 1);
    words_trace(in, i, end, out, mark);
    i = end;
  }
}

/* ---- single words and contractions ---- */

/* The word after a contraction, adverbs left out ("he's never been"), takes "has" or "had". */
static bool is_perfect(const WordList *in, int i, const Rule *auxiliary) {
  for (int skipped = 0;
       skipped < 2 && i < in->count && in->items[i].rule && in->items[i].rule->roles & ROLE_ADVERB; skipped++)
    i++;
  const Rule *rule = i < in->count ? in->items[i].rule : NULL;
  for (int t = 0; rule && rule->roles & ROLE_PARTICIPLE && t < rule->takes.count; t++)
    if (rule->takes.words[t] == auxiliary) return true;
  return false;
}

static void add_replacement(const WordList *in, int i, const Rule *rule, WordList *out) {
  const RuleText *text = &rule->to;
  if (rule->other.count && is_perfect(in, i + 1, rule->other.words[rule->other.count - 1]))
    text = &rule->other;
  add_text(out, text);
}

/* The ending of the word that [suffixes] has: 're of they're, n't of mustn't. NULL: none. */
static const Rule *suffix_of(const Rules *rules, const Word *word) {
  const char *apostrophe = memrchr(word->text, '\'', word->length);
  if (!apostrophe || apostrophe == word->text) return NULL;
  for (const char *from = apostrophe; from >= apostrophe - 1 && from > word->text; from--) {
    const Rule *rule = rules_find(rules, from, (size_t)(word->text + word->length - from));
    if (rule && rule->roles & ROLE_SUFFIX) return rule;
  }
  return NULL;
}

/* True: an ending was split off. */
static bool replace_word(const Rules *rules, const WordList *in, int i, Word word, WordList *out) {
  if (word.rule && word.rule->roles & ROLE_WORD) {
    add_replacement(in, i, word.rule, out);
    return false;
  }
  const Rule *suffix = suffix_of(rules, &word);
  if (!suffix) {
    words_add(out, word);
    return false;
  }
  word.length -= suffix->length;
  if (word.text[word.length - 1] == '\'') word.length--;
  word.rule = rules_find(rules, word.text, word.length);
  replace_word(rules, in, in->count, word, out); /* what follows it is the ending */
  add_replacement(in, i, suffix, out);
  return true;
}

static bool replace_words(const Rules *rules, const WordList *in, WordList *out) {
  bool split = false;
  for (int i = 0; i < in->count; i++) {
    const Word *word = &in->items[i];
    int mark = out->count;
    bool capital_next = i + 1 < in->count && in->items[i + 1].flags & WORD_CAPITAL;
    if (word->rule && word->rule->roles & ROLE_ABBREVIATION && word->flags & WORD_STOP && capital_next)
      add_text(out, &word->rule->to);
    else
      split |= replace_word(rules, in, i, *word, out);
    words_trace(in, i, i + 1, out, mark);
  }
  return split;
}

/* ---- letters said one by one ---- */

static bool is_single(const WordList *in, int i) {
  return i < in->count && in->items[i].length == 1 && in->items[i].text[0] >= 'a' &&
         in->items[i].text[0] <= 'z';
}

/* "a" and "i" at an end of letters without full stops may be words. */
static bool may_be_word(const Word *word) { return word->text[0] == 'a' || word->text[0] == 'i'; }

static bool is_number(const WordList *in, int i) {
  if (i < 0 || i >= in->count) return false;
  return in->items[i].flags & WORD_DIGITS || (in->items[i].rule && in->items[i].rule->roles & ROLE_NUMBER);
}

/* Letters that follow a number, or two before one, belong to it: 5G, Q1. */
static bool join_letters(const Rules *rules, const WordList *in, WordList *out) {
  bool joined = false;
  for (int i = 0; i < in->count;) {
    int end = i, first, mark = out->count;
    const Phrase *phrase = phrase_at(in, i);
    if (phrase && is_single(in, i) && phrase->count) { /* a p i */
      add_text(out, &phrase->to);
      joined = true;
      words_trace(in, i, i + phrase->count + 1, out, mark);
      i += phrase->count + 1;
      continue;
    }
    while (is_single(in, end)) end++;
    first = i;
    int dotted = i + 1;
    while (dotted < end && in->items[dotted].flags & WORD_AFTER_STOP) dotted++;
    if (dotted - i >= 2) { /* U.S. */
      end = dotted;
    } else {
      for (int k = i + 1; k < end; k++)
        if (in->items[k].flags & WORD_AFTER_STOP) end = k - 1;
      if (is_number(in, first - 1) || (end - first == 2 && is_number(in, end))) end = first;
      while (first < end && may_be_word(&in->items[first])) first++;
      while (end > first && may_be_word(&in->items[end - 1])) end--;
    }
    if (end - first < 2 || first > i) {
      words_add(out, in->items[i++]);
      continue;
    }
    size_t length = (size_t)(end - i);
    char *text = words_room(out, length);
    for (int k = i; k < end; k++) text[k - i] = in->items[k].text[0];
    words_add(out, (Word){text, rules_find(rules, text, length), (uint32_t)length, 0, 0, 0});
    words_trace(in, i, end, out, mark);
    joined = true;
    i = end;
  }
  return joined;
}

/* ---- phrases ---- */

static bool replace_phrases(const WordList *in, WordList *out) {
  bool changed = false;
  for (int i = 0; i < in->count;) {
    const Phrase *phrase = phrase_at(in, i);
    if (phrase) {
      int mark = out->count;
      add_text(out, &phrase->to);
      words_trace(in, i, i + phrase->count + 1, out, mark);
      changed = true;
      i += phrase->count + 1;
    } else {
      words_add(out, in->items[i++]);
    }
  }
  return changed;
}

/* ---- all ---- */

/* The words of `next` become `words`; each list keeps its texts alive, to which words of both point. */
static void advance(WordList *words, WordList *next) {
  Word *items = words->items;
  int size = words->size;
  words->items = next->items, words->size = next->size, words->count = next->count;
  next->items = items, next->size = size, next->count = 0;
}

/* False: another round would change nothing. */
static bool rewrite_once(const Rules *rules, WordList *words, WordList *next) {
  drop_fillers(words, next), advance(words, next);
  bool again = replace_words(rules, words, next);
  advance(words, next);
  again |= join_letters(rules, words, next), advance(words, next);
  again |= numbers_rewrite(rules, words, next), advance(words, next);
  again |= replace_phrases(words, next), advance(words, next);
  return again;
}

static char *words_text(const WordList *words) {
  size_t size = 1;
  for (int i = 0; i < words->count; i++) size += words->items[i].length + 1;
  char *text = xcalloc(size, 1), *at = text;
  for (int i = 0; i < words->count; i++) {
    if (i) *at++ = ' ';
    at = mempcpy(at, words->items[i].text, words->items[i].length);
  }
  return text;
}

/* How many bytes of a text an error shows. */
static int head(const char *text) {
  size_t length = strnlen(text, 60);
  while (((unsigned char)text[length] & 0xC0) == 0x80) length--;
  return (int)length;
}

/* Rules that undo each other, or move a word by one place a round, may not settle. */
static Status rewrite(const Rules *rules, WordList *words, WordList *next) {
  int round = 0;
  while (round < ROUNDS_MOST && rewrite_once(rules, words, next)) round++;
  if (round < ROUNDS_MOST) return OK;
  Status status = OK;
  char *before = words_text(words);
  rewrite_once(rules, words, next);
  char *after = words_text(words);
  size_t from = 0;
  while (before[from] && before[from] == after[from]) from++;
  if (before[from] != after[from]) {
    while (from && before[from - 1] != ' ') from--;
    status = fail(ERR_DATA,
                  "the rules of %s do not settle: after %d rounds '%.*s' still becomes '%.*s'; "
                  "mend the rule that changes it",
                  rules_version(rules), ROUNDS_MOST, head(before + from), before + from, head(after + from),
                  after + from);
  }
  free(before), free(after);
  return status;
}

Status rules_apply(const Rules *rules, const char *const *pieces, int count, char **out,
                   WordSource **sources) {
  WordList words = {0}, next = {0};
  Status status = OK;
  TRY(words_scan(rules, pieces, count, &words));
  TRY(rewrite(rules, &words, &next));
  *out = words_text(&words);
  if (sources) *sources = xcalloc((size_t)words.count, sizeof **sources);
  for (int i = 0; i < words.count; i++) {
    const Word *word = &words.items[i];
    assert(word->first && word->last >= word->first);
    if (sources) (*sources)[i] = (WordSource){word->first - 1, word->last - 1};
  }
done:
  words_free(&words);
  words_free(&next);
  return status;
}

static Status check_text(const Rules *rules, const Rule *rule, const RuleText *text) {
  Buffer words = {0};
  char *again = NULL;
  buffer_append(&words, "", 0);
  rule_text_append(&words, text);
  Status status = rules_apply(rules, (const char *const *)&words.data, 1, &again, NULL);
  if (status != OK) {
    fail_in(status, "%s:%d: '%s' becomes '%s'", rule->source, rule->line, rule->text, words.data);
  } else if (strcmp(words.data, again)) {
    status = fail(ERR_DATA, "%s:%d: '%s' becomes '%s', and that becomes '%s': write what remains",
                  rule->source, rule->line, rule->text, words.data, again);
  }
  free(words.data);
  free(again);
  return status;
}

Status rules_check(const Rules *rules) {
  Status status = OK;
  const uint32_t with_text = ROLE_WORD | ROLE_SUFFIX | ROLE_ABBREVIATION | ROLE_FRACTION;
  const Rule *rule;
  for (size_t i = 0; i < rules_places(rules); i++) {
    if (!(rule = rules_at(rules, i))) continue;
    if (rule->roles & with_text) TRY(check_text(rules, rule, &rule->to));
    if (rule->roles & with_text) TRY(check_text(rules, rule, &rule->other));
    for (int p = 0; p < rule->phrase_count; p++) TRY(check_text(rules, rule, &rule->phrases[p].to));
  }
done:
  return status;
}
