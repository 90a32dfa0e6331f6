#include "eval/jargon.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/term_finder.h"

double counts_recall(TermCounts counts, int64_t reference) {
  return reference ? (double)counts.correct / (double)reference : NAN;
}

double counts_precision(TermCounts counts) {
  return counts.hypothesis ? (double)counts.correct / (double)counts.hypothesis : NAN;
}

double counts_f1(TermCounts counts, int64_t reference) {
  int64_t both = counts.hypothesis + reference;
  return both ? 2 * (double)counts.correct / (double)both : NAN;
}

/* One side of an alignment: its words and the column of each. */
typedef struct Side {
  const char **words;
  int *columns;
  int count;
  Occurrence *found;
  int found_count;
} Side;

static Side side_make(const Alignment *alignment, bool hyp, const TermFinder *finder, const char *domain) {
  size_t most = (size_t)alignment->count;
  Side side = {xcalloc(most, sizeof(char *)), xcalloc(most, sizeof(int)), 0,
               xcalloc(most, sizeof(Occurrence)), 0};
  for (int c = 0; c < alignment->count; c++) {
    const AlignedWord *word = &alignment->words[c];
    if (word->op == (hyp ? ALIGN_DEL : ALIGN_INS) || (hyp && !word->hyp[0])) continue;
    side.words[side.count] = hyp ? word->hyp : word->ref;
    side.columns[side.count++] = c;
  }
  side.found_count = terms_find(finder, side.words, side.count, domain, side.found);
  for (int k = 0; k < side.found_count; k++) { /* from words to columns */
    side.found[k].first = side.columns[side.found[k].first];
    side.found[k].last = side.columns[side.found[k].last];
  }
  return side;
}

static void side_free(Side *side) { free(side->words), free(side->columns), free(side->found); }

typedef struct Missed {
  int term;
  char *text;
} Missed;

typedef struct Counting {
  const Alignments *alignments;
  const Column *domains;
  TermFinder finder;
  Jargon *jargon;
  bool *seen; /* (domain, term) */
  Missed *missed;
  int missed_count, missed_room;
} Counting;

/* What the hypothesis has in those columns, with insertions beside a wrong word at the edge; the caller
 * frees. */
static char *written(const Alignment *alignment, Occurrence place) {
  const AlignedWord *words = alignment->words;
  while (place.first > 0 && words[place.first].op != ALIGN_MATCH && words[place.first - 1].op == ALIGN_INS)
    place.first--;
  while (place.last + 1 < alignment->count && words[place.last].op != ALIGN_MATCH &&
         words[place.last + 1].op == ALIGN_INS)
    place.last++;
  char *text = xstrdup("");
  for (int c = place.first; c <= place.last; c++) {
    if (!words[c].hyp[0]) continue;
    char *longer = xprintf("%s%s%s", text, *text ? " " : "", words[c].hyp);
    free(text), text = longer;
  }
  return text;
}

static void miss(Counting *counting, const Alignment *alignment, Occurrence place, const Side *hyp) {
  const Term *term = &counting->finder.terms->items[place.term];
  char *text = written(alignment, place);
  for (int k = 0; k < hyp->found_count && strcmp(text, term->text) == 0; k++) {
    Occurrence other = hyp->found[k]; /* right words, but as a part of another term */
    if (other.last < place.first || other.first > place.last) continue;
    free(text), text = written(alignment, other);
  }
  if (counting->missed_count == counting->missed_room) {
    counting->missed_room += counting->missed_room + 64;
    counting->missed = xrealloc(counting->missed, (size_t)counting->missed_room, sizeof *counting->missed);
  }
  counting->missed[counting->missed_count++] = (Missed){place.term, text};
}

static bool right(Occurrence place, const Side *hyp) {
  for (int k = 0; k < hyp->found_count; k++)
    if (hyp->found[k].first == place.first)
      return hyp->found[k].term == place.term && hyp->found[k].last == place.last;
  return false;
}

/* Errors inside the reference's occurrences and outside. */
static JargonErrors errors_of(const Alignment *alignment, const Side *ref) {
  JargonErrors errors = {0, 0};
  int k = 0;
  for (int c = 0; c < alignment->count; c++) {
    while (k < ref->found_count && ref->found[k].last < c) k++;
    bool inside = k < ref->found_count && ref->found[k].first <= c;
    *(inside ? &errors.jargon : &errors.other) += alignment->words[c].op != ALIGN_MATCH;
  }
  return errors;
}

static void counts_add(TermCounts *sum, TermCounts more) {
  sum->hypothesis += more.hypothesis;
  sum->correct += more.correct;
}

static void errors_add(JargonErrors *sum, JargonErrors more) {
  sum->jargon += more.jargon;
  sum->other += more.other;
}

static void saw(Counting *counting, int place, int term) {
  counting->seen[term] = true;
  counting->seen[(size_t)place * (size_t)counting->jargon->term_count + (size_t)term] = true;
}

