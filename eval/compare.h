/* Two systems on the same references, from the document (eval/README.md): what got worse, what got better,
 * and what is too small to tell. */
#ifndef JARGON_EVAL_COMPARE_H
#define JARGON_EVAL_COMPARE_H

#include <jansson.h>
#include <stdio.h>

/* The document has "before". width: as of report_print(). */
void compare_print(FILE *stream, const json_t *document, int width);

#endif
