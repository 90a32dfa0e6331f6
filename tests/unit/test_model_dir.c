/* Model directories: what is saved loads to the same bits, transfer to another vocabulary, replacing,
 * refusals. */
#include "tests/unit/test_model.h"

#include <dirent.h>

#include "src/model/config.h"
#include "src/model/model_dir.h"
#include "src/model/safetensors.h"

static int entries(const char *path) {
  int count = -2; /* "." and ".." */
  DIR *dir = opendir(path);
  assert_non_null(dir);
  while (readdir(dir)) count++;
  closedir(dir);
  return count;
}

static Model *fresh(int vocabulary, uint64_t seed) {
  ModelConfig config = small_config();
  Model *model;
  config.vocab_size = vocabulary;
  assert_ok(model_new(&model, &config, test_backend(), seed));
  return model;
}

static float *all_values(Model *model) {
  float *values = xcalloc(model_weight_count(model) + model_buffer_floats(model), sizeof *values);
  model_weights_get(model, values);
  model_buffers_get(model, values + model_weight_count(model));
  return values;
}

static void assert_same_model(Model *a, Model *b) {
  float *x = all_values(a), *y = all_values(b);
  assert_int_equal(model_weight_count(a), model_weight_count(b));
  assert_memory_equal(x, y, (model_weight_count(a) + model_buffer_floats(a)) * sizeof *x);
  assert_int_equal(*model_batches_tracked(a), *model_batches_tracked(b));
  free(x);
  free(y);
}

static void test_save_and_load(void **state) {
  (void)state;
  Model *model = fresh(8, 1), *loaded, *second = fresh(8, 2);
  NoiseBatch noise;
  float nll[3];
  ModelTraining training = {.seed = 1, .step = 1, .loss_scale = 1};
  noise_batch(&noise, (const int[]){0, 3, 4}, 3);
  assert_ok(model_train_batch(model, &noise.batch, &training, nll)); /* running statistics of its own */
  assert_int_equal(*model_batches_tracked(model), 1);
  assert_ok(file_write(in_folder("vocabulary.json"), "{\"any\": 1}", 10));

  assert_ok(model_save(model, in_folder("model"), in_folder("vocabulary.json")));
  assert_int_equal(entries(in_folder("model")), 4);
  assert_ok(model_load(&loaded, in_folder("model"), test_backend()));
  assert_same_model(model, loaded);
  assert_int_equal(model_config(loaded)->vocab_size, 8);
  model_free(loaded);

  /* replaced by another, with a slash, by way of a link; the tokeniser comes from the directory itself */
  assert_int_equal(symlink("model", in_folder("link")), 0);
  assert_ok(model_save(second, in_folder("link/"), in_folder("model/tokenizer.json")));
  assert_ok(model_load(&loaded, in_folder("model"), test_backend()));
  assert_same_model(second, loaded);
  char *text;
  assert_ok(file_read(in_folder("model/tokenizer.json"), 100, &text, NULL));
  assert_string_equal(text, "{\"any\": 1}");
  assert_int_equal(entries(test_folder), 3); /* model, link, vocabulary.json: nothing left over */
  free(text);
  free(noise.samples);
  model_free(loaded);
  model_free(second);
  model_free(model);
}

/* What a killed run left behind is in nobody's way. */
static void test_leftovers(void **state) {
  (void)state;
  Model *model = fresh(8, 1), *loaded;
  assert_ok(folder_make(in_folder("left.jargon-new")));
  assert_ok(file_write(in_folder("left.jargon-new/model.safetensors"), "half", 4));
  assert_ok(model_save(model, in_folder("left"), NULL));
  assert_ok(model_load(&loaded, in_folder("left"), test_backend()));
  assert_int_equal(access(in_folder("left.jargon-new"), F_OK), -1);
  model_free(loaded);
  model_free(model);
}

static void test_refuses_to_replace(void **state) {
  (void)state;
  Model *model = fresh(8, 1);
  assert_ok(folder_make(in_folder("home")));
  assert_ok(file_write(in_folder("home/thesis.txt"), "x", 1));
  assert_int_equal(model_save(model, in_folder("home"), NULL), ERR_USAGE);
  assert_non_null(strstr(fail_text(), "not a model directory"));
  assert_int_equal(access(in_folder("home/thesis.txt"), F_OK), 0);
  assert_ok(folder_make(in_folder("empty")));
  assert_ok(model_save(model, in_folder("empty"), NULL));
  assert_int_equal(model_save(model, in_folder("other"), in_folder("no-such-tokenizer")), ERR_IO);
  assert_int_equal(access(in_folder("other"), F_OK), -1);
  model_free(model);
}

