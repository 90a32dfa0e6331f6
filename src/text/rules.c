#include "src/text/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/base/file.h"

enum { FILE_MOST = 4 << 20, LINE_MOST = 1000, WORDS_MOST = 16, PHRASES_MOST = 512, NAME_MOST = 64 };

typedef struct Block {
  struct Block *next;
  size_t used, size;
  char bytes[] __attribute__((aligned(16)));
} Block;

struct Rules {
  char *version;
  Rule **slots; /* a power of two of them, at most half full */
  size_t size, used;
  Block *blocks;
  const Rule *grammar[GRAMMAR_COUNT];
};

/* Where the reader is. */
typedef struct Place {
  Rules *rules;
  const char *name;
  int line;
  bool started; /* a section was seen: no settings any more */
} Place;

static void *take(Rules *rules, size_t size) {
  size = (size + 15) & ~(size_t)15;
  Block *block = rules->blocks;
  if (!block || block->used + size > block->size) {
    size_t room = size > 65536 ? size : 65536;
    block = xcalloc(1, sizeof *block + room);
    block->size = room;
    block->next = rules->blocks;
    rules->blocks = block;
  }
  block->used += size;
  return block->bytes + block->used - size;
}

static uint32_t hash_of(const char *text, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
  return hash ^ hash >> 15;
}

static Rule **slot_of(const Rules *rules, const char *text, size_t length, uint32_t hash) {
  size_t at = hash & (rules->size - 1);
  for (Rule *rule; (rule = rules->slots[at]); at = (at + 1) & (rules->size - 1))
    if (rule->hash == hash && rule->length == length && !memcmp(rule->text, text, length)) break;
  return &rules->slots[at];
}

const Rule *rules_find(const Rules *rules, const char *text, size_t length) {
  return *slot_of(rules, text, length, hash_of(text, length));
}

const Rule *rules_grammar(const Rules *rules, Grammar grammar) { return rules->grammar[grammar]; }

const Rule *rules_at(const Rules *rules, size_t place) { return rules->slots[place]; }

size_t rules_places(const Rules *rules) { return rules->size; }

const char *rules_version(const Rules *rules) { return rules->version; }

void rule_text_append(Buffer *out, const RuleText *text) {
  for (int i = 0; i < text->count; i++) {
    if (i) buffer_append(out, " ", 1);
    buffer_append(out, text->words[i]->text, text->words[i]->length);
  }
}

static void grow(Rules *rules) {
  Rule **old = rules->slots;
  size_t size = rules->size;
  rules->size = size ? size * 2 : 1024;
  rules->slots = xcalloc(rules->size, sizeof *rules->slots);
  for (size_t i = 0; i < size; i++)
    if (old[i]) *slot_of(rules, old[i]->text, old[i]->length, old[i]->hash) = old[i];
  free(old);
}

/* The rule of a word, made where there is none. */
static Rule *rule_of(Rules *rules, const char *text, size_t length) {
  if (2 * (rules->used + 1) > rules->size) grow(rules);
  uint32_t hash = hash_of(text, length);
  Rule **slot = slot_of(rules, text, length, hash);
  if (!*slot) {
    char *copy = take(rules, length + 1);
    memcpy(copy, text, length);
    rules->used++;
    *slot = take(rules, sizeof **slot);
    **slot = (Rule){.text = copy, .length = (uint32_t)length, .hash = hash};
  }
  return *slot;
}

#define refuse(place, ...)                                                                                   \
  (fail(ERR_DATA, __VA_ARGS__), fail_in(ERR_DATA, "%s:%d", (place)->name, (place)->line))

/* ---- the parts of a line ---- */

/* Lower-case words of letters, digits, apostrophes and, in what a rule makes, points. */
static Status check_word(const Place *place, const char *word) {
  for (const char *c = word; *c; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '\'' || *c == '.' || *c == '/' ||
          *c & 0x80))
      return refuse(place, "'%s' has '%c': rules see words after case and punctuation are gone", word, *c);
  return OK;
}

static Status read_words(Place *place, char *text, RuleText *out) {
  const Rule *words[WORDS_MOST] = {NULL};
  int count = 0;
  for (char *word; (word = strsep(&text, " \t"));) {
    if (!*word) continue;
    if (count == WORDS_MOST) return refuse(place, "more than %d words", WORDS_MOST);
    Status status = check_word(place, word);
    if (status != OK) return status;
    words[count++] = rule_of(place->rules, word, strlen(word));
  }
  out->count = count;
  out->words = take(place->rules, (size_t)(count ? count : 1) * sizeof *words);
  memcpy(out->words, words, (size_t)count * sizeof *words);
  return OK;
}

