/* The model as a whole: its gradient against finite differences with every dropout on, the same bits alone
 * and in any batch, the same bits with any number of threads, no allocation after warm-up, learning. */
#include "tests/unit/test_model.h"

#include <malloc.h>
#include <math.h>
#include <omp.h>

/* ---- counting allocations: these definitions stand before the C library's ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COUNTS_ALLOCATIONS = 0 };
static int allocations;
#else
enum { COUNTS_ALLOCATIONS = 1 };
static int allocations;
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
void *malloc(size_t size) {
  __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
  return __libc_memalign(alignment, size);
}
#endif

static const ModelTraining plain = {.seed = 3, .step = 1, .loss_scale = 1};

static const int everyone[] = {0, 1, 2, 3, 4};

static float *zeroed_gradients(Model *model) {
  float *g = model_gradients(model);
  model_backend(model)->memory_zero(model_stream(model), g, model_weight_count(model) * sizeof *g);
  return g;
}

static double train_loss(Model *model, const NoiseBatch *noise, const ModelTraining *training) {
  float nll[NOISE_UTTERANCES];
  double sum = 0;
  assert_ok(model_train_batch(model, &noise->batch, training, nll));
  for (int u = 0; u < noise->batch.U; u++) sum += nll[u];
  return sum;
}

/* Along the direction of each parameter's own gradient the loss must change by that gradient's length.
 * Dropout masks are the same each time, so they are part of the function. */
static void check_gradient(const ModelConfig *config, const ModelTraining *training) {
  Model *model;
  NoiseBatch noise;
  assert_ok(model_new(&model, config, test_backend(), 11));
  noise_batch(&noise, (const int[]){0, 1, 3, 4}, 4);
  size_t n = model_weight_count(model);
  float *g = xcalloc(n, sizeof *g), *w = xcalloc(n, sizeof *w), *moved = xcalloc(n, sizeof *moved);
  model_weights_get(model, w);
  for (size_t i = 0; i < n; i++)
    w[i] += 0.05f * (float)sin(1.7 * (double)i);       /* biases and norms off 0 and 1 */
  for (int p = 0; p < model_param_count(model); p++) { /* but the padding stays 0 */
    size_t end = model_param(model, p)->offset + model_param(model, p)->count;
    size_t next = p + 1 < model_param_count(model) ? model_param(model, p + 1)->offset : n;
    for (size_t i = end; i < next; i++) w[i] = 0;
  }
  model_weights_set(model, w);
  zeroed_gradients(model);
  train_loss(model, &noise, training);
  memcpy(g, model_gradients(model), n * sizeof *g);

  double whole = 0;
  int checked = 0;
  for (size_t i = 0; i < n; i++) whole += (double)g[i] * g[i];
  for (int p = 0; p < model_param_count(model); p++) {
    const Param *param = model_param(model, p);
    double length = 0, loss[2];
    for (size_t i = 0; i < param->count; i++) length += pow(g[param->offset + i], 2);
    length = sqrt(length);
    if (length < 1e-2 * sqrt(whole) / sqrt(model_param_count(model))) continue; /* lost in float's rounding */
    checked++;
    const double h = 5e-4; /* small: ReLU has many kinks near by */
    for (int side = 0; side < 2; side++) {
      memcpy(moved, w, n * sizeof *w);
      for (size_t i = 0; i < param->count; i++)
        moved[param->offset + i] += (float)((side ? h : -h) * g[param->offset + i] / length);
      model_weights_set(model, moved);
      loss[side] = train_loss(model, &noise, training);
    }
    double slope = (loss[1] - loss[0]) / (2 * h);
    if (!(fabs(slope - length) <= 0.03 * length + 2e-4 * sqrt(whole)))
      fail_msg("%s: gradient's length %g, finite difference %g", param->name, length, slope);
  }
  if (checked < model_param_count(model) * 3 / 4) fail_msg("only %d parameters could be checked", checked);
  free(g);
  free(w);
  free(moved);
  free(noise.samples);
  model_free(model);
}

static void test_gradient(void **state) {
  (void)state;
  ModelConfig config = small_config();
  check_gradient(&config, &plain);
  config.attention_bias = config.convolution_bias = config.scale_input = false;
  config.subsampling_factor = 8;
  check_gradient(&config, &plain);
}

static void test_gradient_with_dropout(void **state) {
  (void)state;
  ModelConfig config = small_config();
  config.dropout = config.activation_dropout = config.attention_dropout = config.dropout_positions = 0.2f;
  ModelTraining training = plain;
  training.augment =
      (SpecAugmentConfig){.freq_masks = 2, .freq_width = 10, .time_masks = 2, .time_ratio = 0.1f};
  check_gradient(&config, &training);
}

