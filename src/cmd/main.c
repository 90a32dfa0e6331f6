/* jargon VERB ...: finds the verb and hands over. */
#include <stdio.h>
#include <string.h>

#include "src/base/settings.h"
#include "src/base/version.h"
#include "src/cmd/verb.h"

/* Until every verb is in the tree. */
#if !__has_include("src/cmd/verb_pack.c")
#define verb_pack NULL
#endif
#if !__has_include("src/cmd/verb_vocab.c")
#define verb_vocab NULL
#endif
#if !__has_include("src/cmd/verb_train.c")
#define verb_train NULL
#endif
#if !__has_include("src/cmd/verb_adapt.c")
#define verb_adapt NULL
#endif
#if !__has_include("src/cmd/verb_transcribe.c")
#define verb_transcribe NULL
#endif
#if !__has_include("src/cmd/verb_eval.c")
#define verb_eval NULL
#endif

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
  for (int i = 0; i < VERB_COUNT; i++)
    if (verbs[i].run) fprintf(stream, "  %-12s%s\n", verbs[i].name, verbs[i].summary);
  fputs("\n`jargon VERB --help` lists a verb's options, with an example.\n", stream);
}

int verb_end(const char *verb, Status status) {
  if (status != OK) fprintf(stderr, "jargon %s: %s\n", verb, fail_text());
  return (int)status;
}

int main(int argc, char **argv) {
  const char *names[VERB_COUNT], *name = argc > 1 ? argv[1] : "";
  if (!strcmp(name, "--help") || !strcmp(name, "help")) {
    print_help(stdout);
    return 0;
  }
  if (!strcmp(name, "--version")) {
    puts("jargon " JARGON_VERSION);
    return 0;
  }
  for (int i = 0; i < VERB_COUNT; i++) {
    if (verbs[i].run && !strcmp(verbs[i].name, name)) return verbs[i].run(argc - 1, argv + 1);
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
