/* jargon VERB ...: finds the verb and hands over. */
#include <errno.h>
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/settings.h"
#include "src/cmd/verb.h"

static const struct {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
} verbs[] = {
#define X(verb, summary) {#verb, summary, verb_##verb},
    VERBS(X)
#undef X
};
enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static void print_help(FILE *stream) {
  fputs("Usage: jargon VERB [OPTIONS] [NAME=VALUE...]\n\nSpeech recognition that learns a field's "
        "vocabulary.\n\n",
        stream);
  for (int i = 0; i < VERB_COUNT; i++) fprintf(stream, "  %-12s%s\n", verbs[i].name, verbs[i].summary);
  fputs("\n`jargon VERB --help` lists a verb's options, with an example.\n", stream);
}

static bool failed; /* an error has been printed */

int verb_end(const char *verb, Status status) {
  failed = status != OK;
  if (failed) fprintf(stderr, "jargon %s: %s\n", verb, fail_text());
  return (int)status;
}

/* What was printed must have arrived: a full disk behind `> scores.txt` is an error like any other. */
static void check_output(void) {
  bool bad = ferror(stdout);
  if (fflush(stdout) == 0 && !bad) return;
  if (!failed) fprintf(stderr, "jargon: cannot write to the standard output: %s\n", strerror(errno));
  _exit(ERR_IO);
}

int main(int argc, char **argv) {
  const char *names[VERB_COUNT], *name = argc > 1 ? argv[1] : "";
  H5dont_atexit(); /* its clean-up at exit crashes on a file that could not be written to its end */
  atexit(check_output);
  if (!strcmp(name, "--help") || !strcmp(name, "help")) {
    print_help(stdout);
    return 0;
  }
  if (!strcmp(name, "--version")) {
    puts("jargon " JARGON_VERSION);
    return 0;
  }
  for (int i = 0; i < VERB_COUNT; i++) {
    if (!strcmp(verbs[i].name, name)) return verbs[i].run(argc - 1, argv + 1);
    names[i] = verbs[i].name;
  }
  if (!name[0]) {
    print_help(stderr);
    return ERR_USAGE;
  }
  const char *near = setting_nearest(name, names, VERB_COUNT);
  if (near)
    fprintf(stderr, "jargon: there is no verb '%s'; did you mean %s?\n", name, near);
  else
    fprintf(stderr, "jargon: there is no verb '%s'; see `jargon --help`\n", name);
  return ERR_USAGE;
}
