/* Whether a recogniser's confidence is right: of each recognised word how sure the system was and whether the
 * alignment calls it correct.
 *
 *   ECE = sum over bins of (words in it / words) |mean confidence - share correct|     (Naeini et al. 2015),
 * in bins of equal mass; NCE = (Hmax + sum over correct words of log2 c + sum over the others of log2 (1 -
 * c)) / Hmax, Hmax = -n log2(n / N) - (N - n) log2(1 - n / N),  n of N words being correct (NIST, Siu and
 * Gish 1999), c kept within CONFIDENCE_LEAST and 1 - CONFIDENCE_LEAST. */
#ifndef JARGON_EVAL_CONFIDENCE_H
#define JARGON_EVAL_CONFIDENCE_H

#include "eval/alignments.h"

enum { CONFIDENCE_BINS = 10, CONFIDENCE_SHARES = 6 };
#define CONFIDENCE_LEAST 1e-7

typedef struct ConfidenceBin {
  double low, high, mean;
  int64_t words, correct;
} ConfidenceBin;

typedef struct ConfidenceShare {
  double share;          /* of the words with a confidence, the least sure ones */
  int64_t words, errors; /* errors: substitutions and insertions among them */
} ConfidenceShare;

typedef struct Confidence {
  int64_t words, without;          /* recognised words with and without a confidence */
  int64_t errors, deletions;       /* all errors of the system, and those among them that are deletions */
  double accuracy, mean, ece, nce; /* NAN without words; nce too when all are correct or none */
  ConfidenceBin bins[CONFIDENCE_BINS];
  int bin_count;
  ConfidenceShare shares[CONFIDENCE_SHARES];
} Confidence;

/* A confidence outside 0 .. 1 is ERR_DATA. confidence->words is 0 when no word has one. */
Status confidence_make(Confidence *confidence, const Alignments *alignments);

#endif
