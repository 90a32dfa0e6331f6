/* The verbs of the program, one file each: verb_pack.c has verb_pack(). A verb gets argv[0] = its name,
 * prints its own errors by verb_end() and returns the exit code. */
#ifndef JARGON_CMD_VERB_H
#define JARGON_CMD_VERB_H

#include <stdbool.h>

#include "src/base/status.h"
#include "src/base/version.h"

/* Every verb once, in the order of use, with its line in `jargon --help`. */
#define VERBS(X)                                                                                             \
  X(pack, "check manifests and pack their audio into a corpus")                                              \
  X(vocab, "train a vocabulary on a corpus's texts")                                                         \
  X(train, "train a model from scratch")                                                                     \
  X(adapt, "go on training from a model, on another domain")                                                 \
  X(transcribe, "turn audio into text with word times and confidence")                                       \
  X(eval, "score transcripts: rates overall and by group, with intervals")                                   \
  X(compare, "compare two systems: what got worse, what better")                                             \
  X(gate, "hold scores against a policy, for release pipelines")

#define X(verb, summary) int verb_##verb(int argc, char **argv);
VERBS(X)
#undef X

/* What verb_train() and verb_adapt() share. */
int train_or_adapt(int argc, char **argv, bool adapt);

/* Prints the error of a failed verb and returns the exit code. */
int verb_end(const char *verb, Status status);

#endif
