/* The table of an evaluation for the terminal. */
#ifndef JARGON_EVAL_REPORT_H
#define JARGON_EVAL_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* document: jargon-eval-2 (eval/README.md). At most `width` columns wide where it can be: columns of figures
 * are left out (and named below the table) and names cut. 0: as wide as it is. Control characters in names
 * are shown as '?'. */
void report_print(FILE *stream, const json_t *document, int width);

#endif