/* A layer that layer drop leaves out has no gradient; over steps each is left out about as often as asked. */
static void test_layerdrop(void **state) {
  (void)state;
  ModelConfig config = small_config();
  Model *model;
  NoiseBatch noise;
  config.num_hidden_layers = 3;
  config.layerdrop = 0.4f;
  assert_ok(model_new(&model, &config, test_backend(), 11));
  noise_batch(&noise, (const int[]){0, 4}, 2);
  int skipped[3] = {0}, steps = 200;
  for (int step = 0; step < steps; step++) {
    ModelTraining training = {.seed = 1, .step = (uint32_t)step, .loss_scale = 1};
    float *g = zeroed_gradients(model);
    train_loss(model, &noise, &training);
    for (int p = 0; p < model_param_count(model); p++) {
      int layer;
      const Param *param = model_param(model, p);
      if (sscanf(param->name, "encoder.layers.%d.norm_out.bias", &layer) != 1 ||
          !strstr(param->name, "norm_out.bias"))
        continue;
      skipped[layer] += g[param->offset] == 0 && g[param->offset + 1] == 0;
    }
  }
  for (int l = 0; l < 3; l++) assert_in_range(skipped[l], 50, 110); /* 80 expected, standard deviation 7 */
  free(noise.samples);
  model_free(model);
}

/* Trains for a few steps and returns a copy of the weights and running statistics. */
static float *trained_weights(int threads, int steps, double *last_loss, Model **out) {
  ModelConfig config = small_config();
  config.dropout = config.activation_dropout = config.attention_dropout = config.dropout_positions = 0.1f;
  config.layerdrop = 0.1f;
  Model *model;
  NoiseBatch noise;
  omp_set_num_threads(threads);
  const Backend *k = test_backend();
  assert_ok(model_new(&model, &config, k, 7));
  noise_batch(&noise, everyone, 5);
  size_t n = model_weight_count(model), bytes = n * sizeof(float);
  float *m = k->memory_new(bytes), *v = k->memory_new(bytes), *norm = k->memory_new(sizeof *norm);
  Tally *tally = k->memory_new(sizeof *tally);
  k->memory_zero(model_stream(model), tally, sizeof *tally);
  k->memory_zero(model_stream(model), m, bytes);
  k->memory_zero(model_stream(model), v, bytes);
  int count = model_param_count(model);
  AdamwSegment *segments = small_segments(model);
  for (int step = 1; step <= steps; step++) {
    ModelTraining training = {.seed = 1, .step = (uint32_t)step, .loss_scale = 0.1f};
    training.augment =
        (SpecAugmentConfig){.freq_masks = 1, .freq_width = 10, .time_masks = 1, .time_ratio = 0.1f};
    float *g = zeroed_gradients(model);
    *last_loss = train_loss(model, &noise, &training);
    AdamwConfig adamw = {.lr = 3e-3f, .beta1 = 0.9f, .beta2 = 0.98f, .eps = 1e-9f, .clip = 1};
    k->gradient_norm(model_stream(model), norm, g, segments, count);
    k->tally_step(model_stream(model), tally, norm, (TallyStepInfo){1, 1, 1});
    k->adamw_step(model_stream(model), model_weights(model), NULL, m, v, g, norm, tally, segments, count,
                  adamw);
  }
  float *weights = xcalloc(n + model_buffer_floats(model), sizeof *weights);
  model_weights_get(model, weights);
  model_buffers_get(model, weights + n);
  k->memory_free(m);
  k->memory_free(v);
  k->memory_free(norm);
  k->memory_free(tally);
  free(segments);
  free(noise.samples);
  *out = model;
  return weights;
}

static void test_training_is_deterministic(void **state) {
  (void)state;
  double loss[3];
  Model *model[3];
  float *weights[3];
  for (int run = 0; run < 3; run++)
    weights[run] = trained_weights(run == 2 ? 2 : 1, 5, &loss[run], &model[run]);
  size_t bytes = (model_weight_count(model[0]) + model_buffer_floats(model[0])) * sizeof(float);
  for (int run = 1; run < 3; run++) {
    assert_memory_equal(&loss[0], &loss[run], sizeof loss[0]);
    assert_memory_equal(weights[0], weights[run], bytes);
  }
  for (int run = 0; run < 3; run++) free(weights[run]), model_free(model[run]);
}

