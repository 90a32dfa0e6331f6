#include "eval/bootstrap.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/distributions.h"
#include "kernels/random.h"
#include "src/base/status.h"

const char BOOTSTRAP_METHOD[] = "expanded percentile bootstrap over speakers";

enum { PARALLEL_LEAST = 1 << 20 }; /* draws for which threads are worth it */

static const double TAIL = 0.025;

static uint64_t draw(uint64_t key, int number, int count) {
  return (uint64_t)random_bits(key, (uint32_t)number) * (uint64_t)count >> 32;
}

void bootstrap_ratios(const Bootstrap *bootstrap, const Block *blocks, int count, double *ratios) {
#pragma omp parallel for schedule(static) if (count > PARALLEL_LEAST / bootstrap->replicates)
  for (int r = 0; r < bootstrap->replicates; r++) {
    uint64_t key = random_row(bootstrap->seed, (uint32_t)r, 0, 0, 0);
    int64_t errors = 0, words = 0;
    for (int i = 0; i < count; i++) {
      const Block *block = &blocks[draw(key, i, count)];
      errors += block->errors;
      words += block->words;
    }
    ratios[r] = (double)errors / (double)words;
  }
}

/* Blocks of a alone, of b alone, of both. */
enum { STRATA = 3 };

static int stratum(const GapBlock *block) {
  bool a = block->a.errors || block->a.words, b = block->b.errors || block->b.words;
  return a && b ? 2 : a ? 0 : 1;
}

/* Puts the blocks in the order of their strata. A stratum with a single block, which could not vary, is part
 * of the smallest other. */
static void strata_make(GapBlock *blocks, int count, int ends[STRATA]) {
  int sizes[STRATA] = {0}, into[STRATA] = {0, 1, 2}, smallest = -1, end = 0;
  GapBlock *copy = xcalloc((size_t)count, sizeof *copy);
  for (int i = 0; i < count; i++) sizes[stratum(&blocks[i])]++;
  for (int s = 0; s < STRATA; s++)
    if (sizes[s] > 1 && (smallest < 0 || sizes[s] < sizes[smallest])) smallest = s;
  for (int s = 0; s < STRATA; s++)
    if (sizes[s] == 1 && smallest >= 0) into[s] = smallest;
  for (int s = 0; s < STRATA; s++) {
    for (int i = 0; i < count; i++)
      if (into[stratum(&blocks[i])] == s) copy[end++] = blocks[i];
    ends[s] = end;
  }
  memcpy(blocks, copy, (size_t)count * sizeof *copy);
  free(copy);
}

static void block_add(Block *sum, const Block *block) {
  sum->errors += block->errors;
  sum->words += block->words;
}

static double block_rate(Block block) { return (double)block.errors / (double)block.words; }

void bootstrap_gap(const Bootstrap *bootstrap, GapBlock *blocks, int count, double *differences,
                   double *ratios) {
  int ends[STRATA];
  strata_make(blocks, count, ends);
#pragma omp parallel for schedule(static) if (count > PARALLEL_LEAST / bootstrap->replicates)
  for (int r = 0; r < bootstrap->replicates; r++) {
    Block a = {0, 0}, b = {0, 0};
    for (int s = 0, start = 0; s < STRATA; start = ends[s++]) {
      uint64_t key = random_row(bootstrap->seed, (uint32_t)r, (uint32_t)s + 1, 0, 0);
      for (int i = 0; i < ends[s] - start; i++) {
        const GapBlock *block = &blocks[start + (int)draw(key, i, ends[s] - start)];
        block_add(&a, &block->a);
        block_add(&b, &block->b);
      }
    }
    differences[r] = block_rate(a) - block_rate(b);
    ratios[r] = block_rate(a) / block_rate(b);
  }
}

/* Adds up the strata's variances: that of a stratum of n blocks is n / (n - 1) times the squares about its
 * mean. */
typedef struct Sum {
  double variance, plain, welch;
} Sum;

static void sum_stratum(Sum *sum, const double *parts, int n) {
  double mean = 0, squares = 0;
  if (n < 2) return;
  for (int i = 0; i < n; i++) mean += parts[i] / n;
  for (int i = 0; i < n; i++) squares += (parts[i] - mean) * (parts[i] - mean);
  double variance = squares * n / (n - 1);
  sum->variance += variance;
  sum->plain += squares;
  sum->welch += variance * variance / (n - 1);
}

