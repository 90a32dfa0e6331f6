/* The evaluation as one HTML page that needs nothing beside it: document, style and script are in it. */
#ifndef JARGON_EVAL_HTML_H
#define JARGON_EVAL_HTML_H

#include <jansson.h>

#include "src/base/status.h"

/* document: jargon-eval-2 (eval/README.md), with "utterances" for the error explorer. Their audio is named in
 * the page relative to the page's own folder, so that both can be moved together. */
Status html_write(const char *path, const json_t *document);

/* `to` as reached from `folder`, both absolute or as seen from the working directory; by the names alone. The
 * caller frees. */
char *path_relative(const char *folder, const char *to);

#endif