/* Dropout stays on: even so a model with a few thousand weights learns its five noises by heart. */
static void test_overfits_one_batch(void **state) {
  (void)state;
  double loss;
  Model *model;
  NoiseBatch noise;
  float nll[NOISE_UTTERANCES];
  float *weights = trained_weights(1, 400, &loss, &model);
  noise_batch(&noise, everyone, 5);
  ModelOutput output;
  assert_ok(model_infer(model, &noise.batch, &output, nll)); /* by the running statistics */
  for (int u = 0; u < 5; u++)
    if (!(nll[u] < 0.5)) fail_msg("utterance %d: nll %g after training (training loss %g)", u, nll[u], loss);
  size_t used = 0;
  for (int p = 0; p < model_param_count(model); p++) { /* the optimiser left the padding alone */
    const Param *param = model_param(model, p);
    for (size_t i = used; i < param->offset; i++) assert_true(weights[i] == 0);
    used = param->offset + param->count;
  }
  free(weights);
  free(noise.samples);
  model_free(model);
}

/* The bits of utterance `id` in `logits`, frames and log-probabilities must be those it had alone. */
static void test_inference_does_not_see_the_batch(void **state) {
  (void)state;
  static const int groups[][NOISE_UTTERANCES] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {3, 1},
                                                 {1, 3},          {0, 0, 3, 0},    {1, 4, 1}};
  static const int sizes[] = {5, 5, 2, 2, 4, 3};
  ModelConfig config = small_config();
  config.dropout = config.dropout_positions = config.layerdrop = 0.5f; /* off in inference */
  int V = config.vocab_size;
  double loss;
  Model *model, *other;
  float *weights = trained_weights(1, 3, &loss, &other); /* running statistics that are not 0 and 1 */
  assert_ok(model_new(&model, &config, test_backend(), 1));
  model_weights_set(model, weights);
  model_buffers_set(model, weights + model_weight_count(model));
  float *alone[NOISE_UTTERANCES], *logits = xcalloc(2000, sizeof *logits), nll[NOISE_UTTERANCES];
  float alone_nll[NOISE_UTTERANCES], *alone_best[NOISE_UTTERANCES];
  NoiseBatch noise;
  ModelOutput output;
  for (int id = 0; id < NOISE_UTTERANCES; id++) {
    noise_batch(&noise, &id, 1);
    omp_set_num_threads(1);
    assert_ok(model_infer(model, &noise.batch, &output, &alone_nll[id]));
    int T = output.frame_offsets[1];
    assert_int_equal(T, model_frames(&config, noise_samples[id]));
    alone[id] = xcalloc((unsigned long)(T * V), sizeof(float));
    alone_best[id] = xcalloc((unsigned long)(2 * T), sizeof(float));
    model_logits(model, alone[id]);
    memcpy(alone_best[id], output.best, (size_t)T * 4);
    memcpy(alone_best[id] + T, output.log_probability, (size_t)T * 4);
    free(noise.samples);
  }
  for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
    noise_batch(&noise, groups[g], sizes[g]);
    omp_set_num_threads(2);
    assert_ok(model_infer(model, &noise.batch, &output, nll));
    model_logits(model, logits);
    for (int u = 0; u < sizes[g]; u++) {
      int id = groups[g][u], start = output.frame_offsets[u], T = output.frame_offsets[u + 1] - start;
      assert_int_equal(T, model_frames(&config, noise_samples[id]));
      assert_memory_equal(logits + start * V, alone[id], (size_t)(T * V) * sizeof(float));
      assert_memory_equal(output.best + start, alone_best[id], (size_t)T * 4);
      assert_memory_equal(output.log_probability + start, alone_best[id] + T, (size_t)T * 4);
      assert_memory_equal(&nll[u], &alone_nll[id], sizeof *nll);
    }
    free(noise.samples);
  }
  for (int id = 0; id < NOISE_UTTERANCES; id++) free(alone[id]), free(alone_best[id]);
  free(logits);
  free(weights);
  model_free(model);
  model_free(other);
}

/* What greedy decoding and the loss say must follow from the logits. */
static void test_output_follows_from_logits(void **state) {
  (void)state;
  ModelConfig config = small_config();
  Model *model;
  NoiseBatch noise;
  ModelOutput output;
  float logits[1000];
  int V = config.vocab_size;
  assert_ok(model_new(&model, &config, test_backend(), 1));
  noise_batch(&noise, (const int[]){0, 1}, 2);
  float nll[2];
  assert_ok(model_infer(model, &noise.batch, &output, nll));
  model_logits(model, logits);
  double first = 0;
  for (int t = 0; t < output.frame_offsets[2]; t++) {
    int best = 0;
    double sum = 0;
    for (int c = 0; c < V; c++) {
      if (logits[t * V + c] > logits[t * V + best]) best = c;
      sum += exp(logits[t * V + c]);
    }
    assert_int_equal(output.best[t], best);
    assert_true(fabs(output.log_probability[t] - (logits[t * V + best] - log(sum))) < 1e-5);
    if (t == output.frame_offsets[1]) first = log(sum) - logits[t * V + noise.labels[noise_labels[0]]];
  }
  /* utterance 1 has one frame and one label: a single path */
  assert_int_equal(output.frame_offsets[2] - output.frame_offsets[1], 1);
  assert_true(fabs(nll[1] - first) < 1e-5);
  free(noise.samples);
  model_free(model);
}

