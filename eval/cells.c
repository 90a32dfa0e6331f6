#include "eval/cells.h"

#include <math.h>
#include <stdlib.h>

#include "eval/distributions.h"

const Thresholds THRESHOLDS = {BOOTSTRAP_BLOCKS_LEAST, 0.05, 0.8, 0.05};

const char *too_few(int speakers, const Thresholds *thresholds) {
  if (speakers == 0) return "no known speaker";
  return speakers < thresholds->least_speakers ? "too few speakers" : NULL;
}

typedef struct Measuring {
  const Slices *slices;
  const Hypotheses *hypotheses;
  const PairSums *pairs;
  const Bootstrap *bootstrap;
  const Thresholds *thresholds;
  double *values;    /* of the replicates */
  double speaker_sd; /* of everybody */
} Measuring;

/* The interval and the sorted replicates of errors per word. */
static bool interval_of(const Measuring *measuring, const Block *blocks, int count, Interval *interval,
                        Spread *spread) {
  *spread = blocks_spread(blocks, count);
  bootstrap_ratios(measuring->bootstrap, blocks, count, measuring->values);
  return bootstrap_interval(measuring->values, measuring->bootstrap->replicates, *spread, interval);
}

static void before_measure(Cell *cell, const Measuring *measuring, const SpeakerSum *sums, int count,
                           Block *blocks) {
  Spread spread;
  Before *before = &cell->before;
  PairSums pairs = {0, 0, 0};
  for (int i = 0; measuring->pairs && i < cell->utterances; i++)
    pair_sums_add(&pairs, measuring->pairs[cell->items[i]]);
  before->pairs = matched_pairs(pairs);
  before->improvement = before->p = before->q = NAN;
  if (too_few(cell->speakers, measuring->thresholds)) return;
  for (int s = 0; s < count; s++) blocks[s].errors = sums[s].before_errors;
  before->has_interval =
      interval_of(measuring, blocks, count, &before->interval, &spread) && spread_varies(spread);
  int64_t differing = 0;
  for (int s = 0; s < count; s++) {
    blocks[s].errors = sums[s].errors - sums[s].before_errors;
    differing += blocks[s].errors != 0;
  }
  /* Without variance nothing is known, unless the systems are alike with every speaker. */
  before->has_difference = interval_of(measuring, blocks, count, &before->difference, &spread) &&
                           (spread_varies(spread) || !differing);
  if (!before->has_difference) return;
  before->improvement = bootstrap_share_below(measuring->values, measuring->bootstrap->replicates, 0);
  before->p = bootstrap_p(measuring->values, measuring->bootstrap->replicates, spread, 0);
}

static bool has_before(const Hypotheses *hypotheses) {
  return hypotheses->count && hypotheses->items[0].before;
}

static double speaker_mean(const Measuring *measuring, const SpeakerSum *sums, int count, bool before) {
  double sum = 0;
  int with_words = 0;
  for (int s = 0; s < count; s++) {
    if (sums[s].speaker == measuring->slices->speakers || !sums[s].words) continue;
    sum += (double)(before ? sums[s].before_errors : sums[s].errors) / (double)sums[s].words;
    with_words++;
  }
  return with_words ? sum / with_words : NAN;
}

static void cell_measure(Cell *cell, const Measuring *measuring) {
  SpeakerSum *sums;
  Spread spread;
  int count = slices_speakers(measuring->slices, measuring->hypotheses, cell->items, cell->utterances, &sums);
  Block *blocks = xcalloc((size_t)count, sizeof *blocks);
  for (int s = 0; s < count; s++) blocks[s] = (Block){sums[s].errors, sums[s].words};
  cell->speaker_wer = speaker_mean(measuring, sums, count, false);
  cell->no_interval = too_few(cell->speakers, measuring->thresholds);
  if (!cell->no_interval && !interval_of(measuring, blocks, count, &cell->interval, &spread))
    cell->no_interval = "too few words";
  if (!cell->no_interval && !spread_varies(spread)) cell->no_interval = "every speaker has the same rate";
  if (has_before(measuring->hypotheses)) {
    cell->before.speaker_wer = speaker_mean(measuring, sums, count, true);
    before_measure(cell, measuring, sums, count, blocks);
  }
  free(sums), free(blocks);
}

/* How the WER of some utterances varies, and who speaks them. */
typedef struct Sample {
  Spread spread;
  int blocks, speakers; /* with the block of those without a speaker; real ones */
} Sample;

