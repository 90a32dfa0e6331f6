/* jargon train and jargon adapt: one table of settings for both; what differs is where the model starts. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cmd/verb.h"
#include "src/model/config.h"
#include "src/train/trainer.h"

static const char TRAIN_EXAMPLE[] =
    "jargon train --preset recipes/presets/demo.yaml --tokenizer tokenizer.json \\\n"
    "      --corpus work/train --dev work/dev --out work/run --epochs 20 model.dropout=0.1";
static const char ADAPT_EXAMPLE[] =
    "jargon adapt --from work/run/best --corpus work/medicine --replay work/train \\\n"
    "      --dev work/medicine-dev --out work/medicine-run --epochs 30 \\\n"
    "      --freeze 'encoder.subsampling.*' --lr-rule 'encoder.layers.[0-7].*=0.3'";

static TrainSettings defaults(bool adapt) {
  return (TrainSettings){.device = "auto",
                         .precision = "f32",
                         .normalizer = "basic",
                         .replay_share = 1,
                         .batch_seconds = 60,
                         .buckets = 8,
                         .accumulate = 1,
                         .freq_masks = 2,
                         .freq_width = 27,
                         .time_masks = 5,
                         .time_ratio = 0.05,
                         .learning_rate = adapt ? 3e-4 : 1e-3,
                         .floor = 0.01,
                         .warmup = adapt ? 100 : 500,
                         .beta1 = 0.9,
                         .beta2 = 0.98,
                         .epsilon = 1e-9,
                         .clip = 1,
                         .rules = {.decay = 0.01},
                         .save_every = 500,
                         .log_every = 20,
                         .max_skipped = 10};
}

static Status check(const TrainSettings *s) {
  if (!s->epochs && !s->steps)
    return fail(ERR_USAGE, "how long to train is missing: give --epochs or --steps");
  if (s->epochs && s->steps) return fail(ERR_USAGE, "both --epochs and --steps are given: leave one out");
  return OK;
}

/* Names and values of the model's settings, before anything is opened. */
static Status check_model(const Options *options, const StringList *model) {
  ModelConfig scratch = model_config_default();
  for (int i = 0; i < model->count; i++) {
    char *key = xstrdup(model->items[i]), *equals = strchr(key, '=');
    *equals = 0;
    Status status = model_config_set(&scratch, key, equals + 1);
    free(key);
    if (status != OK) return fail_in(ERR_USAGE, "%smodel", options_group_line(options, i));
  }
  return OK;
}

static char *print(const Options *options, bool neutral) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  options_print(options, stream, neutral);
  fclose(stream);
  return text;
}

