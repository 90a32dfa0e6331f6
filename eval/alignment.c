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

static Status align_plain(Alignment *alignment, const WordList *ref, const WordList *hyp,
                          const AlignCosts *costs) {
  uint32_t *ids = words_ids(ref, hyp);
  uint8_t *path = xcalloc((size_t)(ref->count + hyp->count), 1);
  int i = 0, j = 0;
  Status status = align(costs, ids, ref->count, ids + ref->count, hyp->count, &alignment->counts, path,
                        &alignment->count);
  alignment->words = xcalloc((size_t)(status == OK ? alignment->count : 0), sizeof(AlignedWord));
  for (int k = 0; status == OK && k < alignment->count; k++) {
    AlignOp op = (AlignOp)path[k];
    alignment->words[k] = (AlignedWord){op, op == ALIGN_INS ? "" : ref->items[i],
                                        op == ALIGN_DEL ? "" : hyp->items[j], NAN, false};
    i += op != ALIGN_INS, j += op != ALIGN_DEL;
  }
  free(ids), free(path);
  return status;
}

static Status align_network(Alignment *alignment, const WordList *ref, const WordList *hyp,
                            const Network *network, const AlignCosts *costs) {
  uint32_t *ids = words_ids(ref, hyp);
  NetworkStep *steps = NULL;
  int j = 0;
  bool *optional = xcalloc((size_t)ref->count, sizeof *optional);
  for (int a = 0; a < network->arc_count; a++)
    if (network->arcs[a].word >= 0) optional[network->arcs[a].word] = network->arcs[a].optional;
  Status status = network_align(network, costs, ids, ids + ref->count, hyp->count, &steps, &alignment->count);
  alignment->words = xcalloc((size_t)(status == OK ? alignment->count : 0), sizeof(AlignedWord));
  int64_t *of[] = {&alignment->counts.match, &alignment->counts.sub, &alignment->counts.ins,
                   &alignment->counts.del};
  for (int k = 0; status == OK && k < alignment->count; k++) {
    const NetworkStep *step = &steps[k];
    bool heard = step->op != ALIGN_DEL && !step->unsaid;
    alignment->words[k] =
        (AlignedWord){step->op, step->word < 0 ? "" : ref->items[step->word], heard ? hyp->items[j] : "", NAN,
                      step->word >= 0 && optional[step->word]};
    j += heard;
    ++*of[step->op];
  }
  free(ids), free(steps), free(optional);
  return status;
}

/* The words of the network as one text, owned by the alignment, cut up. */
static WordList network_words(Alignment *alignment, const Network *network) {
  size_t size = 1;
  for (int i = 0; i < network->word_count; i++) size += strlen(network->words[i]) + 1;
  char *end = alignment->owned[0] = xcalloc(size, 1);
  WordList words = {xcalloc((size_t)network->word_count, sizeof(char *)), network->word_count};
  for (int i = 0; i < network->word_count; i++) {
    words.items[i] = end;
    end = stpcpy(end, network->words[i]) + 1;
  }
  return words;
}

Status alignment_make(Alignment *alignment, const Hypothesis *item, bool before, const Normalizer *normalizer,
                      const AlignCosts *costs) {
  Status status = OK;
  Network network = {0};
  WordList ref = {NULL, 0}, hyp = {NULL, 0};
  double *confidence = NULL;
  *alignment = (Alignment){0};
  TRY(normalizer_apply(normalizer, before ? item->before : item->text, &alignment->owned[1]));
  hyp = words_cut(alignment->owned[1]);
  if (item->alternatives) {
    TRY(network_make(&network, item->reference->text, normalizer));
    ref = network_words(alignment, &network);
    TRY(align_network(alignment, &ref, &hyp, &network, costs));
  } else {
    TRY(normalizer_apply(normalizer, item->reference->text, &alignment->owned[0]));
    ref = words_cut(alignment->owned[0]);
    TRY(align_plain(alignment, &ref, &hyp, costs));
  }
  if (item->words && !before) {
    confidence = xcalloc((size_t)hyp.count, sizeof *confidence);
    TRY(word_confidences(item, hyp.items, hyp.count, normalizer, confidence));
  }
  for (int k = 0, j = 0; k < alignment->count; k++) {
    AlignedWord *word = &alignment->words[k];
    bool heard = word->op != ALIGN_DEL && *word->hyp;
    word->confidence = heard && confidence ? confidence[j] : NAN;
    j += heard;
  }
done:
  free(ref.items), free(hyp.items), free(confidence);
  network_free(&network);
  return status;
}

void alignment_free(Alignment *alignment) {
  free(alignment->words);
  free(alignment->owned[0]), free(alignment->owned[1]);
  *alignment = (Alignment){0};
}
