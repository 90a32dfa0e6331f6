/* What is scored: references, the texts that a recogniser wrote for them and their metadata, read from files
 * of any form that records.h knows, and matched. */
#ifndef JARGON_EVAL_HYPOTHESES_H
#define JARGON_EVAL_HYPOTHESES_H

#include "eval/rates.h"
#include "eval/sclite_rules.h"

typedef struct Hypothesis {
  const Utterance *reference; /* text and metadata */
  const char *id;             /* NULL when there is none */
  const char *text, *before;  /* as recognised, and by the system to compare with; before: NULL when none */
  const HypWord *words;       /* of `text`; NULL when its file has none */
  int word_count;
  /* For `text` and `before`: one of the two texts has { a / b } or (uh), so only alignment_make() can align
   * them. */
  bool alternatives, before_alternatives;
  const ScliteRules *as;     /* NULL: the reference alone may have marks, and optional words count as such */
  Rates rates, before_rates; /* set by hypotheses_score() */
} Hypothesis;

typedef struct Hypotheses {
  Hypothesis *items;
  int count;
  int missing;                           /* items that no line was recognised for, scored as empty */
  Records reference, recognised, before; /* what the items point into; unused ones are zero */
  struct RecordBlock *blocks;
} Hypotheses;

typedef struct HypothesesFiles {
  const char *hyp, *ref, *before; /* ref NULL: hyp has the references too; before: NULL when there is none */
  RecordFormat hyp_format, ref_format, before_format;
  bool missing_empty;    /* a reference that nothing was recognised for is scored as an empty hypothesis */
  const ScliteRules *as; /* read all files as sclite does; outlives the hypotheses. NULL: as they are */
} HypothesesFiles;

/* Lines are matched, one to one, in the first of these ways that both files allow:
 * - order: one of them is plain text: line by line
 * - times: hyp has words with times of whole recordings (ctm, whisper) or is stm, ref has segments of them: a
 * word belongs to the first segment that ends after the word's midpoint, or to the last, as in sclite
 * - id: every line has one (of a manifest: its "id", "utt_id" or "utterance_id", or src/text/names.h)
 * - audio: audio_filepath and offset (to 0.1 ms), as resolved against each file's folder or as written
 *
 * A line of either without a partner or with two is ERR_DATA. The caller frees, after an error too. */
Status hypotheses_read(Hypotheses *hypotheses, const HypothesesFiles *files);

/* Normalises and aligns every item, on all cores. */
Status hypotheses_score(Hypotheses *hypotheses, const Normalizer *normalizer, const AlignCosts *costs);

void hypotheses_free(Hypotheses *hypotheses);

#endif