static Status read_integer(const Place *place, const char *text, int64_t least, int64_t most, int64_t *out) {
  char *end;
  *out = strtoll(text, &end, 10);
  if (!*text || *end || *out < least || *out > most)
    return refuse(place, "'%s' is not a whole number from %" PRId64 " to %" PRId64, text, least, most);
  return OK;
}

static bool same_rest(const Phrase *a, const Phrase *b) {
  if (a->count != b->count) return false;
  for (int i = 0; i < a->count; i++)
    if (a->rest[i] != b->rest[i]) return false;
  return true;
}

/* Puts the phrase among those of its first word, the longest first; an equal one is replaced. */
static Status add_phrase(const Place *place, Phrase **list, int *count, Phrase phrase) {
  for (int i = 0; i < *count; i++)
    if (same_rest(&(*list)[i], &phrase)) {
      (*list)[i] = phrase;
      return OK;
    }
  if (*count == PHRASES_MOST) return refuse(place, "more than %d phrases begin with that word", PHRASES_MOST);
  Phrase *longer = take(place->rules, (size_t)(*count + 1) * sizeof *longer);
  int at = 0;
  for (; at < *count && (*list)[at].count >= phrase.count; at++) longer[at] = (*list)[at];
  longer[at] = phrase;
  for (; at < *count; at++) longer[at + 1] = (*list)[at];
  *list = longer;
  ++*count;
  return OK;
}

/* ---- sections ---- */

static Status add_fraction(Place *place, char *from, char *to) {
  Status status = OK;
  RuleText words = {0};
  int64_t value = 0;
  char *rest = to;
  char *number = strsep(&rest, " ");
  TRY(read_integer(place, number, 1, 99, &value));
  if (strchr(from, '/')) { /* 1/2 = 50 one half */
    Rule *rule = rule_of(place->rules, from, strlen(from));
    if (!rest) TRY(refuse(place, "the words for %s are missing", from));
    rule->roles |= ROLE_FRACTION, rule->hundredths = value;
    rule->source = place->name, rule->line = place->line;
    TRY(read_words(place, rest, &rule->to));
  } else { /* and a half = 50 */
    TRY(read_words(place, from, &words));
    if (words.count < 2) TRY(refuse(place, "a fraction after a number has two words or more"));
    Rule *first = (Rule *)words.words[0];
    TRY(add_phrase(place, &first->mixed, &first->mixed_count,
                   (Phrase){.rest = words.words + 1, .count = words.count - 1, .value = (int)value}));
  }
done:
  return status;
}

static Status add_currency(Place *place, Rule *rule, char *to) {
  RuleText words;
  Status status = read_words(place, to, &words);
  if (status != OK) return status;
  if (words.count != 2 && words.count != 4)
    return refuse(place, "a currency has two or four words: dollar dollars cent cents");
  Currency *currency = take(place->rules, sizeof *currency);
  *currency = (Currency){words.words[0], words.words[1], NULL, NULL};
  if (words.count == 4) currency->cent = words.words[2], currency->cents = words.words[3];
  rule->currency = currency;
  for (int i = 0; i < words.count; i++) {
    Rule *word = (Rule *)words.words[i];
    word->roles |= i < 2 ? ROLE_CURRENCY : ROLE_CENT;
    if (i < 2 || !word->currency) word->currency = currency;
  }
  return OK;
}

static Status add_map(Place *place, Role role, Rule *rule, char *to) {
  char *other = strstr(to, " | ");
  if (other) *other = 0, other += 3;
  Status status = read_words(place, to, &rule->to);
  if (status == OK) rule->other = (RuleText){0};
  if (status == OK && other) status = read_words(place, other, &rule->other);
  if (status == OK && (role == ROLE_SUFFIX || role == ROLE_ABBREVIATION) && !rule->to.count)
    status = refuse(place, "nothing after '='");
  return status;
}

static Status add_grammar(Place *place, Rule *rule, const char *to) {
  static const char *const names[GRAMMAR_COUNT] = {"",     "and",   "point", "oh",     "a",
                                                   "half", "minus", "of",    "percent"};
  for (int g = 1; g < GRAMMAR_COUNT; g++)
    if (!strcmp(to, names[g])) {
      rule->grammar = (Grammar)g;
      if (!place->rules->grammar[g]) place->rules->grammar[g] = rule;
      return OK;
    }
  return refuse(place, "'%s' is none of and, point, oh, a, half, minus, of, percent", to);
}

