#include "eval/matched_pairs.h"

#include <math.h>
#include <stdbool.h>

#include "eval/distributions.h"

static void segment_end(PairSums *sums, int64_t difference) {
  sums->segments++;
  sums->sum += difference;
  sums->squares += difference * difference;
}

PairSums pair_sums(const uint8_t *hyp, int hyp_length, const uint8_t *before, int before_length) {
  PairSums sums = {0, 0, 0};
  int64_t difference = 0;
  bool open = false; /* inside a segment */
  int good = 0;
  for (int i = 0, j = 0;;) {
    int inserted = 0;
    for (; i < hyp_length && hyp[i] == ALIGN_INS; i++) inserted++, difference++;
    for (; j < before_length && before[j] == ALIGN_INS; j++) inserted++, difference--;
    if (inserted) open = true, good = 0;
    if (i >= hyp_length && j >= before_length) break;
    bool wrong = i < hyp_length && hyp[i++] != ALIGN_MATCH;
    bool wrong_before = j < before_length && before[j++] != ALIGN_MATCH;
    difference += wrong - wrong_before;
    if (wrong || wrong_before) {
      open = true, good = 0;
    } else if (++good == MATCHED_PAIRS_GOOD && open) {
      segment_end(&sums, difference);
      open = false, difference = 0;
    }
  }
  if (open) segment_end(&sums, difference);
  return sums;
}

void pair_sums_add(PairSums *sum, PairSums more) {
  sum->segments += more.segments;
  sum->sum += more.sum;
  sum->squares += more.squares;
}

MatchedPairs matched_pairs(PairSums sums) {
  MatchedPairs pairs = {sums.segments, NAN, NAN, NAN, NAN};
  if (sums.segments < 2) return pairs;
  double n = (double)sums.segments;
  pairs.mean = (double)sums.sum / n;
  pairs.sd = sqrt(fmax(0, (double)sums.squares - n * pairs.mean * pairs.mean) / (n - 1));
  if (pairs.sd == 0) return pairs;
  pairs.z = pairs.mean / (pairs.sd / sqrt(n));
  pairs.p = 2 * normal_tail(fabs(pairs.z));
  return pairs;
}