/* Adds one utterance of one system; returns its totals. */
static TermCounts item_count(Counting *counting, int item, bool before, int place) {
  const Alignment *alignment =
      before ? &counting->alignments->before[item] : &counting->alignments->hyp[item];
  const Column *domains = counting->domains;
  const char *domain = domains->ids[item] < domains->count ? domains->values[domains->ids[item]] : NULL;
  Side ref = side_make(alignment, false, &counting->finder, domain);
  Side hyp = side_make(alignment, true, &counting->finder, domain);
  JargonDomain *sums[2] = {&counting->jargon->domains[0], &counting->jargon->domains[place]};
  TermCounts total = {hyp.found_count, 0};
  for (int k = 0; k < ref.found_count; k++) {
    TermScore *score = &counting->jargon->terms[ref.found[k].term];
    bool correct = right(ref.found[k], &hyp);
    total.correct += correct;
    (before ? &score->before : &score->hyp)->correct += correct;
    if (before) continue;
    score->reference++;
    saw(counting, place, ref.found[k].term);
    if (!correct) miss(counting, alignment, ref.found[k], &hyp);
  }
  for (int k = 0; k < hyp.found_count; k++) {
    TermScore *score = &counting->jargon->terms[hyp.found[k].term];
    (before ? &score->before : &score->hyp)->hypothesis++;
    if (!before) saw(counting, place, hyp.found[k].term);
  }
  int64_t inside = 0;
  for (int k = 0; k < ref.found_count; k++) inside += counting->finder.terms->items[ref.found[k].term].words;
  for (int s = 0; s < 1 + (place > 0); s++) {
    counts_add(before ? &sums[s]->before : &sums[s]->hyp, total);
    errors_add(before ? &sums[s]->before_errors : &sums[s]->hyp_errors, errors_of(alignment, &ref));
    if (before) continue;
    sums[s]->reference += ref.found_count;
    sums[s]->jargon_words += inside;
    sums[s]->other_words += ref.count - inside;
  }
  side_free(&ref), side_free(&hyp);
  return total;
}

static int by_missed(const void *left, const void *right) {
  const Missed *a = left, *b = right;
  return a->term != b->term ? a->term - b->term : strcmp(a->text, b->text);
}

/* Into the most frequent `most`, which are in order. */
static void keep_frequent(Confusion *list, int *count, int most, const char *text, int64_t times) {
  int at = *count;
  while (at > 0 && list[at - 1].count < times) at--;
  if (at >= most) return;
  int moved = (*count < most ? *count : most - 1) - at;
  memmove(&list[at + 1], &list[at], (size_t)moved * sizeof *list);
  list[at] = (Confusion){text, times};
  *count += *count < most;
}

static void confusions_make(Counting *counting) {
  Jargon *jargon = counting->jargon;
  jargon->texts = xcalloc((size_t)counting->missed_count, sizeof(char *));
  qsort(counting->missed, (size_t)counting->missed_count, sizeof *counting->missed, by_missed);
  for (int start = 0, end; start < counting->missed_count; start = end) {
    const Missed *one = &counting->missed[start];
    for (end = start; end < counting->missed_count && by_missed(one, &counting->missed[end]) == 0; end++)
      jargon->texts[jargon->text_count++] = counting->missed[end].text;
    TermScore *score = &jargon->terms[one->term];
    keep_frequent(score->confusions, &score->confusion_count, JARGON_CONFUSIONS, one->text, end - start);
  }
}

static int by_misses(const void *left, const void *right) {
  const TermScore *a = left, *b = right;
  int64_t missed = (a->reference - a->hyp.correct) - (b->reference - b->hyp.correct);
  if (missed) return missed > 0 ? -1 : 1;
  if (a->reference != b->reference) return a->reference > b->reference ? -1 : 1;
  return a->term < b->term ? -1 : 1;
}

/* The recall's interval over the speakers who said a term. blocks: per speaker and one for the unknown. */
static void recall_interval(JargonDomain *domain, const Block *blocks, int speakers,
                            const Bootstrap *bootstrap, const Thresholds *thresholds) {
  Block *some = xcalloc((size_t)speakers + 1, sizeof *some);
  double *ratios = xcalloc((size_t)bootstrap->replicates, sizeof *ratios);
  int count = 0, real = 0;
  for (int s = 0; s <= speakers; s++) {
    if (!blocks[s].words) continue;
    some[count++] = blocks[s];
    real += s < speakers;
  }
  domain->no_interval = domain->reference ? too_few(real, thresholds) : "no term in the references";
  if (!domain->no_interval) {
    Spread spread = blocks_spread(some, count);
    bootstrap_ratios(bootstrap, some, count, ratios);
    if (!bootstrap_interval(ratios, bootstrap->replicates, spread, &domain->recall) || !spread_varies(spread))
      domain->no_interval = "every speaker has the same recall";
  }
  free(some), free(ratios);
}

