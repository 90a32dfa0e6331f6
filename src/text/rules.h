/* The rules of a normalisation, read from tables (eval/normalization/README.md has their form) and looked up
 * by word. Immutable once read: any number of threads may use them. */
#ifndef JARGON_TEXT_RULES_H
#define JARGON_TEXT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"
#include "src/text/unicode.h"

/* A table built into the program: eval/normalization/embed.py makes the array, whose last name is NULL. */
typedef struct RuleTable {
  const char *name, *text;
} RuleTable;
extern const RuleTable RULE_TABLES[];

/* What a word is for; one section of a table each. */
typedef enum Role {
  ROLE_FILLER = 1 << 0,
  ROLE_WORD = 1 << 1,
  ROLE_SUFFIX = 1 << 2,       /* an ending with its apostrophe: 're */
  ROLE_JOINED = 1 << 3,       /* an ending that belongs to the word before although a space was written */
  ROLE_ABBREVIATION = 1 << 4, /* with a full stop and before a capital only */
  ROLE_PARTICIPLE = 1 << 5,
  ROLE_ADVERB = 1 << 6,
  ROLE_MONTH = 1 << 7,
  ROLE_NUMBER = 1 << 8,
  ROLE_ORDINAL = 1 << 9,
  ROLE_SCALE = 1 << 10,
  ROLE_PLURAL = 1 << 11,
  ROLE_ENDING = 1 << 12, /* of digits: 1st, 1990s */
  ROLE_CURRENCY = 1 << 13,
  ROLE_CENT = 1 << 14,
  ROLE_LETTER_SCALE = 1 << 15, /* $2m */
  ROLE_FRACTION = 1 << 16,     /* 1/2 */
  ROLE_SYMBOL = 1 << 17,
  ROLE_LETTER = 1 << 18, /* written as other letters */
  ROLE_GRAMMAR = 1 << 19,
} Role;

/* The small words of number phrases. */
typedef enum Grammar {
  GRAMMAR_NONE,
  GRAMMAR_AND,
  GRAMMAR_POINT,
  GRAMMAR_OH,
  GRAMMAR_A,
  GRAMMAR_HALF,
  GRAMMAR_MINUS,
  GRAMMAR_OF,
  GRAMMAR_PERCENT,
  GRAMMAR_COUNT
} Grammar;

typedef struct Rule Rule;

typedef struct RuleText {
  const Rule **words;
  int count;
} RuleText;

/* Words after the rule's own, and what all become. A fraction after a number ("and a half") has `value`
 * hundredths. */
typedef struct Phrase {
  const Rule **rest;
  int count, value;
  RuleText to;
} Phrase;

typedef struct Currency {
  const Rule *one, *many, *cent, *cents;
} Currency;

struct Rule {
  const char *text;
  uint32_t length, roles;
  RuleText to, other; /* `other` before a participle that takes its last word */
  RuleText takes;     /* a participle: has, had */
  int64_t value, ordinal, plural, scale, letter_scale, hundredths;
  Grammar grammar;
  const Currency *currency;
  Phrase *phrases, *mixed; /* the longest first */
  int phrase_count, mixed_count, line;
  const char *source;
  uint32_t hash;
};

typedef struct Rules Rules;

/* `path` NULL: the built-in english. Else a user's file; the version is then its own and the hash of its
 * content. */
Status rules_read(Rules **out, const char *path);
/* The same of a text; `name` stands in the errors. */
Status rules_parse(Rules **out, const char *name, const char *text, size_t size);
void rules_free(Rules *rules);

const char *rules_version(const Rules *rules);

/* NULL: no rule knows the word. */
const Rule *rules_find(const Rules *rules, const char *text, size_t length);

/* Its words, with spaces between. */
void rule_text_append(Buffer *out, const RuleText *text);

/* The word for a value of Grammar; NULL where the tables have none. */
const Rule *rules_grammar(const Rules *rules, Grammar grammar);

/* Every rule, or NULL, at the places below `rules_places`: to check them. */
size_t rules_places(const Rules *rules);
const Rule *rules_at(const Rules *rules, size_t place);

#endif
