/* Which recognised line belongs to which reference: hypotheses.h says how it is chosen. */
#ifndef JARGON_EVAL_MATCH_H
#define JARGON_EVAL_MATCH_H

#include "eval/records.h"

struct RecordBlock;

/* What was recognised for one reference. */
typedef struct Partner {
  const char *text; /* NULL: nothing, and the caller said that this may be */
  const HypWord *words;
  int word_count;
} Partner;

/* Assigns partners[0 .. ref->count - 1]; texts that had to be put together are kept in *blocks. */
Status match_records(const Records *ref, const Records *hyp, bool missing_empty, Partner *partners,
                     struct RecordBlock **blocks);

#endif
