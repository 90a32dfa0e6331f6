/* Numbers and amounts of money, spelled or in digits, written one way: digits. */
#ifndef JARGON_TEXT_NUMBERS_H
#define JARGON_TEXT_NUMBERS_H

#include "src/text/words.h"

/* Rewrites the numbers of `in` into `out` (empty before); texts it makes live in `out`. True when words were
 * joined. */
bool numbers_rewrite(const Rules *rules, const WordList *in, WordList *out);

#endif