static int backend_allocations;
static MemoryNew *real_memory_new;
static void *counted_memory_new(size_t bytes) {
  backend_allocations++;
  return real_memory_new(bytes);
}

static void test_no_allocation_after_warm_up(void **state) {
  (void)state;
  static const int orders[][NOISE_UTTERANCES] = {{0, 1, 2, 3, 4}, {3, 4}, {1}, {2, 3, 0}};
  static const int sizes[] = {5, 2, 1, 3};
  Backend counting = *test_backend();
  real_memory_new = counting.memory_new;
  counting.memory_new = counted_memory_new;
  ModelConfig config = small_config();
  config.dropout_positions = 0.1f;
  Model *model;
  NoiseBatch noise[4];
  float nll[NOISE_UTTERANCES];
  ModelOutput output;
  for (int i = 0; i < 4; i++) noise_batch(&noise[i], orders[i], sizes[i]);
  omp_set_num_threads(2);
  assert_ok(model_new(&model, &config, &counting, 1));
  assert_ok(model_reserve(model, 60000, 8, 22000, 40, true));
  int before = backend_allocations;
  for (int round = 0; round < 2; round++) {
    int start = allocations; /* in the first round the backend's scratch grows */
    for (int i = 0; i < 4; i++) {
      assert_ok(model_train_batch(model, &noise[i].batch, &plain, nll));
      assert_ok(model_infer(model, &noise[i].batch, &output, nll));
    }
    if (round == 1 && COUNTS_ALLOCATIONS) assert_int_equal(allocations - start, 0);
  }
  assert_int_equal(backend_allocations, before);
  int counts = allocations;
  free(xcalloc(100, 1)); /* the counter does count */
  if (COUNTS_ALLOCATIONS) assert_int_equal(allocations, counts + 1);
  for (int i = 0; i < 4; i++) free(noise[i].samples);
  model_free(model);
}

static void test_bad_batches(void **state) {
  (void)state;
  ModelConfig config = small_config();
  config.max_position_embeddings = 10;
  Model *model;
  NoiseBatch noise;
  float nll[1];
  assert_ok(model_new(&model, &config, test_backend(), 1));
  noise_batch(&noise, (const int[]){1}, 1);
  noise.labels[0] = config.vocab_size - 1; /* blank */
  assert_int_equal(model_train_batch(model, &noise.batch, &plain, nll), ERR_DATA);
  assert_non_null(strstr(fail_text(), "label 7"));
  noise.labels[0] = -1;
  assert_int_equal(model_train_batch(model, &noise.batch, &plain, nll), ERR_DATA);
  free(noise.samples);
  noise_batch(&noise, (const int[]){3}, 1);
  assert_int_equal(model_train_batch(model, &noise.batch, &plain, nll), ERR_DATA);
  assert_non_null(strstr(fail_text(), "max_position_embeddings"));
  free(noise.samples);

  noise_batch(&noise, (const int[]){1}, 1); /* two labels do not fit one frame */
  noise.label_offsets[1] = 2;
  assert_ok(model_train_batch(model, &noise.batch, &plain, nll));
  assert_true(isinf(nll[0]));
  assert_int_equal(*model_batches_tracked(model), 1);
  free(noise.samples);
  noise_batch(&noise, (const int[]){2}, 1); /* no frame at all, which batch norm does not see */
  assert_ok(model_train_batch(model, &noise.batch, &plain, nll));
  assert_true(nll[0] == 0);
  assert_int_equal(*model_batches_tracked(model), 1);
  free(noise.samples);
  model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_gradient_with_dropout),
      cmocka_unit_test(test_layerdrop),
      cmocka_unit_test(test_training_is_deterministic),
      cmocka_unit_test(test_overfits_one_batch),
      cmocka_unit_test(test_inference_does_not_see_the_batch),
      cmocka_unit_test(test_output_follows_from_logits),
      cmocka_unit_test(test_no_allocation_after_warm_up),
      cmocka_unit_test(test_bad_batches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
