/* How well terms are recognised.
 *
 * Terms are looked for in the reference's and in the hypothesis's words from the left, the longest one first,
 * none overlapping another. An occurrence in the reference is correct when the hypothesis has an occurrence
 * of the same term at the same place of the alignment:
 *
 *   recall = correct / reference,  precision = correct / hypothesis,  F1 their harmonic mean
 *
 * Reference words inside terms are jargon words. Insertions between the words of one occurrence are its
 * errors, all others those of the rest, so both together are all errors. */
#ifndef JARGON_EVAL_JARGON_H
#define JARGON_EVAL_JARGON_H

#include "eval/cells.h"
#include "eval/terms.h"

enum { JARGON_CONFUSIONS = 5, VOCABULARY_EXAMPLES = 20 };

typedef struct TermCounts {
  int64_t hypothesis, correct;
} TermCounts;

typedef struct Confusion {
  const char *text; /* "": nothing */
  int64_t count;
} Confusion;

typedef struct TermScore {
  const Term *term;
  int64_t reference;
  TermCounts hyp, before;
  Confusion confusions[JARGON_CONFUSIONS]; /* of hyp, the most frequent first */
  int confusion_count;
} TermScore;

typedef struct JargonErrors {
  int64_t jargon, other;
} JargonErrors;

typedef struct JargonDomain {
  const char *domain; /* NULL: unknown, or everything */
  bool all;
  int terms; /* distinct ones in the references or hypotheses */
  int64_t reference, jargon_words, other_words;
  TermCounts hyp, before;
  JargonErrors hyp_errors, before_errors;
  const char *no_interval; /* NULL: there is one, of the recall */
  Interval recall;
} JargonDomain;

typedef struct Jargon {
  TermScore *terms; /* the most often missed first */
  int term_count;
  JargonDomain *domains; /* everything, then each value, unknown last */
  int domain_count;
  char **texts; /* owned by confusions */
  int text_count;
} Jargon;

/* The caller frees; terms and domains must live as long. */
void jargon_make(Jargon *jargon, const Terms *terms, const Alignments *alignments, const Column *domains,
                 const Slices *slices, const Bootstrap *bootstrap, const Thresholds *thresholds);
void jargon_free(Jargon *jargon);

/* Reference words that a vocabulary has not. */
typedef struct Unknown {
  const char *domain;
  bool all;
  int64_t words, unknown;
  int distinct;
  Confusion examples[VOCABULARY_EXAMPLES]; /* the most frequent first */
  int example_count;
} Unknown;

typedef struct Unknowns {
  Unknown *domains; /* everything, then each value, unknown last */
  int count;
} Unknowns;

/* `alignments` must live as long. */
void unknowns_make(Unknowns *unknowns, const Lexicon *vocabulary, const Alignments *alignments,
                   const Column *domains);
void unknowns_free(Unknowns *unknowns);

/* NAN when there is nothing to divide by. */
double counts_recall(TermCounts counts, int64_t reference);
double counts_precision(TermCounts counts);
double counts_f1(TermCounts counts, int64_t reference);

#endif
