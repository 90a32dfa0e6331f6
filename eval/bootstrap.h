/* Intervals by resampling whole blocks (the speakers of a group), because the errors of one speaker are not
 * independent: Bisani and Ney 2004 (doi:10.1109/ICASSP.2004.1326009), Liu and Peng 2020 (arXiv 1912.09508).
 *
 *   replicate r:  draw as many blocks as there are, with replacement;  ratio_r = sum of errors / sum of words
 *
 * What is drawn depends on (seed, r, number of blocks) alone: not on the number of threads, and two systems
 * scored on the same blocks are resampled alike (with `errors` their difference, the ratio is the difference
 * of their rates).
 *
 * The interval is Hesterberg's expanded percentile interval (2015, doi:10.1080/00031305.2015.1089789):
 * percentiles of the ratios, taken further out by as much as Student's t differs from the normal distribution
 * and sqrt(B / (B - 1)) from 1. The plain percentile interval covers 90 % instead of 95 % when there are ten
 * blocks.
 *
 * Two groups: blocks of the first alone, of the second alone, and those in both are drawn apart, each as
 * often as it is there; degrees of freedom as Welch's, from the linearised variances of the three. */
#ifndef JARGON_EVAL_BOOTSTRAP_H
#define JARGON_EVAL_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

extern const char BOOTSTRAP_METHOD[]; /* its name in reports */

enum { BOOTSTRAP_BLOCKS_LEAST = 10 }; /* of fewer blocks no interval should be shown */

typedef struct Block {
  int64_t errors, words;
} Block;

/* What one speaker has in two groups; all zero where in one of them it has nothing. */
typedef struct GapBlock {
  Block a, b;
} GapBlock;

typedef struct Bootstrap {
  uint64_t seed;
  int replicates;
} Bootstrap;

typedef struct Interval {
  double low, high; /* of 95 % */
} Interval;

/* How a ratio, or a difference of two, varies with the blocks (Taylor linearisation). */
typedef struct Spread {
  double variance; /* NAN when there are too few blocks or words */
  double freedom;  /* degrees of freedom */
  double widen;    /* its root over the root of what a bootstrap gives on the average: sqrt(B / (B - 1)) */
} Spread;

Spread blocks_spread(const Block *blocks, int count);
Spread gap_spread(GapBlock *blocks, int count);

/* False when there are too few blocks, or all have the same rate but for rounding: resampling then tells
 * nothing. */
bool spread_varies(Spread spread);

/* Assigns ratios[0 .. replicates - 1]; INFINITY or NAN where only blocks without words were drawn. */
void bootstrap_ratios(const Bootstrap *bootstrap, const Block *blocks, int count, double *ratios);

/* The rate of a minus that of b, and over that of b. `blocks` are put in another order. */
void bootstrap_gap(const Bootstrap *bootstrap, GapBlock *blocks, int count, double *differences,
                   double *ratios);

/* The 95 % interval from values (sorted in place); false when it would not be finite. */
bool bootstrap_interval(double *values, int replicates, Spread spread, Interval *interval);

/* Two-sided p of "the true value is `null`", from sorted values: below 0.05 exactly when the interval leaves
 * `null` out; NAN when some values are not finite. */
double bootstrap_p(const double *sorted, int replicates, Spread spread, double null);

/* Share of sorted values below `than`, equal ones half. */
double bootstrap_share_below(const double *sorted, int replicates, double than);

#endif
