/* Training and transfer: from settings to a model directory, resumable at any instant to the same bits.
 *
 * The folder `out` holds settings.yaml, log.jsonl (a JSON line per interval), the two latest checkpoints,
 * best/ (the model that scored best on dev) and last/ (the model at the end). Started again with the same
 * settings a run goes on where its latest checkpoint stands; what it then computes is what it would have
 * without the stop.
 *
 * The loss of a step is the sum of negative log-likelihoods of its `accumulate` batches over the number of
 * their labels. A step never spans two epochs: the last one of an epoch may have fewer batches.
 *
 * A step is handed to the device and not waited for: whether it updates the weights is decided there, and what
 * it counts stays there (kernels/tally.h) until a line of the log, a score or a checkpoint is due. */
#ifndef JARGON_TRAIN_TRAINER_H
#define JARGON_TRAIN_TRAINER_H

#include <stdbool.h>

#include "src/base/options.h"
#include "src/base/status.h"
#include "src/train/groups.h"

typedef struct TrainSettings {
  /* where */
  const char *out, *device, *precision; /* precision: "f32" or "bf16" */
  const char *from;                     /* model directory to start from; NULL: from scratch, by the preset */
  const char *preset;                   /* YAML file */
  StringList model;                     /* "key=value" over the preset, or over the configuration in `from` */
  const char *tokenizer;                /* NULL: the one in `from` */
  const char *normalizer;
  /* data */
  StringList corpus, replay, dev;
  double replay_share; /* seconds replayed per second of corpus */
  double batch_seconds;
  int buckets, accumulate;
  int freq_masks, freq_width, time_masks; /* SpecAugment */
  double time_ratio;
  /* how long */
  int epochs, steps; /* one of them; the other 0 */
  /* optimiser */
  double learning_rate, floor; /* floor: share of the learning rate */
  int warmup;
  double beta1, beta2, epsilon, clip;
  GroupRules rules;
  int seed;
  /* when */
  int eval_every; /* steps; 0: at the end of every epoch */
  int save_every, log_every;
  int max_skipped; /* steps in a row that may be skipped */
  bool resume_anyway;
} TrainSettings;

/* `identity` is the settings' part of what must not change between a run and its resumption ("name: value"
 * lines), `all` what goes to settings.yaml. ERR_STOPPED after SIGTERM or SIGINT, once a checkpoint is
 * written. */
Status train(const TrainSettings *settings, const char *identity, const char *all);

#endif
