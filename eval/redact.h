/* A document without words and paths: for sites whose audio and text may not be seen. */
#ifndef JARGON_EVAL_REDACT_H
#define JARGON_EVAL_REDACT_H

#include <jansson.h>

/* Changes the document (eval/README.md) in place, so that every report made from it has figures alone. File
 * names, terms, what was written instead of them, words of examples, ids, audio and texts of utterances go.
 * The values of the slices' keys stay, but become numbers where the key is the speaker's, or names utterances
 * or files. */
void document_redact(json_t *document);

#endif
