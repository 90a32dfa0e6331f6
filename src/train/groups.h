/* Groups of the optimiser: learning rates and freezing by patterns of parameter names.
 *
 * A pattern is a glob as in the shell ('*' any text, '?', '[0-7]'): 'encoder.layers.[0-7].*'. Of several
 * rates that match the later one wins; a frozen parameter stays frozen whatever its rate. */
#ifndef JARGON_TRAIN_GROUPS_H
#define JARGON_TRAIN_GROUPS_H

#include "kernels/adamw.h"
#include "src/base/options.h"
#include "src/base/status.h"
#include "src/model/model.h"

typedef struct GroupRules {
  StringList rates;  /* "pattern=scale", scale 0 to 1000 of the learning rate */
  StringList freeze; /* patterns */
  double decay;      /* of the parameters that take decay */
} GroupRules;

/* Assigns `count` segments, one a parameter, and *report: what each pattern matched, a line each, the
 * caller's to free. A pattern that matches nothing, and freezing everything, are ERR_USAGE. */
Status groups_make(AdamwSegment *segments, const Param *const *params, int count, const GroupRules *rules,
                   char **report);

#endif
