#include "eval/gaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/distributions.h"
#include "eval/alike.h"

typedef struct Making {
  const Slices *slices;
  const Hypotheses *hypotheses;
  const Bootstrap *bootstrap;
  const Thresholds *thresholds;
  double *differences, *ratios;
} Making;

/* Per speaker what it has in both groups; *blocks is the caller's to free. Sets speakers (real ones) and
 * words. */
static int gap_blocks(const Making *making, const Group groups[2], GapBlock **blocks, GapFigures *figures) {
  int speakers = making->slices->speakers, found = 0, *place = xcalloc((size_t)speakers + 1, sizeof *place);
  *blocks = xcalloc((size_t)speakers + 1, sizeof **blocks);
  for (int side = 0; side < 2; side++) {
    SpeakerSum *sums;
    int count =
        slices_speakers(making->slices, making->hypotheses, groups[side].items, groups[side].count, &sums);
    figures->speakers[side] = 0;
    figures->words[side] = 0;
    for (int s = 0; s < count; s++) {
      int speaker = sums[s].speaker;
      if (!place[speaker]) place[speaker] = ++found;
      GapBlock *block = &(*blocks)[place[speaker] - 1];
      *(side ? &block->b : &block->a) = (Block){sums[s].errors, sums[s].words};
      figures->speakers[side] += speaker < speakers;
      figures->words[side] += sums[s].words;
    }
    free(sums);
  }
  free(place);
  return found;
}

static GapFigures gap_figures(const Making *making, const Group groups[2]) {
  GapFigures figures = {.p = NAN};
  GapBlock *blocks;
  int count = gap_blocks(making, groups, &blocks, &figures), replicates = making->bootstrap->replicates;
  int64_t errors[2] = {0, 0};
  for (int i = 0; i < count; i++) errors[0] += blocks[i].a.errors, errors[1] += blocks[i].b.errors;
  for (int side = 0; side < 2; side++) {
    figures.wer[side] = figures.words[side] ? (double)errors[side] / (double)figures.words[side] : NAN;
    if (!figures.no_interval) figures.no_interval = too_few(figures.speakers[side], making->thresholds);
  }
  figures.difference = figures.wer[0] - figures.wer[1];
  figures.ratio = errors[1] ? figures.wer[0] / figures.wer[1] : NAN;
  if (!figures.no_interval) {
    Spread spread = gap_spread(blocks, count);
    bootstrap_gap(making->bootstrap, blocks, count, making->differences, making->ratios);
    if (!bootstrap_interval(making->differences, replicates, spread, &figures.difference_interval))
      figures.no_interval = "too few words";
    else if (!spread_varies(spread))
      figures.no_interval = "every speaker has the same rate";
    else
      figures.p = bootstrap_p(making->differences, replicates, spread, 0);
    figures.ratio_has_interval = !figures.no_interval && bootstrap_interval(making->ratios, replicates,
                                                                            spread, &figures.ratio_interval);
  }
  free(blocks);
  return figures;
}

bool gap_exact(const Gap *gap, const char *key) {
  for (int k = 0; k < gap->slice->key_count; k++)
    if (strcmp(gap->slice->keys[k], key) == 0) return false;
  return true;
}

static void gap_match(Gap *gap, const Making *making, const Group groups[2], const Gaps *gaps) {
  int least = groups[0].count < groups[1].count ? groups[0].count : groups[1].count;
  int *pairs = xcalloc(2 * (size_t)least, sizeof *pairs), *sides = xcalloc(2 * (size_t)least, sizeof *sides);
  const char **exact = xcalloc((size_t)gaps->exact_count, sizeof *exact);
  int exact_count = 0;
  for (int k = 0; k < gaps->exact_count; k++)
    if (gap_exact(gap, gaps->exact[k])) exact[exact_count++] = gaps->exact[k];
  gap->pairs =
      utterances_match(making->hypotheses, groups[0], groups[1], exact, exact_count, GAPS_CALIPER, pairs);
  for (int k = 0; k < 2 * gap->pairs; k++) {
    const Hypothesis *item = &making->hypotheses->items[pairs[k]];
    sides[k % 2 * gap->pairs + k / 2] = pairs[k];
    gap->seconds[k % 2] += item->reference->duration / gap->pairs;
    gap->words[k % 2] += (double)align_reference(item->rates.words) / gap->pairs;
  }
  const Group matched[2] = {{sides, gap->pairs}, {sides + gap->pairs, gap->pairs}};
  if (gap->pairs) gap->matched = gap_figures(making, matched);
  free(exact), free(pairs), free(sides);
}

static void gap_add(Gaps *gaps, const Making *making, const Slice *slice, const Cell *a, const Cell *b) {
  int all = making->hypotheses->count, *rest = NULL;
  Group groups[2] = {{a->items, a->utterances}, {b ? b->items : NULL, b ? b->utterances : 0}};
  if (!b) {
    groups[1].items = rest = xcalloc((size_t)all, sizeof *rest);
    for (int i = 0; i < all; i++)
      if (slice->items + i < a->items || slice->items + i >= a->items + a->utterances)
        rest[groups[1].count++] = slice->items[i];
  }
  gaps->items = xrealloc(gaps->items, (size_t)gaps->count + 1, sizeof *gaps->items);
  Gap *gap = &gaps->items[gaps->count++];
  *gap = (Gap){.slice = slice, .a = a, .b = b};
  gap->figures = gap_figures(making, groups);
  gap_match(gap, making, groups, gaps);
  free(rest);
}

static void slice_gaps(Gaps *gaps, const Making *making, const Slice *slice) {
  const Cell **fit = xcalloc((size_t)slice->count, sizeof *fit);
  int count = 0;
  for (int c = 0; c < slice->count; c++)
    if (cell_is_group(slice, &slice->cells[c]) && !too_few(slice->cells[c].speakers, making->thresholds))
      fit[count++] = &slice->cells[c];
  bool each = slice->key_count == 1 && count <= GAPS_CELLS_ALL;
  for (int a = 0; a < count; a++) {
    for (int b = a + 1; each && b < count; b++) gap_add(gaps, making, slice, fit[a], fit[b]);
    if (!each) gap_add(gaps, making, slice, fit[a], NULL);
  }
  free(fit);
}

void gaps_make(Gaps *gaps, const Slices *slices, const Hypotheses *hypotheses, const char *const *exact,
               int exact_count, const Bootstrap *bootstrap, const Thresholds *thresholds) {
  Making making = {slices, hypotheses, bootstrap, thresholds, NULL, NULL};
  making.differences = xcalloc((size_t)bootstrap->replicates, sizeof(double));
  making.ratios = xcalloc((size_t)bootstrap->replicates, sizeof(double));
  *gaps = (Gaps){NULL, 0, exact, exact_count};
  for (int s = 1; s < slices->count; s++) slice_gaps(gaps, &making, &slices->items[s]);
  double *p = xcalloc((size_t)gaps->count, sizeof *p);
  for (int g = 0; g < gaps->count; g++) p[g] = gaps->items[g].figures.p;
  benjamini_hochberg(p, gaps->count, p);
  for (int g = 0; g < gaps->count; g++) gaps->items[g].q = p[g];
  free(p), free(making.differences), free(making.ratios);
}

void gaps_free(Gaps *gaps) {
  free(gaps->items);
  *gaps = (Gaps){0};
}