static Spread sum_spread(Sum sum, int count) {
  if (!(sum.variance > 0)) return (Spread){count > 1 ? sum.variance : NAN, count - 1, 1};
  return (Spread){sum.variance, sum.variance * sum.variance / sum.welch, sqrt(sum.variance / sum.plain)};
}

Spread blocks_spread(const Block *blocks, int count) {
  Block all = {0, 0};
  Sum sum = {0, 0, 0};
  double *parts = xcalloc((size_t)count, sizeof *parts);
  for (int i = 0; i < count; i++) block_add(&all, &blocks[i]);
  double rate = block_rate(all);
  for (int i = 0; i < count; i++)
    parts[i] = ((double)blocks[i].errors - rate * (double)blocks[i].words) / (double)all.words;
  sum_stratum(&sum, parts, count);
  free(parts);
  return sum_spread(sum, count);
}

Spread gap_spread(GapBlock *blocks, int count) {
  Block a = {0, 0}, b = {0, 0};
  Sum sum = {0, 0, 0};
  int ends[STRATA];
  double *parts = xcalloc((size_t)count, sizeof *parts);
  strata_make(blocks, count, ends);
  for (int i = 0; i < count; i++) block_add(&a, &blocks[i].a), block_add(&b, &blocks[i].b);
  double rate_a = block_rate(a), rate_b = block_rate(b);
  for (int i = 0; i < count; i++)
    parts[i] = ((double)blocks[i].a.errors - rate_a * (double)blocks[i].a.words) / (double)a.words -
               ((double)blocks[i].b.errors - rate_b * (double)blocks[i].b.words) / (double)b.words;
  for (int s = 0, start = 0; s < STRATA; start = ends[s++]) sum_stratum(&sum, parts + start, ends[s] - start);
  free(parts);
  return sum_spread(sum, count);
}

bool spread_varies(Spread spread) { return spread.variance > 1e-18; }

/* Ascending, whatever is not a number last. */
static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

/* The p-th quantile of n sorted values, between the two nearest at rank p (n + 1). */
static double quantile(const double *sorted, int n, double p) {
  double rank = fmin(fmax(p * (n + 1) - 1, 0), n - 1);
  int below = (int)rank, above = below + 1 < n ? below + 1 : below;
  if (sorted[below] == sorted[above]) return sorted[below];
  return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
}

bool bootstrap_interval(double *values, int replicates, Spread spread, Interval *interval) {
  assert(replicates > 0);
  qsort(values, (size_t)replicates, sizeof *values, compare);
  if (!(spread.freedom > 0)) return false;
  double tail = normal_tail(student_upper(TAIL, spread.freedom) * spread.widen);
  *interval = (Interval){quantile(values, replicates, tail), quantile(values, replicates, 1 - tail)};
  return isfinite(interval->low) && isfinite(interval->high);
}

double bootstrap_share_below(const double *sorted, int replicates, double than) {
  int below = 0, equal = 0;
  while (below < replicates && sorted[below] < than) below++;
  while (below + equal < replicates && sorted[below + equal] == than) equal++;
  return (below + equal / 2.0) / replicates;
}

/* The rank at which a sorted list would have `value`, from 0 to n + 1: what quantile() undoes. */
static double rank_of(const double *sorted, int n, double value) {
  double share = bootstrap_share_below(sorted, n, value) * n;
  int below = (int)share;
  if (below > 0 && below < n && sorted[below - 1] < value && value < sorted[below])
    return below + (value - sorted[below - 1]) / (sorted[below] - sorted[below - 1]);
  return share + 0.5;
}

double bootstrap_p(const double *sorted, int replicates, Spread spread, double null) {
  if (!isfinite(sorted[0]) || !isfinite(sorted[replicates - 1]) || !(spread.freedom > 0)) return NAN;
  double tail = rank_of(sorted, replicates, null) / (replicates + 1);
  tail = fmax(fmin(tail, 1 - tail), 0.5 / (replicates + 1));
  return fmin(1, 2 * student_tail(normal_upper(tail) / spread.widen, spread.freedom));
}
