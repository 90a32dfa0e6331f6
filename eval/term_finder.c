#include "eval/term_finder.h"

#include <stdlib.h>
#include <string.h>

void term_finder_init(TermFinder *finder, const Terms *terms) {
  size_t words = 0;
  for (int t = 0; t < terms->count; t++) words += (size_t)terms->items[t].words;
  *finder = (TermFinder){.terms = terms,
                         .ids = xcalloc((size_t)terms->count * TERMS_WORDS_MOST, sizeof(uint32_t)),
                         .first = xcalloc(words, sizeof(int)),
                         .next = xcalloc((size_t)terms->count, sizeof(int))};
  word_ids_init(&finder->words, words + 1);
  for (size_t w = 0; w < words; w++) finder->first[w] = -1;
  for (int t = 0; t < terms->count; t++) {
    uint32_t *ids = finder->ids + (size_t)t * TERMS_WORDS_MOST;
    word_ids_split(&finder->words, terms->items[t].text, ids);
    int *at = &finder->first[ids[0]];
    while (*at >= 0 && terms->items[*at].words >= terms->items[t].words) at = &finder->next[*at];
    finder->next[t] = *at;
    *at = t;
  }
}

void term_finder_free(TermFinder *finder) {
  word_ids_free(&finder->words);
  free(finder->ids), free(finder->first), free(finder->next);
  *finder = (TermFinder){0};
}

int terms_find(const TermFinder *finder, const char *const *words, int count, const char *domain,
               Occurrence *found) {
  int made = 0;
  int64_t *ids = xcalloc((size_t)count, sizeof *ids);
  for (int w = 0; w < count; w++) ids[w] = word_ids_find(&finder->words, words[w], strlen(words[w]));
  for (int w = 0; w < count;) {
    int t = ids[w] < 0 ? -1 : finder->first[ids[w]];
    for (; t >= 0; t = finder->next[t]) {
      const Term *term = &finder->terms->items[t];
      const uint32_t *own = finder->ids + (size_t)t * TERMS_WORDS_MOST;
      int k = 0;
      if (term->words > count - w || (term->domain && (!domain || strcmp(term->domain, domain) != 0)))
        continue;
      while (k < term->words && ids[w + k] == own[k]) k++;
      if (k == term->words) break;
    }
    if (t >= 0) found[made++] = (Occurrence){t, w, w + finder->terms->items[t].words - 1};
    w += t >= 0 ? finder->terms->items[t].words : 1;
  }
  free(ids);
  return made;
}
