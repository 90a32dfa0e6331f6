/* The JSON document of an evaluation, schema "jargon-eval-2" (eval/README.md): what --json writes and what
 * every report is made from. */
#ifndef JARGON_EVAL_SCORES_JSON_H
#define JARGON_EVAL_SCORES_JSON_H

#include <jansson.h>

#include "eval/gaps.h"
#include "eval/models.h"

/* What the figures depend on; every report states it. */
typedef struct ScoresSettings {
  const char *tool;               /* name and version of the program */
  const char *hyp, *ref, *before; /* the files; ref and before may be NULL */
  const char *normalizer;         /* normalizer_version() */
  const char *speaker;            /* the key that names the speaker */
  const AlignCosts *costs;
  const Bootstrap *bootstrap;
  const Thresholds *thresholds;
} ScoresSettings;

/* What there is; NULL for what was not asked for. */
typedef struct Scores {
  const ScoresSettings *settings;
  const Slices *slices;
  const Gaps *gaps;
  const Models *models;
} Scores;

/* *document is the caller's: json_decref(). ERR_DATA when a name is not valid UTF-8. */
Status scores_json(json_t **document, const Scores *scores);

Status scores_write(const char *path, const json_t *document);

#endif
