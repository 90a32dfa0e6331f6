/* Simulated evaluations for the tests of the statistics: speakers with rates of their own. */
#ifndef JARGON_TESTS_SIMULATED_H
#define JARGON_TESTS_SIMULATED_H

#include <math.h>
#include <stdlib.h>

#include "eval/hypotheses.h"
#include "kernels/random.h"

typedef struct Dice {
  uint64_t key;
  uint32_t at;
} Dice;

static inline Dice dice_new(int study) { return (Dice){random_row(99, (uint32_t)study, 0, 0, 0), 0}; }

/* Uniform in (0, 1). */
static inline double dice_uniform(Dice *dice) {
  return (random_bits(dice->key, dice->at++) + 0.5) / 4294967296.0;
}

static inline double dice_normal(Dice *dice) {
  double radius = sqrt(-2 * log(dice_uniform(dice)));
  return radius * cos(2 * M_PI * dice_uniform(dice));
}

static inline int64_t dice_poisson(Dice *dice, double mean) {
  int64_t count = 0;
  for (double left = mean; (left += log(dice_uniform(dice))) > 0;) count++;
  return count;
}

/* One utterance of `speaker`: counts alone, and metadata {"speaker": "s<n>", "group": group}. */
static inline void simulated_add(Hypotheses *hypotheses, int speaker, const char *group, int64_t words,
                                 int64_t errors) {
  char name[16];
  snprintf(name, sizeof name, "s%d", speaker);
  hypotheses->items = xrealloc(hypotheses->items, (size_t)hypotheses->count + 1, sizeof *hypotheses->items);
  Utterance *utterance = xcalloc(1, sizeof *utterance);
  utterance->duration = 0.4 * (double)words;
  utterance->fields = json_pack("{s:s, s:s}", "speaker", name, "group", group);
  Hypothesis *item = &hypotheses->items[hypotheses->count++];
  *item = (Hypothesis){.reference = utterance};
  int64_t wrong = errors < words ? errors : words;
  item->rates.words = (AlignCounts){words - wrong, wrong, errors - wrong, 0};
}

static inline void simulated_free(Hypotheses *hypotheses) {
  for (int i = 0; i < hypotheses->count; i++) {
    json_decref(hypotheses->items[i].reference->fields);
    free((Utterance *)hypotheses->items[i].reference);
  }
  free(hypotheses->items);
  *hypotheses = (Hypotheses){0};
}

#endif
