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
 * blocks. */
#ifndef JARGON_EVAL_BOOTSTRAP_H
#define JARGON_EVAL_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

extern const char BOOTSTRAP_METHOD[]; /* its name in reports */

enum { BOOTSTRAP_BLOCKS_LEAST = 10 }; /* of fewer blocks no interval should be shown */

typedef struct Block {
  int64_t errors, words;
} Block;

typedef struct Bootstrap {
  uint64_t seed;
  int replicates;
} Bootstrap;

typedef struct Interval {
  double low, high; /* of 95 % */
} Interval;

/* Assigns ratios[0 .. replicates - 1]; INFINITY or NAN where only blocks without words were drawn. */
void bootstrap_ratios(const Bootstrap *bootstrap, const Block *blocks, int count, double *ratios);

/* The 95 % interval from the ratios (sorted in place) of that many blocks; false when it would not be finite.
 */
bool bootstrap_interval(double *ratios, int replicates, int blocks, Interval *interval);

#endif
