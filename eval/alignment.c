#include "eval/alignment.h"

#include <stdlib.h>
#include <string.h>

#include "eval/network.h"
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
    alignment->words[k] =
        (AlignedWord){op, op == ALIGN_INS ? "" : ref->items[i], op == ALIGN_DEL ? "" : hyp->items[j],
                      op == ALIGN_DEL ? -1 : j, false};
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
        (AlignedWord){step->op, step->word < 0 ? "" : ref->items[step->word], heard ? hyp->items[j] : "",
                      heard ? j : -1, step->word >= 0 && optional[step->word]};
    j += heard;
    ++*of[step->op];
  }
  free(ids), free(steps), free(optional);
  return status;
}

/* from[j] = which of the item's words the j-th normalised one was read from, or -1. Normalised one by one
 * they give the same words as the whole text, but where the normaliser joins or rewrites several: there an
 * alignment says. */
static Status sources_find(const Hypothesis *item, const WordList *hyp, const Normalizer *normalizer,
                           int *from) {
  Status status = OK;
  WordList single = {NULL, 0};
  char **texts = xcalloc((size_t)item->word_count, sizeof *texts);
  uint32_t *ids = NULL;
  uint8_t *path = NULL;
  size_t room = 0;
  for (int w = 0; w < item->word_count; w++) {
    TRY(normalizer_apply(normalizer, item->words[w].text, &texts[w]));
    room += strlen(texts[w]) / 2 + 1;
  }
  single.items = xcalloc(room, sizeof(char *));
  int *source = (int *)(path = xcalloc(room * sizeof(int) + (room + (size_t)hyp->count), 1));
  uint8_t *ops = path + room * sizeof(int);
  for (int w = 0; w < item->word_count; w++) {
    char *rest = texts[w], *word;
    while ((word = strsep(&rest, " ")))
      if (*word) source[single.count] = w, single.items[single.count++] = word;
  }
  AlignCounts counts;
  int length, i = 0, j = 0;
  ids = words_ids(&single, hyp);
  TRY(align(&ALIGN_PLAIN, ids, single.count, ids + single.count, hyp->count, &counts, ops, &length));
  for (int k = 0; k < length; k++) {
    if (ops[k] != ALIGN_DEL) from[j] = ops[k] == ALIGN_INS ? (j ? from[j - 1] : -1) : source[i];
    i += ops[k] != ALIGN_INS, j += ops[k] != ALIGN_DEL;
  }
done:
  for (int w = 0; w < item->word_count; w++) free(texts[w]);
  free(texts), free(single.items), free(ids), free(path);
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
  int *from = NULL;
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
  bool known = item->words && !before;
  from = xcalloc((size_t)hyp.count, sizeof *from);
  if (known) TRY(sources_find(item, &hyp, normalizer, from));
  for (int k = 0; k < alignment->count; k++) {
    int *word = &alignment->words[k].word;
    if (*word >= 0) *word = known ? from[*word] : -1;
  }
done:
  free(ref.items), free(hyp.items), free(from);
  network_free(&network);
  return status;
}

void alignment_free(Alignment *alignment) {
  free(alignment->words);
  free(alignment->owned[0]), free(alignment->owned[1]);
  *alignment = (Alignment){0};
}
