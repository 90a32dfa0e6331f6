/* The order of training: batches by total seconds in buckets of length, every utterance of the main corpora exactly
 * once an epoch, with a share of replayed utterances mixed in evenly. A pure function of (seed, epoch). */
#ifndef JARGON_CORPUS_BATCHES_H
#define JARGON_CORPUS_BATCHES_H

#include <stdint.h>

typedef struct BatchOrder {
  int32_t *items;   /* utterance numbers, batch after batch */
  int32_t *offsets; /* batch b is items[offsets[b] .. offsets[b + 1] - 1] */
  int batches;
} BatchOrder;

typedef struct BatchSettings {
  double batch_seconds; /* most audio in a batch; one longer utterance makes a batch of its own */
  int buckets;          /* of similar length; 1: lengths mixed */
  uint64_t seed;
  double replay; /* replayed seconds per second of main audio, drawn anew each epoch; 0: none */
} BatchSettings;

/* lengths[i] in samples of 16 kHz; items 0 .. main_count - 1 are the main ones, main_count .. count - 1 the pool to
 * replay from. An epoch's draws walk through permutations of the pool: nothing comes twice before all came once.
 * The caller frees with batch_order_free(). */
BatchOrder batch_order(const int64_t *lengths, int main_count, int count, const BatchSettings *settings, int epoch);
void batch_order_free(BatchOrder *order);

#endif
