/* The parts of the document (eval/README.md) about words: jargon, vocabulary, confidence. New references;
 * NULL when a text is not valid UTF-8. */
#ifndef JARGON_EVAL_JARGON_JSON_H
#define JARGON_EVAL_JARGON_JSON_H

#include <jansson.h>

#include "eval/confidence.h"
#include "eval/jargon.h"

/* before: whether there is another system. */
json_t *jargon_json(const Jargon *jargon, const char *source, const char *domain_key, bool before);
json_t *vocabulary_json(const Unknowns *unknowns, const char *file, const Lexicon *vocabulary);
json_t *confidence_json(const Confidence *confidence);

#endif
