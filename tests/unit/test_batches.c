/* The order of training: every utterance once, within the seconds, from seed and epoch alone, replay in its
 * share. */
#include "tests/unit/support.h"

#include <math.h>

#include "kernels/random.h"
#include "src/audio/audio.h"
#include "src/corpus/batches.h"

enum { MAIN = 1000, POOL = 300, ALL = MAIN + POOL };
static int64_t lengths[ALL]; /* 0.1 s to 20 s */

static int make_lengths(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ALL; i++) lengths[i] = 1600 + random_bits(1, i) % (20 * AUDIO_RATE);
  return 0;
}

static int64_t total(const int32_t *items, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; i++) sum += lengths[items[i]];
  return sum;
}

/* How often each utterance comes. */
static void count_items(const BatchOrder *order, int *times) {
  memset(times, 0, ALL * sizeof *times);
  assert_int_equal(order->offsets[0], 0);
  for (int b = 0; b < order->batches; b++)
    assert_true(order->offsets[b] < order->offsets[b + 1]); /* none is empty */
  for (int i = 0; i < order->offsets[order->batches]; i++) {
    assert_in_range(order->items[i], 0, ALL - 1);
    times[order->items[i]]++;
  }
}

static bool same(const BatchOrder *a, const BatchOrder *b) {
  return a->batches == b->batches &&
         !memcmp(a->offsets, b->offsets, sizeof(int32_t) * (size_t)(a->batches + 1)) &&
         !memcmp(a->items, b->items, sizeof(int32_t) * (size_t)a->offsets[a->batches]);
}

static void every_utterance_once(void **state) {
  (void)state;
  int times[ALL];
  for (int buckets = 1; buckets <= 2000; buckets = buckets * 3 + 1) {
    for (int epoch = 0; epoch < 3; epoch++) {
      BatchSettings settings = {.batch_seconds = 60, .buckets = buckets, .seed = 3};
      BatchOrder order = batch_order(lengths, MAIN, MAIN, &settings, epoch);
      count_items(&order, times);
      for (int i = 0; i < ALL; i++) assert_int_equal(times[i], i < MAIN);
      batch_order_free(&order);
    }
  }
}

static void seconds_are_kept(void **state) {
  (void)state;
  static const double seconds[] = {0.5, 5, 15, 60, 1000, 1e9};
  for (int s = 0; s < 6; s++) {
    BatchSettings settings = {.batch_seconds = seconds[s], .buckets = 8, .seed = 3, .replay = 0.2};
    BatchOrder order = batch_order(lengths, MAIN, ALL, &settings, 1);
    int64_t most = (int64_t)(seconds[s] * AUDIO_RATE);
    for (int b = 0; b < order.batches; b++) {
      int count = order.offsets[b + 1] - order.offsets[b];
      assert_true(count == 1 || total(order.items + order.offsets[b], count) <= most);
    }
    if (seconds[s] == 1e9) assert_int_equal(order.batches, 1);
    batch_order_free(&order);
  }
  /* an exact fit is one batch */
  const int64_t two[] = {AUDIO_RATE, AUDIO_RATE};
  BatchSettings settings = {.batch_seconds = 2, .buckets = 1};
  BatchOrder order = batch_order(two, 2, 2, &settings, 0);
  assert_int_equal(order.batches, 1);
  batch_order_free(&order);
}

static void batches_are_nearly_full(void **state) {
  (void)state;
  BatchSettings settings = {.batch_seconds = 100, .buckets = 8, .seed = 3};
  BatchOrder order = batch_order(lengths, MAIN, MAIN, &settings, 0);
  double hours = 0;
  for (int i = 0; i < MAIN; i++) hours += (double)lengths[i] / AUDIO_RATE;
  assert_true(hours / order.batches > 85);
  batch_order_free(&order);
}

/* With buckets a batch holds similar lengths. */
static void buckets_hold_similar_lengths(void **state) {
  (void)state;
  double spread[2];
  for (int k = 0; k < 2; k++) {
    BatchSettings settings = {.batch_seconds = 60, .buckets = k ? 10 : 1, .seed = 3};
    BatchOrder order = batch_order(lengths, MAIN, MAIN, &settings, 0);
    spread[k] = 0;
    for (int b = 0; b < order.batches; b++) {
      int64_t least = INT64_MAX, most = 0;
      for (int i = order.offsets[b]; i < order.offsets[b + 1]; i++) {
        int64_t length = lengths[order.items[i]];
        least = length < least ? length : least;
        most = length > most ? length : most;
      }
      spread[k] += (double)(most - least) / order.batches;
    }
    batch_order_free(&order);
  }
  assert_true(spread[1] < 0.3 * spread[0]);
}

