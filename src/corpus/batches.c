#include "src/corpus/batches.h"

#include <assert.h>
#include <stdlib.h>

#include "kernels/random.h"
#include "src/audio/audio.h"
#include "src/base/status.h"

typedef struct Item {
  int32_t utterance;
  int64_t length; /* samples */
} Item;

typedef struct Items {
  Item *at;
  int count;
  int64_t samples;
} Items;

enum {
  SHUFFLE_MAIN = 0,
  SHUFFLE_REPLAY = 1,
  SHUFFLE_BATCHES = 2,
  SHUFFLE_POOL = 3
}; /* + permutation number */

/* The Fisher-Yates exchange for position i - 1 of a permutation: a number below i. */
static int draw(const BatchSettings *settings, int epoch, int purpose, int i) {
  uint64_t row = random_row(settings->seed, (uint32_t)epoch, (uint32_t)purpose, (uint32_t)i, 0);
  return (int)((row >> 32) * (uint64_t)i >> 32);
}

static void shuffle(Item *items, int count, const BatchSettings *settings, int epoch, int purpose) {
  for (int i = count; i > 1; i--) {
    int j = draw(settings, epoch, purpose, i);
    Item kept = items[i - 1];
    items[i - 1] = items[j];
    items[j] = kept;
  }
}

static void add(Items *items, int32_t utterance, int64_t length) {
  assert(length > 0);
  items->at[items->count++] = (Item){utterance, length};
  items->samples += length;
}

/* Replayed utterances of an epoch: permutations of the pool one after the other, up to `replay` times the
 * main audio. */
static Items draw_replay(const int64_t *lengths, int main_count, int count, int64_t main_samples,
                         const BatchSettings *settings, int epoch) {
  int pool_count = count - main_count, room = 0;
  double wanted = settings->replay * (double)main_samples;
  Items replay = {0}, pool = {.at = xcalloc((unsigned long)pool_count, sizeof(Item))};
  for (int32_t i = main_count; i < count; i++) add(&pool, i, lengths[i]);
  for (int round = 0; pool_count && (double)replay.samples < wanted; round++) {
    shuffle(pool.at, pool_count, settings, epoch, SHUFFLE_POOL + round);
    replay.at = xrealloc(replay.at, (unsigned long)(room += pool_count), sizeof(Item));
    for (int i = 0; i < pool_count && (double)replay.samples < wanted; i++)
      add(&replay, pool.at[i].utterance, pool.at[i].length);
  }
  free(pool.at);
  return replay;
}

static int by_length(const void *a, const void *b) {
  const Item *x = a, *y = b;
  if (x->length != y->length) return x->length < y->length ? -1 : 1;
  return x->utterance < y->utterance ? -1 : x->utterance > y->utterance;
}

/* Sorted by length, then shuffled within each of `buckets` runs of about the same total length. */
static void bucket(Items *items, const BatchSettings *settings, int epoch, int purpose) {
  if (items->count == 0) return;
  qsort(items->at, (size_t)items->count, sizeof(Item), by_length);
  int64_t passed = 0;
  for (int start = 0, end = 0, b = 1; b <= settings->buckets; b++, start = end) {
    double limit = (double)items->samples * b / settings->buckets;
    while (end < items->count && (b == settings->buckets || (double)passed < limit))
      passed += items->at[end++].length;
    shuffle(items->at + start, end - start, settings, epoch, purpose);
  }
}

/* The two merged so that at every point both are through the same share of their audio. */
static Items merge(const Items *a, const Items *b) {
  Items all = {.at = xcalloc((unsigned long)(a->count + b->count), sizeof(Item))};
  double done_a = 0, done_b = 0;
  for (int i = 0, j = 0; i < a->count || j < b->count;) {
    if (j == b->count || (i < a->count && done_a * (double)b->samples <= done_b * (double)a->samples)) {
      done_a += (double)a->at[i].length;
      add(&all, a->at[i].utterance, a->at[i].length);
      i++;
    } else {
      done_b += (double)b->at[j].length;
      add(&all, b->at[j].utterance, b->at[j].length);
      j++;
    }
  }
  return all;
}

/* Cuts the row of items into batches of at most batch_seconds and puts the batches into random order. */
static BatchOrder cut(const Items *items, const BatchSettings *settings, int epoch) {
  BatchOrder order = {.items = xcalloc((unsigned long)items->count, sizeof(int32_t)),
                      .offsets = xcalloc((unsigned long)items->count + 1, sizeof(int32_t))};
  int *starts = xcalloc((unsigned long)items->count + 1, sizeof(int));
  double most = settings->batch_seconds * AUDIO_RATE, total = 0;
  for (int i = 0; i < items->count; i++) {
    if (i == 0 || total + (double)items->at[i].length > most) {
      starts[order.batches++] = i;
      total = 0;
    }
    total += (double)items->at[i].length;
  }
  starts[order.batches] = items->count;
  Item *turn = xcalloc((unsigned long)order.batches, sizeof(Item)); /* utterance: number of a batch */
  for (int b = 0; b < order.batches; b++) turn[b].utterance = b;
  shuffle(turn, order.batches, settings, epoch, SHUFFLE_BATCHES);
  for (int b = 0, n = 0; b < order.batches; b++) {
    for (int i = starts[turn[b].utterance]; i < starts[turn[b].utterance + 1]; i++)
      order.items[n++] = items->at[i].utterance;
    order.offsets[b + 1] = n;
  }
  free(turn);
  free(starts);
  return order;
}

BatchOrder batch_order(const int64_t *lengths, int main_count, int count, const BatchSettings *settings,
                       int epoch) {
  assert(0 <= main_count && main_count <= count && settings->batch_seconds > 0 && settings->buckets > 0);
  Items main = {.at = xcalloc((unsigned long)main_count, sizeof(Item))};
  for (int32_t i = 0; i < main_count; i++) add(&main, i, lengths[i]);
  Items replay = draw_replay(lengths, main_count, count, main.samples, settings, epoch);
  bucket(&main, settings, epoch, SHUFFLE_MAIN);
  bucket(&replay, settings, epoch, SHUFFLE_REPLAY);
  Items all = merge(&main, &replay);
  BatchOrder order = cut(&all, settings, epoch);
  free(main.at);
  free(replay.at);
  free(all.at);
  return order;
}

void batch_order_free(BatchOrder *order) {
  free(order->items);
  free(order->offsets);
  *order = (BatchOrder){0};
}