/* All utterances, or all others than the cell `but` has. */
static Sample sample_of(const Measuring *measuring, const Slice *slice, const Cell *but) {
  SpeakerSum *sums;
  Sample sample = {0};
  int others = 0, all = measuring->hypotheses->count, *items = xcalloc((size_t)all, sizeof *items);
  for (int i = 0; i < all; i++) {
    bool inside = but && slice->items + i >= but->items && slice->items + i < but->items + but->utterances;
    if (!inside) items[others++] = slice->items[i];
  }
  sample.blocks = slices_speakers(measuring->slices, measuring->hypotheses, items, others, &sums);
  Block *blocks = xcalloc((size_t)sample.blocks, sizeof *blocks);
  for (int s = 0; s < sample.blocks; s++) {
    blocks[s] = (Block){sums[s].errors, sums[s].words};
    sample.speakers += sums[s].speaker < measuring->slices->speakers;
  }
  sample.spread = blocks_spread(blocks, sample.blocks);
  free(items), free(sums), free(blocks);
  return sample;
}

/* A gap is stated only where both sides have the least number of speakers: so none is detectable below it,
 * and no fewer are needed. */
static void power_measure(Cell *cell, const Slice *slice, const Measuring *measuring) {
  const Thresholds *thresholds = measuring->thresholds;
  SpeakerSum *sums;
  int count = slices_speakers(measuring->slices, measuring->hypotheses, cell->items, cell->utterances, &sums);
  Block *blocks = xcalloc((size_t)count, sizeof *blocks);
  for (int s = 0; s < count; s++) blocks[s] = (Block){sums[s].errors, sums[s].words};
  bool few = cell->speakers < thresholds->least_speakers;
  Power *power = &cell->power;
  *power = (Power){measuring->speaker_sd, few, NAN, 0};
  if (!few) power->speaker_sd = sqrt(count * blocks_spread(blocks, count).variance);
  Sample rest = sample_of(measuring, slice, cell);
  if (rest.speakers >= thresholds->least_speakers) {
    PowerRest other = {rest.spread.variance, rest.spread.freedom};
    if (!few)
      power->detectable = power_detectable(power->speaker_sd, cell->speakers, other, thresholds->power);
    power->needed = power_speakers(power->speaker_sd, thresholds->gap, other, thresholds->power);
    if (power->needed && power->needed < thresholds->least_speakers)
      power->needed = thresholds->least_speakers;
  }
  free(sums), free(blocks);
}

static bool has_part(const Slice *slice, const Cell *cell) {
  return !cell->no_interval && cell_is_group(slice, cell);
}

/* One group alone is neither the best nor the worst. */
static void slice_rank(Slice *slice) {
  int ranked = 0;
  for (int c = 0; c < slice->count; c++) ranked += has_part(slice, &slice->cells[c]);
  for (int c = 0; c < slice->count; c++) {
    Cell *cell = &slice->cells[c];
    if (!has_part(slice, cell) || ranked < 2) continue;
    cell->rank = 1;
    for (int other = 0; other < slice->count; other++)
      cell->rank += has_part(slice, &slice->cells[other]) &&
                    rates_error(slice->cells[other].rates.words) < rates_error(cell->rates.words);
  }
}

/* One family: every cell of every slice. */
static void before_correct(Slices *slices) {
  int most = 0, count = 0;
  for (int s = 0; s < slices->count; s++) most += slices->items[s].count;
  double *p = xcalloc((size_t)most, sizeof *p);
  for (int s = 0; s < slices->count; s++)
    for (int c = 0; c < slices->items[s].count; c++) p[count++] = slices->items[s].cells[c].before.p;
  benjamini_hochberg(p, count, p);
  count = 0;
  for (int s = 0; s < slices->count; s++)
    for (int c = 0; c < slices->items[s].count; c++) slices->items[s].cells[c].before.q = p[count++];
  free(p);
}

void cells_measure(Slices *slices, const Hypotheses *hypotheses, const PairSums *pairs,
                   const Bootstrap *bootstrap, const Thresholds *thresholds) {
  Measuring measuring = {slices, hypotheses, pairs, bootstrap, thresholds, NULL, NAN};
  measuring.values = xcalloc((size_t)bootstrap->replicates, sizeof(double));
  Sample all = sample_of(&measuring, &slices->items[0], NULL);
  measuring.speaker_sd = sqrt(all.blocks * all.spread.variance);
  for (int s = 0; s < slices->count; s++) {
    Slice *slice = &slices->items[s];
    for (int c = 0; c < slice->count; c++) {
      cell_measure(&slice->cells[c], &measuring);
      if (cell_is_group(slice, &slice->cells[c])) power_measure(&slice->cells[c], slice, &measuring);
    }
    slice_rank(slice);
  }
  if (has_before(hypotheses)) before_correct(slices);
  free(measuring.values);
}
