/* The training state on disk: RUN/checkpoint-00001200.h5, the two latest kept.
 *
 * HDF5 (chunks with Fletcher32), followed by 16 bytes: "JARGONCK" and the XXH3 of all bytes before them,
 * little-endian. HDF5 ignores what follows its end, so other tools read the file; this program gives HDF5
 * only files whose hash is right. A checkpoint is written aside, fsynced and renamed: at every instant the
 * folder holds the earlier ones. */
#ifndef JARGON_TRAIN_CHECKPOINT_H
#define JARGON_TRAIN_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

/* Where training stands. Every field once: the struct and the file follow from the lists. */
#define TRAIN_COUNTERS(X)                                                                                    \
  X(step)            /* optimiser steps done, skipped ones included */                                       \
  X(epoch)           /* from 0 */                                                                            \
  X(batch)           /* next batch in the epoch's order */                                                   \
  X(skipped)         /* steps left out because something was not finite */                                   \
  X(skipped_in_row)  /* ... up to now */                                                                     \
  X(evaluated)       /* last step after which the dev set was scored */                                      \
  X(logged)          /* last step with a line in the log */                                                  \
  X(log_length)      /* bytes of log.jsonl */                                                                \
  X(best_step)       /* whose model is in best/ */                                                           \
  X(batches_tracked) /* of batch norm */                                                                     \
  X(interval_labels) /* since the last line of the log: labels, */                                           \
  X(interval_steps)  /* steps that were not skipped, */
#define TRAIN_MEASURES(X)                                                                                    \
  X(interval_nll)     /* their sum of negative log-likelihoods, */                                           \
  X(interval_norm)    /* of gradient norms, */                                                               \
  X(interval_audio)   /* seconds of audio, */                                                                \
  X(interval_seconds) /* and of time */                                                                      \
  X(seconds)          /* time in all */                                                                      \
  X(best_wer)         /* percent; infinite: none yet */                                                      \
  X(best_loss)        /* decides between equal rates */

typedef struct TrainState {
#define X(name) int64_t name;
  TRAIN_COUNTERS(X)
#undef X
#define X(name) double name;
  TRAIN_MEASURES(X)
#undef X
} TrainState;

/* Host arrays, the caller's. */
typedef struct TrainArrays {
  float *weights, *moment1, *moment2; /* weight_count each */
  float *buffers;                     /* buffer_count */
  size_t weight_count, buffer_count;
} TrainArrays;

/* identity: the settings, data and environment, one "name: value" a line; stored to be compared when
 * resuming. */
Status checkpoint_save(const char *folder, const TrainState *state, const TrainArrays *arrays,
                       const char *identity);

/* Loads the latest sound checkpoint. *found: whether there is any. *identity and *notice (which ones were
 * damaged; NULL when none) are the caller's to free. All damaged is ERR_DATA; arrays of other lengths too. */
Status checkpoint_load(const char *folder, bool *found, TrainState *state, const TrainArrays *arrays,
                       char **identity, char **notice);

/* The first line in which two identities differ, as "was ..., is now ...", "new is ..." or
 * "... is gone"; NULL: none. The caller's to free. */
char *identity_difference(const char *before, const char *now);

#endif
