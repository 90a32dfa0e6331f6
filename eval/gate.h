/* Holds the figures of a document (eval/README.md) against a policy. */
#ifndef JARGON_EVAL_GATE_H
#define JARGON_EVAL_GATE_H

#include <jansson.h>

#include "eval/policy.h"

typedef enum Verdict { VERDICT_HOLDS, VERDICT_UNDECIDED, VERDICT_BROKEN } Verdict;

/* deployed: the deployed model's document, or NULL; then a regression is against the document's own "before".
 * The result (schema "jargon-gate-1", eval/README.md) is the caller's. *worst: of all rules. ERR_DATA when a
 * rule asks for what neither document has, or when the two were not made alike. */
Status gate_check(json_t **result, const Policy *policy, const char *policy_name, const json_t *document,
                  const json_t *deployed, Verdict *worst);

const char *verdict_name(Verdict verdict);

#endif