static void domains_count(Counting *counting, const Slices *slices, const Bootstrap *bootstrap,
                          const Thresholds *thresholds) {
  Jargon *jargon = counting->jargon;
  size_t width = (size_t)slices->speakers + 1;
  Block *blocks = xcalloc((size_t)jargon->domain_count * width, sizeof *blocks);
  for (int i = 0; i < counting->alignments->count; i++) {
    int place = counting->domains->count ? counting->domains->ids[i] + 1 : 0, speaker = slices->speaker[i];
    int64_t reference = jargon->domains[0].reference;
    TermCounts counts = item_count(counting, i, false, place);
    reference = jargon->domains[0].reference - reference;
    for (int s = 0; s < 1 + (place > 0); s++) {
      Block *block = &blocks[(size_t)(s ? place : 0) * width + (size_t)speaker];
      block->errors += counts.correct;
      block->words += reference;
    }
    if (counting->alignments->before) item_count(counting, i, true, place);
  }
  for (int d = 0; d < jargon->domain_count; d++) {
    for (int t = 0; t < jargon->term_count; t++)
      jargon->domains[d].terms += counting->seen[(size_t)d * (size_t)jargon->term_count + (size_t)t];
    recall_interval(&jargon->domains[d], blocks + (size_t)d * width, slices->speakers, bootstrap, thresholds);
  }
  free(blocks);
}

/* How many rows: everything, each value and, when some have one and others not, unknown. */
static int domain_rows(const Column *domains, int items) {
  bool unknown = false;
  for (int i = 0; i < items; i++) unknown |= domains->ids[i] == domains->count;
  return 1 + domains->count + (unknown && domains->count);
}

void jargon_make(Jargon *jargon, const Terms *terms, const Alignments *alignments, const Column *domains,
                 const Slices *slices, const Bootstrap *bootstrap, const Thresholds *thresholds) {
  Counting counting = {.alignments = alignments, .domains = domains, .jargon = jargon};
  *jargon = (Jargon){.terms = xcalloc((size_t)terms->count, sizeof(TermScore)),
                     .term_count = terms->count,
                     .domain_count = domain_rows(domains, alignments->count)};
  jargon->domains = xcalloc((size_t)jargon->domain_count, sizeof(JargonDomain));
  jargon->domains[0].all = true;
  for (int d = 0; d < domains->count; d++) jargon->domains[d + 1].domain = domains->values[d];
  for (int t = 0; t < terms->count; t++) jargon->terms[t].term = &terms->items[t];
  counting.seen = xcalloc((size_t)jargon->domain_count * (size_t)terms->count, sizeof(bool));
  term_finder_init(&counting.finder, terms);
  domains_count(&counting, slices, bootstrap, thresholds);
  confusions_make(&counting);
  qsort(jargon->terms, (size_t)jargon->term_count, sizeof *jargon->terms, by_misses);
  term_finder_free(&counting.finder);
  free(counting.seen), free(counting.missed);
}

void jargon_free(Jargon *jargon) {
  for (int i = 0; i < jargon->text_count; i++) free(jargon->texts[i]);
  free(jargon->texts), free(jargon->terms), free(jargon->domains);
  *jargon = (Jargon){0};
}

static int by_word(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* domain < 0: everything. */
static void unknown_count(Unknown *unknown, const Lexicon *vocabulary, const Alignments *alignments,
                          const Column *domains, int domain) {
  const char **list = NULL;
  size_t room = 0;
  for (int i = 0; i < alignments->count; i++) {
    if (domain >= 0 && domains->ids[i] != domain) continue;
    for (int w = 0; w < alignments->hyp[i].count; w++) {
      const AlignedWord *word = &alignments->hyp[i].words[w];
      if (word->op == ALIGN_INS) continue;
      unknown->words++;
      if (lexicon_count(vocabulary, word->ref)) continue;
      if ((size_t)unknown->unknown >= room) list = xrealloc(list, room += room + 64, sizeof *list);
      list[unknown->unknown++] = word->ref;
    }
  }
  if (!list) return;
  qsort(list, (size_t)unknown->unknown, sizeof *list, by_word);
  for (int64_t start = 0, end; start < unknown->unknown; start = end) {
    for (end = start; end < unknown->unknown && strcmp(list[start], list[end]) == 0;) end++;
    unknown->distinct++;
    keep_frequent(unknown->examples, &unknown->example_count, VOCABULARY_EXAMPLES, list[start], end - start);
  }
  free(list);
}

void unknowns_make(Unknowns *unknowns, const Lexicon *vocabulary, const Alignments *alignments,
                   const Column *domains) {
  int count = domain_rows(domains, alignments->count);
  *unknowns = (Unknowns){xcalloc((size_t)count, sizeof(Unknown)), count};
  for (int d = 0; d < count; d++) {
    Unknown *unknown = &unknowns->domains[d];
    unknown->all = d == 0;
    unknown->domain = d > 0 && d <= domains->count ? domains->values[d - 1] : NULL;
    unknown_count(unknown, vocabulary, alignments, domains, d - 1);
  }
}

void unknowns_free(Unknowns *unknowns) {
  free(unknowns->domains);
  *unknowns = (Unknowns){0};
}
