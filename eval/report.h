/* The table of an evaluation for the terminal. */
#ifndef JARGON_EVAL_REPORT_H
#define JARGON_EVAL_REPORT_H

#include <stdio.h>

#include "eval/scores_json.h"

/* At most `width` columns wide where it can be: columns of figures are left out (and named below the table)
 * and names cut. 0: as wide as it is. Control characters in names are shown as '?'. */
void report_print(FILE *stream, const Slices *slices, const ScoresSettings *settings, int width);

#endif