int train_or_adapt(int argc, char **argv, bool adapt) {
  Status status = OK;
  int threads = 0;
  char *identity = NULL, *all = NULL;
  TrainSettings s = defaults(adapt);
  const Option table[] = {
      adapt ? (Option){"from", OPTION_TEXT, &s.from, "DIR", "model directory to start from", .required = true,
                       .neutral = true}
            : (Option){"preset", OPTION_TEXT, &s.preset, "FILE", "sizes of the model", .required = true,
                       .neutral = true},
      {"corpus", OPTION_LIST, &s.corpus, "DIR,...", "packed corpora to train on", .required = true,
       .neutral = true},
      {"dev", OPTION_LIST, &s.dev, "DIR,...", "packed corpora that choose the best model", .neutral = true},
      {"tokenizer", OPTION_TEXT, &s.tokenizer, "FILE",
       adapt ? "tokenizer.json, where not the one of --from" : "tokenizer.json", .required = !adapt,
       .neutral = true},
      {"out", OPTION_TEXT, &s.out, "DIR", "folder of the run; the same one again resumes", .required = true,
       .neutral = true},
      {"model", OPTION_GROUP, &s.model, "",
       "a setting of the model by its name in config.json, over the preset", .neutral = true},
      {"epochs", OPTION_INT, &s.epochs, "N", "passes over the corpora", .max = 1e6},
      {"steps", OPTION_INT, &s.steps, "N", "optimiser steps, instead of --epochs", .max = 1e9},
      {"learning-rate", OPTION_REAL, &s.learning_rate, "RATE", "highest learning rate", .max = 1e9},
      {"warmup", OPTION_INT, &s.warmup, "N", "steps of linear warm-up; a cosine follows", .max = 1e9},
      {"floor", OPTION_REAL, &s.floor, "SHARE", "share of the learning rate at the end", .max = 1},
      {"batch-seconds", OPTION_REAL, &s.batch_seconds, "SECONDS", "most audio in a batch", .min = 1,
       .max = 1e5},
      {"accumulate", OPTION_INT, &s.accumulate, "N", "batches a step", .min = 1, .max = 1e4},
      {"buckets", OPTION_INT, &s.buckets, "N", "buckets of similar length; 1: lengths mixed", .min = 1,
       .max = 1000},
      {"replay", OPTION_LIST, &s.replay, "DIR,...", "packed corpora to mix in, against forgetting",
       .neutral = true},
      {"replay-share", OPTION_REAL, &s.replay_share, "SHARE", "seconds replayed per second of --corpus",
       .max = 100},
      {"freeze", OPTION_LIST, &s.rules.freeze, "PATTERN",
       "parameters that stay as they are: a glob over their names, 'encoder.layers.[0-7].*'; the averages of "
       "batch norm "
       "still follow the data"},
      {"lr-rule", OPTION_LIST, &s.rules.rates, "PATTERN=SCALE",
       "learning rate of the parameters whose names match, as a multiple; the last match wins"},
      {"weight-decay", OPTION_REAL, &s.rules.decay, "RATE", "decoupled decay of matrices and convolutions",
       .max = 10},
      {"clip", OPTION_REAL, &s.clip, "NORM", "most norm of the gradient; 0: no clipping", .max = 1e9},
      {"beta1", OPTION_REAL, &s.beta1, "RATE", "AdamW's decay of the first moment", .max = 0.999999},
      {"beta2", OPTION_REAL, &s.beta2, "RATE", "... of the second moment", .max = 0.999999},
      {"epsilon", OPTION_REAL, &s.epsilon, "VALUE", "AdamW's epsilon", .min = 1e-16, .max = 1},
      {"freq-masks", OPTION_INT, &s.freq_masks, "N", "SpecAugment: bands masked", .max = 100},
      {"freq-width", OPTION_INT, &s.freq_width, "BINS", "SpecAugment: widest band", .max = 512},
      {"time-masks", OPTION_INT, &s.time_masks, "N", "SpecAugment: spans masked in an utterance",
       .max = 1000},
      {"time-ratio", OPTION_REAL, &s.time_ratio, "SHARE", "SpecAugment: longest span, of the utterance",
       .max = 1},
      {"normalize", OPTION_TEXT, &s.normalizer, "NAME",
       "normalisation of all texts: none, basic, english, or the path of a file of rules",
       .neutral = true},
      {"seed", OPTION_INT, &s.seed, "N", "of weights, order, dropout and masks", .max = 2147483647},
      {"eval-every", OPTION_INT, &s.eval_every, "STEPS", "score dev; 0: after every epoch", .max = 1e9},
      {"max-skipped", OPTION_INT, &s.max_skipped, "N",
       "steps in a row whose loss or gradient may be not finite", .min = 1, .max = 1e6},
      {"device", OPTION_TEXT, &s.device, "NAME", "where to compute", .choices = "auto|cpu|cuda",
       .neutral = true},
      {"precision", OPTION_TEXT, &s.precision, "TYPE", "of activations", .choices = "f32|bf16"},
      {"threads", OPTION_INT, &threads, "N", "of the CPU; 0: all cores", .max = 1024, .neutral = true},
      {"save-every", OPTION_INT, &s.save_every, "STEPS", "write a checkpoint", .min = 1, .max = 1e9,
       .neutral = true},
      {"log-every", OPTION_INT, &s.log_every, "STEPS", "write a line of log.jsonl", .min = 1, .max = 1e9,
       .neutral = true},
      {"resume-anyway", OPTION_BOOL, &s.resume_anyway, "", "go on although settings, data or machine changed",
       .neutral = true},
      {0}};
  Options options = {.verb = adapt ? "adapt" : "train",
                     .summary = adapt ? "goes on training from a model, on another domain"
                                      : "trains a model from scratch",
                     .example = adapt ? ADAPT_EXAMPLE : TRAIN_EXAMPLE,
                     .table = table};
  TRY(options_parse(&options, argc, argv));
  TRY(check(&s));
  TRY(check_model(&options, &s.model));
  identity = print(&options, false);
  all = print(&options, true);
  if (threads) omp_set_num_threads(threads);
  TRY(train(&s, identity, all));
done:
  free(identity);
  free(all);
  options_free(&options);
  return verb_end(options.verb, status);
}

int verb_train(int argc, char **argv) { return train_or_adapt(argc, argv, false); }
