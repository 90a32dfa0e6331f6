/* What `jargon eval`, `compare` and `gate` share: reading, scoring, every figure, the document. */
#ifndef JARGON_CMD_EVALUATION_H
#define JARGON_CMD_EVALUATION_H

#include <jansson.h>

#include "eval/alignments.h"
#include "eval/cells.h"
#include "src/base/options.h"

enum { EVALUATION_OPTIONS = 24 }; /* entries that evaluation_options() fills */

typedef struct Evaluation {
  /* The settings, by options. */
  const char *hyp, *ref, *before, *format, *ref_format, *before_format, *missing;
  const char *normalize, *costs, *as, *speaker; /* the first two NULL: not given, until evaluation_run() */
  const char *terms, *mine, *vocabulary, *domain_key;
  StringList by, match;
  StringList more; /* groups beside `by`; no option */
  Thresholds thresholds;
  bool pairs;
  int replicates, seed;
  /* Made by evaluation_run(). */
  ScliteRules rules; /* of `as` */
  Hypotheses hypotheses;
  Alignments alignments;
  Normalizer *normalizer;
  json_t *document;
} Evaluation;

void evaluation_init(Evaluation *evaluation);

/* Fills in the options that all three verbs have, but for the files of the two systems; returns how many. */
int evaluation_options(Evaluation *evaluation, Option *table);

Status evaluation_run(Evaluation *evaluation);
void evaluation_free(Evaluation *evaluation);

/* What eval and compare write. */
typedef struct Reports {
  const char *json, *html, *markdown;
  bool utterances, redact;
} Reports;

enum { REPORTS_OPTIONS = 5 };

/* Fills in their options; returns how many. */
int reports_options(Reports *reports, Option *table);

/* ERR_USAGE: an option without the one that it belongs to. */
Status reports_check(const Reports *reports);

/* Redacts the evaluation's document when asked to, and writes the files. */
Status reports_write(const Reports *reports, Evaluation *evaluation);

/* Columns of the terminal, or COLUMNS; 0 when the output is not a terminal. */
int terminal_width(void);

#endif
