#include "eval/alignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/network.h"
#include "eval/word_confidence.h"
#include "eval/word_ids.h"

/* Words of a normalised text, which is cut up for them; the list is the caller's to free. */
typedef struct WordList {
  char **items;
  int count;
} WordList;

static WordList words_cut(char *text) {
  WordList words = {xcalloc(strlen(text) / 2 + 1, sizeof(char *)), 0};
  char *rest = text, *word;
  while ((word = strsep(&rest, " ")))
    if (*word) words.items[words.count++] = word;
  return words;
}

static uint32_t *words_ids(const WordList *ref, const WordList *hyp) {
  WordIds ids;
  uint32_t *out = xcalloc((size_t)(ref->count + hyp->count), sizeof *out);
  word_ids_init(&ids, (size_t)(ref->count + hyp->count) + 1);
  for (int i = 0; i < ref->count; i++) out[i] = word_ids_get(&ids, ref->items[i], strlen(ref->items[i]));
  for (int i = 0; i < hyp->count; i++)
    out[ref->count + i] = word_ids_get(&ids, hyp->items[i], strlen(hyp->items[i]));
  word_ids_free(&ids);
  return out;
}

/* *from: of each aligned word the index into hyp, -1: none; the caller frees it. */
static Status align_plain(Alignment *alignment, const WordList *ref, const WordList *hyp,
                          const AlignCosts *costs, int **from) {
  uint32_t *ids = words_ids(ref, hyp);
  uint8_t *path = xcalloc((size_t)(ref->count + hyp->count), 1);
  int i = 0, j = 0;
  Status status = align(costs, ids, ref->count, ids + ref->count, hyp->count, &alignment->counts, path,
                        &alignment->count);
  alignment->words = xcalloc((size_t)(status == OK ? alignment->count : 0), sizeof(AlignedWord));
  *from = xcalloc((size_t)(status == OK ? alignment->count : 0), sizeof **from);
  for (int k = 0; status == OK && k < alignment->count; k++) {
    AlignOp op = (AlignOp)path[k];
    alignment->words[k] = (AlignedWord){
        .op = op, .ref = op == ALIGN_INS ? "" : ref->items[i], .hyp = op == ALIGN_DEL ? "" : hyp->items[j]};
    (*from)[k] = op == ALIGN_DEL ? -1 : j;
    i += op != ALIGN_INS, j += op != ALIGN_DEL;
  }
  free(ids), free(path);
  return status;
}

/* The words of a network as one text, owned by the alignment, cut up. */
static WordList network_words(char **owned, const Network *network) {
  size_t size = 1;
  for (int i = 0; i < network->word_count; i++) size += strlen(network->words[i]) + 1;
  char *end = *owned = xcalloc(size, 1);
  WordList words = {xcalloc((size_t)network->word_count, sizeof(char *)), network->word_count};
  for (int i = 0; i < network->word_count; i++) {
    words.items[i] = end;
    end = stpcpy(end, network->words[i]) + 1;
  }
  return words;
}

/* Which of the network's words need not be said. */
static bool *optional_words(const Network *network) {
  bool *optional = xcalloc((size_t)network->word_count + 1, sizeof *optional);
  for (int a = 0; a < network->arc_count; a++)
    if (network->arcs[a].word >= 0) optional[network->arcs[a].word] = network->arcs[a].optional;
  return optional;
}

/* Assigns ref and hyp, the lists of all words of both networks; *from as above. */
static Status align_networks(Alignment *alignment, const Hypothesis *item, const char *text,
                             const Normalizer *normalizer, const AlignCosts *costs, WordList *ref,
                             WordList *hyp, int **from) {
  Status status = OK;
  Network left = {0}, right = {0};
  NetworkStep *steps = NULL;
  bool *ref_optional = NULL, *hyp_optional = NULL;
  const ScliteRules *as = item->as;
  TRY(network_make(&left, item->reference->text, normalizer, as ? sclite_rules_marks(as) : NETWORK_OPTIONAL));
  status = network_make(&right, text, normalizer, as ? sclite_rules_marks(as) : NETWORK_PLAIN);
  if (status != OK) TRY(fail_in(status, "what was recognised"));
  *ref = network_words(&alignment->owned[0], &left);
  *hyp = network_words(&alignment->owned[1], &right);
  ref_optional = optional_words(&left), hyp_optional = optional_words(&right);
  TRY(network_align(&left, &right, costs, as && as->fragments, &steps, &alignment->count));
  alignment->words = xcalloc((size_t)alignment->count, sizeof(AlignedWord));
  *from = xcalloc((size_t)alignment->count, sizeof **from);
  int64_t *of[] = {&alignment->counts.match, &alignment->counts.sub, &alignment->counts.ins,
                   &alignment->counts.del};
  for (int k = 0; k < alignment->count; k++) {
    int r = steps[k].ref, h = steps[k].hyp;
    alignment->words[k] = (AlignedWord){.op = steps[k].op,
                                        .ref = r < 0 ? "" : ref->items[r],
                                        .hyp = h < 0 ? "" : hyp->items[h],
                                        .optional = r >= 0 && ref_optional[r],
                                        .hyp_optional = h >= 0 && hyp_optional[h]};
    (*from)[k] = h;
    ++*of[steps[k].op];
  }
done:
  free(steps), free(ref_optional), free(hyp_optional);
  network_free(&left), network_free(&right);
  return status;
}

Status alignment_make(Alignment *alignment, const Hypothesis *item, bool before, const Normalizer *normalizer,
                      const AlignCosts *costs) {
  Status status = OK;
  WordList ref = {NULL, 0}, hyp = {NULL, 0};
  double *confidence = NULL;
  int *from = NULL;
  const char *text = before ? item->before : item->text;
  *alignment = (Alignment){0};
  if (before ? item->before_alternatives : item->alternatives) {
    TRY(align_networks(alignment, item, text, normalizer, costs, &ref, &hyp, &from));
  } else {
    TRY(normalizer_apply(normalizer, item->reference->text, &alignment->owned[0]));
    TRY(normalizer_apply(normalizer, text, &alignment->owned[1]));
    ref = words_cut(alignment->owned[0]), hyp = words_cut(alignment->owned[1]);
    TRY(align_plain(alignment, &ref, &hyp, costs, &from));
  }
  if (item->words && !before) {
    confidence = xcalloc((size_t)hyp.count, sizeof *confidence);
    TRY(word_confidences(item, hyp.items, hyp.count, normalizer, confidence));
  }
  for (int k = 0; k < alignment->count; k++)
    alignment->words[k].confidence = confidence && from[k] >= 0 ? confidence[from[k]] : NAN;
done:
  free(ref.items), free(hyp.items), free(confidence), free(from);
  return status;
}

void alignment_free(Alignment *alignment) {
  free(alignment->words);
  free(alignment->owned[0]), free(alignment->owned[1]);
  *alignment = (Alignment){0};
}