static Status add_phrase_line(Place *place, RuleText from, char *to) {
  Rule *first = (Rule *)from.words[0];
  Phrase phrase = {.rest = from.words + 1, .count = from.count - 1};
  Status status = read_words(place, to, &phrase.to);
  first->source = place->name, first->line = place->line;
  return status == OK ? add_phrase(place, &first->phrases, &first->phrase_count, phrase) : status;
}

static const struct Section {
  const char *name;
  uint32_t role; /* 0: phrases */
  bool list;     /* words alone, nothing after '=' */
} sections[] = {{"fillers", ROLE_FILLER, true},
                {"words", ROLE_WORD, false},
                {"phrases", 0, false},
                {"suffixes", ROLE_SUFFIX, false},
                {"joined", ROLE_JOINED, true},
                {"abbreviations", ROLE_ABBREVIATION, false},
                {"participles", ROLE_PARTICIPLE, false},
                {"adverbs", ROLE_ADVERB, true},
                {"months", ROLE_MONTH, true},
                {"numbers", ROLE_NUMBER, false},
                {"ordinals", ROLE_ORDINAL, false},
                {"scales", ROLE_SCALE, false},
                {"plurals", ROLE_PLURAL, false},
                {"endings", ROLE_ENDING, true},
                {"currencies", ROLE_CURRENCY, false},
                {"letter-scales", ROLE_LETTER_SCALE, false},
                {"fractions", ROLE_FRACTION, false},
                {"symbols", ROLE_SYMBOL, false},
                {"letters", ROLE_LETTER, false},
                {"number-words", ROLE_GRAMMAR, false}};
enum { SECTIONS = sizeof sections / sizeof *sections };

static Status check_symbol(const Place *place, const char *text) {
  return *text && (size_t)utf8_length(text) == strlen(text)
             ? OK
             : refuse(place, "'%s' is not one character", text);
}

static Status add_value(Place *place, uint32_t role, Rule *rule, char *to) {
  const int64_t most = 1000000000000;
  switch (role) {
  case ROLE_NUMBER:
    return read_integer(place, to, 0, 99, &rule->value);
  case ROLE_ORDINAL:
    return read_integer(place, to, 0, most, &rule->ordinal);
  case ROLE_PLURAL:
    return read_integer(place, to, 10, 100, &rule->plural);
  case ROLE_SCALE:
    return read_integer(place, to, 100, most, &rule->scale);
  case ROLE_LETTER_SCALE:
    return read_integer(place, to, 100, most, &rule->letter_scale);
  case ROLE_CURRENCY:
    return add_currency(place, rule, to);
  case ROLE_GRAMMAR:
    return add_grammar(place, rule, to);
  case ROLE_PARTICIPLE:
    return read_words(place, to, &rule->takes);
  default:
    return add_map(place, (Role)role, rule, to);
  }
}

static Status add_entry(Place *place, const struct Section *section, char *from, char *to) {
  Status status = OK;
  RuleText words = {0};
  Rule *rule;
  char nothing[] = "";
  if (section->list && to) TRY(refuse(place, "[%s] lists words: nothing stands after '='", section->name));
  if (!section->list && !to) TRY(refuse(place, "[%s] needs 'from = to'", section->name));
  if (section->role == ROLE_FRACTION) return add_fraction(place, from, to);
  if (section->role == ROLE_SYMBOL || section->role == ROLE_LETTER ||
      (section->role == ROLE_CURRENCY && (*from & 0x80 || *from == '$'))) {
    TRY(check_symbol(place, from));
    rule = rule_of(place->rules, from, strlen(from));
  } else {
    TRY(read_words(place, from, &words));
    if (!words.count) TRY(refuse(place, "nothing before '='"));
    if (!section->role || (section->role == ROLE_FILLER && words.count > 1))
      return add_phrase_line(place, words, to ? to : nothing);
    if (words.count > 1)
      TRY(refuse(place, "[%s] takes single words; [phrases] takes several", section->name));
    rule = (Rule *)words.words[0];
  }
  if (rule->roles & section->role && rule->source == place->name && section->role != ROLE_CURRENCY)
    TRY(refuse(place, "'%s' stands here for the second time", rule->text));
  rule->roles |= section->role, rule->source = place->name, rule->line = place->line;
  if (!section->list) TRY(add_value(place, section->role, rule, to));
  if (section->role == ROLE_FILLER) rule->to = (RuleText){0};
done:
  return status;
}

/* ---- files ---- */

static char *trim(char *text) {
  while (*text == ' ' || *text == '\t') text++;
  size_t length = strlen(text);
  while (length && strchr(" \t\r", text[length - 1])) text[--length] = 0;
  return text;
}

