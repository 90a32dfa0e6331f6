/* Against transformers' ParakeetForCTC: features, logits, loss, running statistics and every parameter's
 * gradient of the small random models of tests/golden/parakeet (made by make_parakeet.py), loaded from
 * transformers' own files. */
#include "tests/unit/test_model.h"

#include <math.h>

#include "src/base/file.h"
#include "src/model/model_dir.h"
#include "src/model/safetensors.h"

static const char *const cases[] = {"factor8", "factor4"};

typedef struct Golden {
  char *folder;
  Safetensors expected;
  Model *model;
  int16_t *samples;
  int64_t sample_offsets[4];
  int32_t labels[32], label_offsets[4];
  ModelBatch batch;
} Golden;

static float *golden_floats(const Golden *golden, const char *name, size_t count) {
  const Tensor *tensor = safetensors_find(&golden->expected, name);
  if (!tensor) fail_msg("no %s in %s", name, golden->expected.path);
  if ((size_t)tensor_count(tensor) != count)
    fail_msg("%s has %lld values in transformers, %zu here", name, (long long)tensor_count(tensor), count);
  float *out = xcalloc(count, sizeof *out);
  assert_ok(safetensors_floats(&golden->expected, tensor, out));
  return out;
}

static int golden_ints(const Golden *golden, const char *name, int32_t *out, int most) {
  const Tensor *tensor = safetensors_find(&golden->expected, name);
  int64_t values[64];
  int count = (int)tensor_count(tensor);
  assert_in_range(count, 0, most);
  assert_ok(safetensors_int64(&golden->expected, tensor, values));
  for (int i = 0; i < count; i++) out[i] = (int32_t)values[i];
  return count;
}

static void golden_open(Golden *golden, const char *name) {
  size_t bytes;
  *golden = (Golden){.folder = xprintf("tests/golden/parakeet/%s", name)};
  char *expected = path_join(golden->folder, "expected.safetensors");
  char *waveform = path_join(golden->folder, "waveform.s16");
  assert_ok(safetensors_open(&golden->expected, expected));
  assert_ok(file_read(waveform, 1 << 20, (char **)&golden->samples, &bytes));
  golden_ints(golden, "labels", golden->labels, 32);
  int U = golden_ints(golden, "label_offsets", golden->label_offsets, 4) - 1;
  for (int u = 0; u <= U; u++) golden->sample_offsets[u] = (int64_t)(bytes / 2) / U * u;
  golden->batch = (ModelBatch){.U = U,
                               .samples = golden->samples,
                               .sample_offsets = golden->sample_offsets,
                               .labels = golden->labels,
                               .label_offsets = golden->label_offsets};
  assert_ok(model_load(&golden->model, golden->folder, test_backend()));
  free(expected);
  free(waveform);
}

static void golden_close(Golden *golden) {
  model_free(golden->model);
  safetensors_close(&golden->expected);
  free(golden->samples);
  free(golden->folder);
}

static double norm_of(const float *x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sqrt(sum);
}

/* |got - want| <= 1e-4 |want| + 1e-7 whole, in norm. */
static void assert_agrees(const char *name, const float *got, const float *want, size_t n, double whole) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += pow((double)got[i] - want[i], 2);
  if (!(sqrt(sum) <= 1e-4 * norm_of(want, n) + 1e-7 * whole))
    fail_msg("%s: |got - want| = %g, |want| = %g, whole %g", name, sqrt(sum), norm_of(want, n), whole);
}

static void test_features(void **state) {
  Golden golden;
  golden_open(&golden, *state);
  const Backend *k = test_backend();
  FrontendConfig config = model_config(golden.model)->frontend;
  int U = golden.batch.U, T = frontend_frames(&config, golden.sample_offsets[1]);
  int32_t offsets[4];
  for (int u = 0; u <= U; u++) offsets[u] = u * T;
  size_t n = (size_t)(U * T * config.n_mels);
  float *features = xcalloc(n, sizeof *features), *want = golden_floats(&golden, "features", n);
  Frontend *frontend = k->frontend_new(&config);
  k->frontend_forward(
      model_stream(golden.model), frontend, features, golden.samples, golden.sample_offsets,
      (Rows){.U = U, .R = U * T, .T_max = T, .offsets = offsets}); /* the CPU backend's memory is ours */
  assert_agrees("features", features, want, n, norm_of(want, n));
  k->frontend_free(frontend);
  free(features);
  free(want);
  golden_close(&golden);
}

