/* Terms of a field: given in a file, or mined from the references.
 *
 * A file has one term a line, of one word or several, and optionally, after a tab, the domain it belongs to
 * (the value of a metadata key); without one it is looked for everywhere. Empty lines and those that begin
 * with '#' are passed over. Terms are normalised as the texts are.
 *
 * Mined are the words that are frequent in the references of a domain and rare in general text: by the
 * z-score of the log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008,
 * doi:10.1093/pan/mpn018, equations 15 to 22), the prior being the pooled text shrunk to TERMS_PRIOR words.
 */
#ifndef JARGON_EVAL_TERMS_H
#define JARGON_EVAL_TERMS_H

#include "eval/alignments.h"
#include "eval/lexicon.h"
#include "eval/slices.h"

enum {
  TERMS_FILE_MOST = 1 << 24, /* bytes */
  TERMS_WORDS_MOST = 16,     /* of one term */
  TERMS_PRIOR = 1000,
  TERMS_MINED_MOST = 200, /* of one domain */
};
#define TERMS_SCORE_LEAST 2.576 /* two-sided 1 % */
#define TERMS_GENERAL_MOST                                                                                   \
  2e-4 /* share of general text's words that a mined word may have, if it comes twice */

typedef struct Term {
  char *text; /* normalised */
  int words;
  char *domain; /* NULL: every */
  double score; /* z of a mined one; NAN */
} Term;

typedef struct Terms {
  Term *items;
  int count;
} Terms;

/* A bad line is ERR_DATA with file and line. A term that comes twice is taken once. The caller frees, after
 * an error too. */
Status terms_read(Terms *terms, const char *path, const Normalizer *normalizer);
Status terms_parse(Terms *terms, const char *name, const char *data, size_t size,
                   const Normalizer *normalizer);

/* Of each known value of `domains`; when there is none, of everything. */
void terms_mine(Terms *terms, const Alignments *alignments, const Column *domains, const Lexicon *general);

void terms_free(Terms *terms);

#endif
