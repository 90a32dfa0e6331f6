/* What the rules make of a text's words: fillers, single words, contractions, letters, numbers, phrases. */
#ifndef JARGON_TEXT_REWRITE_H
#define JARGON_TEXT_REWRITE_H

#include "src/text/words.h"

/* *out is the caller's to free: words separated by single spaces. `text` is valid UTF-8. */
Status rules_apply(const Rules *rules, const char *text, char **out);

/* Every replacement of the tables must stay as it is when normalised itself. ERR_DATA names the first that
 * does not. */
Status rules_check(const Rules *rules);

#endif
