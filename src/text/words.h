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
  int first, last; /* the pieces of the text that it was made from, counted from 1; 0: not known yet */
} Word;

typedef struct TextBlock TextBlock;

/* The words and the texts they point to, beside the rules' own. */
typedef struct WordList {
  Word *items;
  int count, size;
  TextBlock *blocks;
} WordList;

/* The text is `count` pieces of valid UTF-8 with spaces between. */
Status words_scan(const Rules *rules, const char *const *pieces, int count, WordList *out);
void words_add(WordList *list, Word word);

/* The words of `out` from `mark` on whose pieces are not known were made of the words [from, to) of `in`. */
void words_trace(const WordList *in, int from, int to, WordList *out, int mark);
char *words_room(WordList *list, size_t size); /* stays until words_free */
void words_free(WordList *list);

static inline Word word_of_rule(const Rule *rule) {
  return (Word){.text = rule->text, .rule = rule, .length = rule->length};
}

#endif
