#include "eval/alike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/slices.h"

typedef struct Candidate {
  char *stratum;         /* the values of the exact keys */
  double words, seconds; /* logarithms in units of their standard deviation */
  int item;
  int left, right; /* unused neighbours in the sorted list of its group */
  bool used;
} Candidate;

static int by_place(const void *left, const void *right) {
  const Candidate *a = left, *b = right;
  int order = strcmp(a->stratum, b->stratum);
  if (order) return order;
  if (a->words != b->words) return a->words < b->words ? -1 : 1;
  if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
  return a->item - b->item;
}

static char *stratum_of(const json_t *fields, const char *const *exact, int exact_count) {
  char *all = xstrdup("");
  for (int k = 0; k < exact_count; k++) {
    char *value = metadata_text(json_object_get(fields, exact[k]));
    char *longer = xprintf("%s\n%s", all, value ? value : "");
    free(value), free(all);
    all = longer;
  }
  return all;
}

static int candidates_make(Candidate *out, const Hypotheses *hypotheses, Group group,
                           const char *const *exact, int exact_count) {
  int count = 0;
  for (int i = 0; i < group.count; i++) {
    const Hypothesis *item = &hypotheses->items[group.items[i]];
    int64_t words = align_reference(item->rates.words);
    if (words == 0 || !(item->reference->duration > 0)) continue;
    out[count++] = (Candidate){.stratum = stratum_of(item->reference->fields, exact, exact_count),
                               .words = log((double)words),
                               .seconds = log(item->reference->duration),
                               .item = group.items[i]};
  }
  return count;
}

static double *field(Candidate *candidate, int which) {
  return which ? &candidate->seconds : &candidate->words;
}

static void scale(Candidate *candidates, int count) {
  for (int which = 0; which < 2; which++) {
    double mean = 0, squares = 0;
    for (int i = 0; i < count; i++) mean += *field(&candidates[i], which) / count;
    for (int i = 0; i < count; i++) squares += pow(*field(&candidates[i], which) - mean, 2);
    double sd = count > 1 ? sqrt(squares / (count - 1)) : 0;
    for (int i = 0; sd > 0 && i < count; i++) *field(&candidates[i], which) /= sd;
  }
}

/* The nearest unused one from `at` on in one direction, nearer than *best; else -1. */
static int nearest(const Candidate *list, int at, bool right, const Candidate *to, double *best) {
  int found = -1;
  for (; at >= 0 && strcmp(list[at].stratum, to->stratum) == 0; at = right ? list[at].right : list[at].left) {
    double words = fabs(list[at].words - to->words);
    if (words > *best) break;
    double distance = hypot(words, list[at].seconds - to->seconds);
    if (distance > *best || (distance == *best && found >= 0)) continue;
    *best = distance, found = at;
  }
  return found;
}

/* Both lists are sorted. For each of `few` in turn the nearest unused one of `many`. */
static int pair_up(Candidate *few, int few_count, Candidate *many, int many_count, double caliper,
                   bool swapped, int *pairs) {
  int made = 0, start = 0; /* the first of `many` not before the current one, used or not */
  for (int j = 0; j < many_count; j++) many[j].left = j - 1, many[j].right = j + 1 < many_count ? j + 1 : -1;
  for (int i = 0; i < few_count; i++) {
    while (start < many_count && by_place(&many[start], &few[i]) < 0) start++;
    int right = start, left = start - 1;
    while (right < many_count && many[right].used) right++;
    while (left >= 0 && many[left].used) left--;
    double best = caliper;
    int found = nearest(many, right < many_count ? right : -1, true, &few[i], &best);
    int before = nearest(many, left, false, &few[i], &best);
    if (before >= 0) found = before;
    if (found < 0) continue;
    many[found].used = true;
    if (many[found].left >= 0) many[many[found].left].right = many[found].right;
    if (many[found].right >= 0) many[many[found].right].left = many[found].left;
    pairs[2 * made + swapped] = few[i].item;
    pairs[2 * made + !swapped] = many[found].item;
    made++;
  }
  return made;
}

int utterances_match(const Hypotheses *hypotheses, Group a, Group b, const char *const *exact,
                     int exact_count, double caliper, int *pairs) {
  Candidate *all = xcalloc((size_t)a.count + (size_t)b.count, sizeof *all);
  int a_count = candidates_make(all, hypotheses, a, exact, exact_count);
  int b_count = candidates_make(all + a_count, hypotheses, b, exact, exact_count);
  scale(all, a_count + b_count);
  qsort(all, (size_t)a_count, sizeof *all, by_place);
  qsort(all + a_count, (size_t)b_count, sizeof *all, by_place);
  int made = a_count <= b_count ? pair_up(all, a_count, all + a_count, b_count, caliper, false, pairs)
                                : pair_up(all + a_count, b_count, all, a_count, caliper, true, pairs);
  for (int i = 0; i < a_count + b_count; i++) free(all[i].stratum);
  free(all);
  return made;
}
