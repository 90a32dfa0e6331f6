/* A progress line on stderr for work that takes longer than two seconds: how much, how fast, time left.
 *
 *   pack  3.2 of 10.0 h (32 %), 5.1 h/s, 0:12 left, shard 2
 *
 * On a terminal one line that is rewritten; elsewhere a plain line every ten seconds, and one at the end. An update
 * that prints nothing costs a look at the clock. One thread at a time may use a Progress. */
#ifndef JARGON_BASE_PROGRESS_H
#define JARGON_BASE_PROGRESS_H

#include <stdbool.h>

typedef struct Progress {
  const char *what, *unit; /* borrowed until progress_end() */
  double total;            /* in units; 0: unknown, so no share and no time left */
  double began, from;      /* seconds and units at the first update: resumed work does not count as speed */
  double done, due;        /* units of the last update; when the next line is due */
  bool terminal, started, shown;
} Progress;

void progress_start(Progress *progress, const char *what, const char *unit, double total);

/* `done` units so far; `extra` (may be NULL) is put behind. The first call sets the point that speed counts from. */
void progress_update(Progress *progress, double done, const char *extra);

/* Closes the line if there was one: print nothing else to stderr before. */
void progress_end(Progress *progress);

#endif
