/* jargon adapt: the trainer of verb_train.c, from a model directory. */
#include "src/cmd/verb.h"

int verb_adapt(int argc, char **argv) { return train_or_adapt(argc, argv, true); }
