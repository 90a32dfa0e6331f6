/* The utterances of an evaluation's document (eval/README.md): words, alignments and metadata. */
#ifndef JARGON_EVAL_UTTERANCES_JSON_H
#define JARGON_EVAL_UTTERANCES_JSON_H

#include <jansson.h>

#include "eval/alignments.h"

/* Sets document["utterances"]; ERR_DATA when a path or id is not valid UTF-8. */
Status utterances_json(json_t *document, const Hypotheses *hypotheses, const Alignments *alignments);

#endif
