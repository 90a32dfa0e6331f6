#include "eval/word_confidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/word_ids.h"
#include "src/text/unicode.h"

/* The item's words as the pieces of one text: words first[p] .. first[p + 1] - 1 stand in piece p. */
typedef struct Pieces {
  char **items;
  int *first, count;
} Pieces;

static void pieces_make(Pieces *pieces, const Hypothesis *item) {
  Buffer text = {0};
  *pieces = (Pieces){xcalloc((size_t)item->word_count, sizeof(char *)),
                     xcalloc((size_t)item->word_count + 1, sizeof(int)), 0};
  for (int w = 0; w < item->word_count; w++) {
    if (w == 0 || !item->words[w].glued) pieces->first[pieces->count++] = w, text.used = 0;
    buffer_append(&text, item->words[w].text, strlen(item->words[w].text));
    if (w + 1 < item->word_count && item->words[w + 1].glued) continue;
    pieces->items[pieces->count - 1] = xstrdup(text.data);
  }
  pieces->first[pieces->count] = item->word_count;
  free(text.data);
}

static void pieces_free(Pieces *pieces) {
  for (int p = 0; p < pieces->count; p++) free(pieces->items[p]);
  free(pieces->items), free(pieces->first);
}

static bool is_nothing(const Normalizer *normalizer, const char *piece) {
  char *made;
  if (normalizer_apply(normalizer, piece, &made) != OK) return false;
  bool nothing = !*made;
  free(made);
  return nothing;
}

/* Of the pieces from .. to. A filler between two others ("twenty um three") has no part in the word. */
static double least_confidence(const Hypothesis *item, const Pieces *pieces, int from, int to,
                               const Normalizer *normalizer) {
  double least = INFINITY;
  for (int p = from; p <= to; p++) {
    if (p > from && p < to && is_nothing(normalizer, pieces->items[p])) continue;
    for (int w = pieces->first[p]; w < pieces->first[p + 1]; w++) {
      if (isnan(item->words[w].confidence)) return NAN;
      least = fmin(least, item->words[w].confidence);
    }
  }
  return least;
}

/* Ids of the words of `made`, and of hyp behind them; *count: of the former. */
static uint32_t *ids_of(const char *made, char *const *hyp, int hyp_count, int *count) {
  WordIds ids;
  size_t room = strlen(made) / 2 + 1 + (size_t)hyp_count;
  uint32_t *out = xcalloc(room, sizeof *out);
  word_ids_init(&ids, room);
  *count = word_ids_split(&ids, made, out);
  for (int j = 0; j < hyp_count; j++) out[*count + j] = word_ids_get(&ids, hyp[j], strlen(hyp[j]));
  word_ids_free(&ids);
  return out;
}

/* The words say what the text says, unless a file contradicts itself: there an alignment tells which they
 * share. */
Status word_confidences(const Hypothesis *item, char *const *hyp, int count, const Normalizer *normalizer,
                        double *confidence) {
  Status status = OK;
  Pieces pieces;
  WordSource *sources = NULL;
  uint32_t *ids = NULL;
  uint8_t *path = NULL;
  char *made = NULL;
  int made_count, length;
  AlignCounts counts;
  pieces_make(&pieces, item);
  TRY(normalizer_trace(normalizer, (const char *const *)pieces.items, pieces.count, &made, &sources));
  ids = ids_of(made, hyp, count, &made_count);
  path = xcalloc((size_t)(made_count + count), 1);
  TRY(align(&ALIGN_PLAIN, ids, made_count, ids + made_count, count, &counts, path, &length));
  for (int k = 0, i = 0, j = 0; k < length; k++) {
    if (path[k] != ALIGN_DEL) confidence[j] = NAN;
    if (path[k] == ALIGN_MATCH)
      confidence[j] = least_confidence(item, &pieces, sources[i].first, sources[i].last, normalizer);
    i += path[k] != ALIGN_INS, j += path[k] != ALIGN_DEL;
  }
done:
  pieces_free(&pieces);
  free(sources), free(ids), free(path), free(made);
  return status;
}
