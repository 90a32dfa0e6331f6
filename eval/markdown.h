/* The evaluation as a model card in Markdown: figures, fairness slices, intended use and limits. */
#ifndef JARGON_EVAL_MARKDOWN_H
#define JARGON_EVAL_MARKDOWN_H

#include <jansson.h>

#include "src/base/status.h"

/* document: jargon-eval-2 (eval/README.md). Text from the data is escaped: it makes no markup and no row of a
 * table. */
Status markdown_write(const char *path, const json_t *document);

#endif
