/* What is scored: references, the texts that a recogniser wrote for them ("pred_text") and their metadata,
 * read from manifests and matched line by line. */
#ifndef JARGON_EVAL_HYPOTHESES_H
#define JARGON_EVAL_HYPOTHESES_H

#include "eval/rates.h"
#include "src/corpus/manifest.h"
#include "src/text/normalize.h"

typedef struct Hypothesis {
  const Utterance *reference; /* text and metadata */
  const char *text,
      *before; /* as recognised, and by the system to compare with; before: NULL when there is none */
  Rates rates, before_rates; /* set by hypotheses_score() */
} Hypothesis;

typedef struct Hypotheses {
  Hypothesis *items;
  int count;
  Manifest reference, recognised, before; /* what the items point into; unused ones are zero */
} Hypotheses;

/* hyp: a manifest with "pred_text". Its lines have "text" and the metadata too, or else `ref` names the
 * manifest that has (NULL: none). before: NULL, or another manifest with "pred_text".
 *
 * Two manifests are matched by audio_filepath and offset (to 0.1 ms), one line to one line: a line of either
 * that has no partner or two is ERR_DATA. Paths are compared as resolved against each manifest's folder or,
 * when that does not match every line, as written. The caller frees, after an error too. */
Status hypotheses_read(Hypotheses *hypotheses, const char *hyp, const char *ref, const char *before);

/* Normalises and aligns every item, on all cores. */
Status hypotheses_score(Hypotheses *hypotheses, const Normalizer *normalizer, const AlignCosts *costs);

void hypotheses_free(Hypotheses *hypotheses);

#endif
