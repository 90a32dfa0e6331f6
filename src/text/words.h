/* A text taken apart into words for the rules: case folded, punctuation gone but what the rules need to know
 * of it. */
#ifndef JARGON_TEXT_WORDS_H
#define JARGON_TEXT_WORDS_H

#include "src/text/rules.h"

enum {
  WORD_STOP = 1,         /* a full stop follows at once */
  WORD_CAPITAL = 2,      /* written with a capital */
  WORD_AFTER_STOP = 4,   /* a full stop joins it to the letter before: U.S. */
  WORD_AFTER_DIGITS = 8, /* begins where digits end: 5k */
  WORD_DIGITS = 16,
  WORD_SYMBOL = 32, /* a currency's */
};

typedef struct Word {
  const char *text;
  const Rule *rule;
  uint32_t length, flags;
} Word;

typedef struct TextBlock TextBlock;

/* The words and the texts they point to, beside the rules' own. */
typedef struct WordList {
  Word *items;
  int count, size;
  TextBlock *blocks;
} WordList;

/* `text` is valid UTF-8. */
Status words_scan(const Rules *rules, const char *text, WordList *out);
void words_add(WordList *list, Word word);
char *words_room(WordList *list, size_t size); /* stays until words_free */
void words_free(WordList *list);

static inline Word word_of_rule(const Rule *rule) {
  return (Word){.text = rule->text, .rule = rule, .length = rule->length};
}

#endif
