/* The report of an evaluation: a table for the terminal and JSON (schema: eval/README.md). */
#ifndef JARGON_EVAL_REPORT_H
#define JARGON_EVAL_REPORT_H

#include <stdio.h>

#include "eval/slices.h"

/* What the figures depend on; every report states it. */
typedef struct ReportSettings {
  const char *tool;               /* name and version of the program */
  const char *hyp, *ref, *before; /* the files; ref and before may be NULL */
  const char *normalizer;         /* normalizer_version() */
  const char *speaker;            /* the key that names the speaker */
  const AlignCosts *costs;
  const Bootstrap *bootstrap;
} ReportSettings;

/* At most `width` columns wide where it can be: columns of figures are left out (and named below the table)
 * and names cut. 0: as wide as it is. Control characters in names are shown as '?'. */
void report_print(FILE *stream, const Slices *slices, const ReportSettings *settings, int width);

/* Writes the JSON file. */
Status report_write(const char *path, const Slices *slices, const ReportSettings *settings);

#endif