static void test_logits(void **state) {
  Golden golden;
  ModelOutput output;
  golden_open(&golden, *state);
  assert_ok(model_infer(golden.model, &golden.batch, &output, NULL));
  size_t n = (size_t)output.frame_offsets[golden.batch.U] * (size_t)model_config(golden.model)->vocab_size;
  float *logits = xcalloc(n, sizeof *logits), *want = golden_floats(&golden, "logits", n);
  model_logits(golden.model, logits);
  assert_agrees("logits", logits, want, n, norm_of(want, n));
  free(logits);
  free(want);
  golden_close(&golden);
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Truly zero: what the softmax over keys and the batch's mean take away again. */
static bool truly_zero(const char *name) {
  return ends_with(name, "self_attn.k_proj.bias") || ends_with(name, "conv.depthwise_conv.bias");
}

static void test_loss_and_gradients(void **state) {
  Golden golden;
  char name[256];
  golden_open(&golden, *state);
  Model *model = golden.model;
  int U = golden.batch.U;
  size_t n = model_weight_count(model);
  float nll[4], *want = golden_floats(&golden, "nll", (size_t)U);
  ModelTraining training = {.seed = 1, .step = 1, .loss_scale = 1};
  int64_t before = *model_batches_tracked(model);
  assert_int_equal(before, 7);
  const float *g = model_gradients(model);
  assert_ok(model_train_batch(model, &golden.batch, &training, nll));
  assert_agrees("nll", nll, want, (size_t)U, 0);
  free(want);
  assert_int_equal(*model_batches_tracked(model), before + 1);

  double whole = norm_of(g, n);
  int zeros = 0;
  for (int p = 0; p < model_param_count(model); p++) {
    const Param *param = model_param(model, p);
    snprintf(name, sizeof name, "grad.%s", param->name);
    want = golden_floats(&golden, name, param->count);
    const float *got = g + param->offset;
    if (truly_zero(param->name)) {
      zeros++;
      if (!(norm_of(got, param->count) <= 1e-6 * whole && norm_of(want, param->count) <= 1e-6 * whole))
        fail_msg("%s should be zero: %g here, %g in transformers, whole %g", name, norm_of(got, param->count),
                 norm_of(want, param->count), whole);
    } else {
      assert_true(norm_of(want, param->count) >
                  1e-3 * whole / sqrt((double)n)); /* the golden does say something */
      assert_agrees(name, got, want, param->count, whole);
    }
    free(want);
  }
  assert_int_equal(zeros, model_config(model)->attention_bias ? 4 : 0); /* two of each in two layers */

  float *buffers = xcalloc(model_buffer_floats(model), sizeof *buffers);
  model_buffers_get(model, buffers);
  for (int i = 0; i < model_buffer_count(model); i++) {
    const Param *buffer = model_buffer(model, i);
    snprintf(name, sizeof name, "after.%s", buffer->name);
    want = golden_floats(&golden, name, buffer->count);
    assert_agrees(name, buffers + buffer->offset, want, buffer->count, 0);
    free(want);
  }
  free(buffers);
  golden_close(&golden);
}

int main(void) {
  struct CMUnitTest tests[6];
  for (int i = 0; i < 2; i++) {
    void *name = (void *)cases[i];
    tests[3 * i] = (struct CMUnitTest)cmocka_unit_test_prestate(test_features, name);
    tests[3 * i + 1] = (struct CMUnitTest)cmocka_unit_test_prestate(test_logits, name);
    tests[3 * i + 2] = (struct CMUnitTest)cmocka_unit_test_prestate(test_loss_and_gradients, name);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
