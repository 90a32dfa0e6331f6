/* Alternatives and optional words where normalisation joins words. A reference's pieces are normalised one by
 * one (network.h), but a hypothesis as a whole: of "twenty (uh) three" the pieces are 20 and 3, the
 * hypothesis is 23. So what normalisation makes of a piece together with its neighbours and apart from them
 * is compared, and where that differs the neighbours are drawn in:
 *
 *   "in twenty (uh) three"           in twenty uh three          the same with and without: no mark is left
 *   "two { hundred / thousand } ten" { two hundred ten / two thousand ten }
 *   "two thousand (and) ten"         two thousand and ten
 *   "page (twenty) three"            { page twenty three / page three }  the optional word: an alternative
 *
 * A normalisation that takes words singly (none, basic) changes nothing. Nested groups stay as they are. */
#ifndef JARGON_EVAL_SEAMS_H
#define JARGON_EVAL_SEAMS_H

#include "src/text/normalize.h"

/* The reference's text with such marks moved; *out is the caller's to free. */
Status seams_close(const char *text, const Normalizer *normalizer, char **out);

#endif