static void test_transfer_to_another_vocabulary(void **state) {
  (void)state;
  Model *model = fresh(8, 1), *target = fresh(11, 2), *before = fresh(11, 2);
  char *left;
  assert_ok(model_save(model, in_folder("source"), NULL));
  assert_int_equal(model_load_weights(target, in_folder("source"), NULL), ERR_DATA);
  assert_non_null(
      strstr(fail_text(), "ctc_head.weight has the shape (8, 16, 1); the configuration needs (11, 16, 1)"));
  assert_same_model(target, before); /* a refusal changes nothing */
  assert_ok(model_load_weights(target, in_folder("source"), &left));
  assert_string_equal(left, "ctc_head.weight\nctc_head.bias\n");
  float *got = all_values(target), *want = all_values(model), *own = all_values(before);
  for (int p = 0; p < model_param_count(target); p++) {
    const Param *param = model_param(target, p);
    const float *from = strncmp(param->name, "ctc_head", 8) == 0 ? own : want;
    assert_memory_equal(got + param->offset, from + param->offset, param->count * sizeof *got);
  }
  free(left);
  free(got);
  free(want);
  free(own);
  model_free(model);
  model_free(target);
  model_free(before);
}

/* Rewrites source/model.safetensors with one tensor renamed, reshaped, of another type or dropped. */
static void spoil(const char *name, const char *rename, int type, bool reshape) {
  Safetensors file;
  assert_ok(safetensors_open(&file, in_folder("source/model.safetensors")));
  Tensor *tensors = xcalloc((unsigned long)file.count, sizeof *tensors);
  int count = 0;
  for (int i = 0; i < file.count; i++) {
    const Tensor *from = &file.tensors[i];
    Tensor *to = &tensors[count];
    *to = *from;
    void *data = xcalloc((unsigned long)tensor_count(from) + 1, 8);
    to->data = data;
    if (from->type == TENSOR_I64)
      assert_ok(safetensors_int64(&file, from, data));
    else
      assert_ok(safetensors_floats(&file, from, data));
    if (strcmp(from->name, name) == 0) {
      if (!rename) { /* dropped */
        free(data);
        *to = (Tensor){0};
        continue;
      }
      to->name = (char *)rename;
      to->type = (TensorType)type;
      if (reshape) to->shape[to->ndim++] = 1;
    }
    count++;
  }
  assert_ok(safetensors_write(in_folder("source/model.safetensors"), tensors, count));
  for (int i = 0; i < file.count; i++) free((void *)tensors[i].data);
  free(tensors);
  safetensors_close(&file);
}

static void test_bad_weights(void **state) {
  (void)state;
  static const struct {
    const char *name, *rename;
    int type;
    bool reshape;
    const char *words;
  } bad[] = {
      {"ctc_head.bias", NULL, 0, false, "tensor ctc_head.bias is missing"},
      {"encoder.layers.1.conv.norm.running_var", NULL, 0, false, "running_var is missing"},
      {"ctc_head.bias", "ctc_head.bios", TENSOR_F32, false, "tensor ctc_head.bias is missing"},
      {"encoder.layers.0.conv.norm.num_batches_tracked", "extra", TENSOR_I64, false,
       "tensor extra has no place"},
      {"encoder.layers.0.norm_out.bias", "encoder.layers.0.norm_out.bias", TENSOR_F32, true,
       "norm_out.bias has the shape (16, 1); the configuration needs (16)"},
      {"encoder.layers.0.norm_out.bias", "encoder.layers.0.norm_out.bias", TENSOR_I64, false,
       "norm_out.bias must be F32, F16 or BF16"},
      {"encoder.layers.0.conv.norm.num_batches_tracked", "encoder.layers.0.conv.norm.num_batches_tracked",
       TENSOR_F32, false, "num_batches_tracked must be I64"},
  };
  Model *model = fresh(8, 1), *loaded, *other = fresh(8, 2), *before = fresh(8, 2);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_ok(model_save(model, in_folder("source"), NULL));
    spoil(bad[i].name, bad[i].rename, bad[i].type, bad[i].reshape);
    assert_int_equal(model_load(&loaded, in_folder("source"), test_backend()), ERR_DATA);
    if (!strstr(fail_text(), bad[i].words)) fail_msg("'%s' does not say '%s'", fail_text(), bad[i].words);
    assert_non_null(strstr(fail_text(), "source/model.safetensors"));
    assert_int_equal(model_load_weights(other, in_folder("source"), NULL), ERR_DATA);
    assert_same_model(other, before); /* a refusal changes nothing */
  }
  /* a configuration of terabytes beside small weights: refused before memory is taken */
  ModelConfig config = small_config();
  config.hidden_size = 16384;
  config.intermediate_size = 65536;
  config.num_hidden_layers = 1000;
  assert_ok(model_save(model, in_folder("source"), NULL));
  assert_ok(config_write(&config, in_folder("source")));
  assert_int_equal(model_load(&loaded, in_folder("source"), test_backend()), ERR_DATA);
  assert_non_null(strstr(fail_text(), "has the shape"));
  assert_int_equal(model_load(&loaded, in_folder("nowhere"), test_backend()), ERR_IO);
  model_free(before);
  model_free(other);
  model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_save_and_load),      cmocka_unit_test(test_leftovers),
      cmocka_unit_test(test_refuses_to_replace), cmocka_unit_test(test_transfer_to_another_vocabulary),
      cmocka_unit_test(test_bad_weights),
  };
  return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
