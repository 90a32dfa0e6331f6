/* What the rules make of a text's words: fillers, single words, contractions, letters, numbers, phrases. */
#ifndef JARGON_TEXT_REWRITE_H
#define JARGON_TEXT_REWRITE_H

#include "src/text/normalize.h"
#include "src/text/words.h"

/* As normalizer_trace() in normalize.h; the pieces are valid UTF-8. Rules that do not settle are ERR_DATA. */
Status rules_apply(const Rules *rules, const char *const *pieces, int count, char **out,
                   WordSource **sources);

/* Every replacement of the tables must stay as it is when normalised itself. ERR_DATA names the first that
 * does not. (Rules may still undo each other on other texts.) */
Status rules_check(const Rules *rules);

#endif
