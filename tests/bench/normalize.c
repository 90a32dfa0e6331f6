/* normalize NAME [ROUNDS] < lines: prints each line normalised by NAME (none, basic, english, a file of
 * rules), or, with ROUNDS, normalises all of them so often and prints a JSON line with the speed on one
 * thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/text/normalize.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int fault(Status status) { return fprintf(stderr, "normalize: %s\n", fail_text()), (int)status; }

static long words_of(const char *text) {
  long words = 0;
  for (const char *c = text; *c; c++) words += *c != ' ' && (c == text || c[-1] == ' ');
  return words;
}

int main(int argc, char **argv) {
  Normalizer *normalizer;
  char **lines = NULL, *line = NULL, *out;
  size_t size = 0, count = 0;
  int rounds = argc > 2 ? atoi(argv[2]) : 0;
  Status status = normalizer_new(&normalizer, argc > 1 ? argv[1] : "english");
  if (status != OK) return fault(status);
  for (ssize_t length; (length = getline(&line, &size, stdin)) > 0; count++) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    lines = xrealloc(lines, count + 1, sizeof *lines);
    lines[count] = xstrdup(line);
  }
  long words = 0;
  double start = now();
  for (int round = 0; round < (rounds ? rounds : 1); round++)
    for (size_t i = 0; i < count; i++) {
      if ((status = normalizer_apply(normalizer, lines[i], &out)) != OK) return fault(status);
      if (!rounds) puts(out);
      words += words_of(lines[i]);
      free(out);
    }
  double seconds = now() - start;
  if (rounds)
    printf("{\"bench\": \"normalize\", \"normalization\": \"%s\", \"words\": %ld, \"seconds\": %.3f, "
           "\"words_per_second\": %.0f}\n",
           normalizer_version(normalizer), words, seconds, (double)words / seconds);
  for (size_t i = 0; i < count; i++) free(lines[i]);
  free(lines);
  free(line);
  normalizer_free(normalizer);
  return 0;
}