static void seed_and_epoch_alone(void **state) {
  (void)state;
  BatchSettings settings = {.batch_seconds = 60, .buckets = 8, .seed = 3, .replay = 0.3}, other = settings;
  other.seed = 4;
  BatchOrder a = batch_order(lengths, MAIN, ALL, &settings, 5),
             b = batch_order(lengths, MAIN, ALL, &settings, 6),
             c = batch_order(lengths, MAIN, ALL, &other, 5),
             again = batch_order(lengths, MAIN, ALL, &settings, 5);
  assert_true(same(&a, &again));
  assert_false(same(&a, &b));
  assert_false(same(&a, &c));
  assert_false(same(&b, &c));
  /* the place in an epoch says nothing: the first item differs from epoch to epoch */
  int changed = 0;
  for (int epoch = 0; epoch < 20; epoch++) {
    BatchOrder order = batch_order(lengths, MAIN, ALL, &settings, epoch);
    changed += order.items[0] != a.items[0];
    batch_order_free(&order);
  }
  assert_in_range(changed, 15, 19);
  batch_order_free(&a), batch_order_free(&b), batch_order_free(&c), batch_order_free(&again);
}

/* The very numbers: a change of the generator or of the order is a change of every run. */
static void the_order_is_known(void **state) {
  (void)state;
  static const int64_t few[] = {16000, 32000, 48000, 64000, 80000, 96000, 16000, 16000};
  static const int32_t items[] = {4, 5, 3, 0, 2, 1}, offsets[] = {0, 1, 2, 4, 6};
  BatchSettings settings = {.batch_seconds = 6, .buckets = 2, .seed = 7};
  BatchOrder order = batch_order(few, 6, 6, &settings, 2);
  assert_int_equal(order.batches, 4);
  assert_memory_equal(order.items, items, sizeof items);
  assert_memory_equal(order.offsets, offsets, sizeof offsets);
  batch_order_free(&order);
}

static void replay_has_its_share(void **state) {
  (void)state;
  int times[ALL];
  int64_t main_samples = 0, longest = 0, pool = 0;
  for (int i = 0; i < MAIN; i++) main_samples += lengths[i];
  for (int i = MAIN; i < ALL; i++) pool += lengths[i], longest = lengths[i] > longest ? lengths[i] : longest;
  for (int k = 0; k <= 4; k++) {
    double replay = (double[]){0, 0.01, 0.1, 0.5, 2}[k];
    BatchSettings settings = {.batch_seconds = 60, .buckets = 4, .seed = 3, .replay = replay};
    BatchOrder order = batch_order(lengths, MAIN, ALL, &settings, 2);
    int64_t replayed = total(order.items, order.offsets[order.batches]) - main_samples;
    double wanted = replay * (double)main_samples;
    assert_true((double)replayed >= wanted && (double)replayed <= wanted + (double)longest);
    count_items(&order, times);
    int rounds = (int)(wanted / (double)pool); /* nothing comes twice before all came once */
    for (int i = 0; i < MAIN; i++) assert_int_equal(times[i], 1);
    for (int i = MAIN; i < ALL; i++) assert_in_range(times[i], rounds, rounds + 1);
    batch_order_free(&order);
  }
}

/* Drawn anew each epoch, and mixed in evenly: at any length of utterance the share is the same. */
static void replay_is_mixed_in(void **state) {
  (void)state;
  int a[ALL], b[ALL], shared = 0, drawn = 0;
  BatchSettings settings = {.batch_seconds = 60, .buckets = 4, .seed = 3, .replay = 0.1};
  BatchOrder order = batch_order(lengths, MAIN, ALL, &settings, 0);
  count_items(&order, a);
  int with = 0;
  for (int x = 0; x < order.batches; x++) {
    bool any = false;
    for (int i = order.offsets[x]; i < order.offsets[x + 1]; i++) any |= order.items[i] >= MAIN;
    with += any;
  }
  assert_true(with > order.batches / 3); /* not together in a few */
  batch_order_free(&order);
  order = batch_order(lengths, MAIN, ALL, &settings, 1);
  count_items(&order, b);
  for (int i = MAIN; i < ALL; i++) drawn += a[i], shared += a[i] && b[i];
  assert_true(drawn > 50 && shared < drawn * 2 / 3);
  batch_order_free(&order);
}

static void edges(void **state) {
  (void)state;
  BatchSettings settings = {.batch_seconds = 60, .buckets = 4, .seed = 3, .replay = 0.5};
  BatchOrder order = batch_order(lengths, 0, 0, &settings, 0);
  assert_int_equal(order.batches, 0);
  batch_order_free(&order);
  order = batch_order(lengths, 1, 1, &settings, 0); /* replay from an empty pool */
  assert_int_equal(order.batches, 1);
  assert_int_equal(order.items[0], 0);
  batch_order_free(&order);
  assert_null(order.items);
  batch_order_free(&order); /* again */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_utterance_once),
      cmocka_unit_test(seconds_are_kept),
      cmocka_unit_test(batches_are_nearly_full),
      cmocka_unit_test(buckets_hold_similar_lengths),
      cmocka_unit_test(seed_and_epoch_alone),
      cmocka_unit_test(the_order_is_known),
      cmocka_unit_test(replay_has_its_share),
      cmocka_unit_test(replay_is_mixed_in),
      cmocka_unit_test(edges),
  };
  return cmocka_run_group_tests(tests, make_lengths, NULL);
}
