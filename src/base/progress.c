#include "src/base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double QUIET_SECONDS = 2, TERMINAL_SECONDS = 0.2, PLAIN_SECONDS = 10;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(Progress *progress, const char *what, const char *unit, double total) {
  *progress = (Progress){.what = what, .unit = unit, .total = total, .terminal = isatty(STDERR_FILENO)};
}

/* Three figures or so, without an exponent. */
static int digits(double value) { return value >= 100 ? 0 : value >= 1 ? 1 : 3; }

static void show(Progress *progress, double seconds, const char *extra) {
  double rate = seconds > 0 ? (progress->done - progress->from) / seconds : 0;
  double total = progress->total, done = progress->done;
  fprintf(stderr, "%s%s  %.*f", progress->terminal ? "\r" : "", progress->what, digits(total ? total : done),
          done);
  if (total > 0) fprintf(stderr, " of %.*f", digits(total), total);
  fprintf(stderr, " %s", progress->unit);
  if (total > 0) fprintf(stderr, " (%.0f %%)", 100 * done / total);
  fprintf(stderr, ", %.*f %s/s", digits(rate), rate, progress->unit);
  double left = total > done && rate > 0 ? (total - done) / rate : 0;
  if (left >= 3600 && left < 1e8)
    fprintf(stderr, ", %d:%02d:%02d left", (int)left / 3600, (int)left / 60 % 60, (int)left % 60);
  else if (left > 0 && left < 3600)
    fprintf(stderr, ", %d:%02d left", (int)left / 60, (int)left % 60);
  if (extra) fprintf(stderr, ", %s", extra);
  fputs(progress->terminal ? "\033[K" : "\n", stderr);
  fflush(stderr);
  progress->shown = true;
}

void progress_update(Progress *progress, double done, const char *extra) {
  double time = now();
  if (!progress->started) {
    progress->started = true;
    progress->began = time;
    progress->from = done;
    progress->due = time + (progress->terminal ? QUIET_SECONDS : PLAIN_SECONDS);
  }
  progress->done = done;
  if (time < progress->due) return;
  progress->due = time + (progress->terminal ? TERMINAL_SECONDS : PLAIN_SECONDS);
  show(progress, time - progress->began, extra);
}

void progress_end(Progress *progress) {
  double seconds = now() - progress->began;
  if (!progress->started || seconds < QUIET_SECONDS) return;
  show(progress, seconds, NULL);
  if (progress->terminal) fputc('\n', stderr);
}
