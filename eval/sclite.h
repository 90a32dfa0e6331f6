/* The reports of NIST's sclite, in its layouts, for those who read them by eye or by script:
 *
 *   PREFIX.sys  percentages by speaker      PREFIX.pra  every utterance aligned
 *   PREFIX.raw  counts by speaker           PREFIX.dtl  confusions, insertions, deletions, substitutions
 *
 * The words are as normalised and the counts those of the chosen costs. With --as "sclite ..." the files are
 * those of sclite with these switches, byte for byte, but for the column NCE, which it has when hypotheses
 * carry confidence, and (-c) ties between alternatives of several characters.
 */
#ifndef JARGON_EVAL_SCLITE_H
#define JARGON_EVAL_SCLITE_H

#include <stdio.h>

#include "eval/alignments.h"

typedef struct ScliteItem {
  const Hypothesis *item;
  Alignment alignment;
  char *id;    /* as sclite would print it, without parentheses */
  int speaker; /* index into speakers */
} ScliteItem;

typedef struct Sclite {
  const char *title;
  bool case_sensitive; /* errors are not in capitals */
  bool characters;     /* words are characters */
  ScliteItem *items;   /* in the order of the references */
  int count;
  char **speakers; /* in the order they come */
  int speaker_count;
} Sclite;

/* Writes the four files. alignments: of the same items. title: of the system. speaker: the key that names the
 * speaker; an utterance without one is of "unknown". */
Status sclite_write(const char *prefix, const Hypotheses *hypotheses, const Alignments *alignments,
                    const char *speaker, const char *title);

/* The parts, to any stream. */
void sclite_table(FILE *stream, const Sclite *sclite, bool percent); /* .sys or .raw */
void sclite_alignments(FILE *stream, const Sclite *sclite);          /* .pra */
void sclite_details(FILE *stream, const Sclite *sclite);             /* .dtl */

#endif
