/* Which recognised line belongs to which reference: hypotheses.h says how it is chosen. */
#ifndef JARGON_EVAL_MATCH_H
#define JARGON_EVAL_MATCH_H

#include "eval/sclite_rules.h"

struct RecordBlock;

/* What was recognised for one reference. */
typedef struct Partner {
  const char *text; /* NULL: nothing, and the caller said that this may be */
  const HypWord *words;
  int word_count;
  bool outside; /* sclite -m: the reference is not in the time of what was recognised */
} Partner;

/* Assigns partners[0 .. ref->count - 1]; texts that had to be put together are kept in *blocks. as: NULL, or
 * whose rules cut to the common time. */
Status match_records(const Records *ref, const Records *hyp, bool missing_empty, const ScliteRules *as,
                     Partner *partners, struct RecordBlock **blocks);

#endif