static Status parse_english(Rules *rules);

static Status read_setting(Place *place, const char *name, const char *value) {
  Rules *rules = place->rules;
  if (place->started) return refuse(place, "settings stand before the first section");
  if (!strcmp(name, "version")) {
    size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (!length || value[length] || length > NAME_MOST)
      return refuse(place, "a version is 1 to %d letters, digits, '.', '_' or '-'", NAME_MOST);
    free(rules->version);
    rules->version = xstrdup(value);
    return OK;
  }
  if (strcmp(name, "base")) return refuse(place, "'%s' is no setting: version, base", name);
  if (strcmp(value, "english"))
    return refuse(place, "there is no base '%s': give english, or leave the line out", value);
  if (rules->used) return refuse(place, "the base is named twice");
  char *version = rules->version;
  rules->version = NULL;
  Status status = parse_english(rules);
  free(rules->version); /* english's; the file names its own */
  rules->version = version;
  return status;
}

static Status read_line(Place *place, const struct Section **section, char *line) {
  line = trim(line);
  if (!*line || *line == '#') return OK;
  size_t length = strlen(line);
  if (*line == '[' && line[length - 1] == ']') {
    line[length - 1] = 0;
    for (int s = 0; s < SECTIONS; s++)
      if (!strcmp(line + 1, sections[s].name)) {
        *section = &sections[s];
        place->started = true;
        return OK;
      }
    return refuse(place, "there is no section [%s]", line + 1);
  }
  char *equals = strstr(line, " = "), *to = NULL;
  if (equals) {
    *equals = 0;
    to = trim(equals + 3);
  } else if (length > 2 && !strcmp(line + length - 2, " =")) {
    line[length - 2] = 0;
    to = line + length;
  }
  line = trim(line);
  if (*section) return add_entry(place, *section, line, to);
  return to ? read_setting(place, line, to)
            : refuse(place, "a line before the first section is 'name = value'");
}

static Status read_lines(Rules *rules, const char *name, const char *text, size_t size) {
  Status status = OK;
  Place place = {.rules = rules, .name = name};
  const struct Section *section = NULL;
  char line[LINE_MOST + 1];
  size_t at = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
  while (at < size) {
    const char *end = memchr(text + at, '\n', size - at);
    size_t length = end ? (size_t)(end - text) - at : size - at;
    place.line++;
    if (length > LINE_MOST) return refuse(&place, "the line is longer than %d bytes", LINE_MOST);
    if (memchr(text + at, 0, length)) return refuse(&place, "the line has a zero byte");
    if ((status = utf8_check(text + at, length)) != OK) return fail_in(status, "%s:%d", name, place.line);
    memcpy(line, text + at, length);
    line[length] = 0;
    TRY(read_line(&place, &section, line));
    at += length + 1;
  }
done:
  return status;
}

static Status parse_english(Rules *rules) {
  for (const RuleTable *table = RULE_TABLES; table->name; table++) {
    Status status = read_lines(rules, table->name, table->text, strlen(table->text));
    if (status != OK) return status;
  }
  return OK;
}

static Rules *rules_new(void) {
  Rules *rules = xcalloc(1, sizeof *rules);
  grow(rules);
  return rules;
}

Status rules_parse(Rules **out, const char *name, const char *text, size_t size) {
  Status status = OK;
  Rules *rules = rules_new();
  char *kept = take(rules, strlen(name) + 1); /* rules point to it */
  strcpy(kept, name);
  TRY(read_lines(rules, kept, text, size));
  if (!rules->version) TRY(fail(ERR_DATA, "%s:1: the version is missing: add 'version = NAME'", name));
  char *version = xprintf("%s@%016" PRIx64, rules->version, (uint64_t)XXH3_64bits(text, size));
  free(rules->version);
  rules->version = version;
  *out = rules;
  rules = NULL;
done:
  rules_free(rules);
  return status;
}

Status rules_read(Rules **out, const char *path) {
  Status status = OK;
  Rules *rules = NULL;
  char *text = NULL;
  size_t size;
  if (path) {
    TRY(file_read(path, FILE_MOST, &text, &size));
    TRY(rules_parse(out, path, text, size));
  } else {
    rules = rules_new();
    TRY(parse_english(rules));
    *out = rules;
    rules = NULL;
  }
done:
  rules_free(rules);
  free(text);
  return status;
}

void rules_free(Rules *rules) {
  if (!rules) return;
  for (Block *block = rules->blocks, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  free(rules->slots);
  free(rules->version);
  free(rules);
}
