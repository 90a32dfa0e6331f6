/* Configurations: config.json, preprocessor_config.json, presets and single settings; what is wrong is named.
 */
#include "tests/unit/test_model.h"

#include "src/model/config.h"
#include "src/model/conformer.h"
#include "src/model/preset.h"

static void put(const char *name, const char *text) {
  assert_ok(file_write(in_folder(name), text, strlen(text)));
}

static const char good_features[] =
    "{\"feature_extractor_type\": \"ParakeetFeatureExtractor\", \"feature_size\": 80, "
    "\"hop_length\": 160, \"n_fft\": 512, \"win_length\": 400, \"preemphasis\": 0.97, "
    "\"sampling_rate\": 16000}";

/* config.json around an encoder_config and further top-level keys. */
static void put_config(const char *top, const char *encoder) {
  char text[2000];
  snprintf(text, sizeof text, "{\"model_type\": \"parakeet_ctc\", %s \"encoder_config\": {%s}}", top,
           encoder);
  put("config.json", text);
}

static void test_round_trip(void **state) {
  (void)state;
  ModelConfig config, read = {0};
  memset(&config, 0, sizeof config); /* padding too: compared as memory */
  ModelConfig small = small_config();
  memcpy(&config, &small, sizeof small);
  config.dropout = 0.15f;
  config.attention_bias = config.scale_input = config.ctc_zero_infinity = false;
  config.frontend.n_mels = 64;
  assert_ok(config_write(&config, test_folder));
  assert_ok(config_read(&read, test_folder));
  assert_memory_equal(&read.frontend, &config.frontend, sizeof config.frontend);
  assert_int_equal(read.hidden_size, 16);
  assert_int_equal(read.vocab_size, 8);
  assert_int_equal(read.subsampling_factor, 4);
  assert_int_equal(read.max_position_embeddings, 5000);
  assert_true(read.dropout == 0.15f && read.initializer_range == 0.02f);
  assert_false(read.attention_bias || read.scale_input || read.ctc_zero_infinity);
  assert_true(read.convolution_bias);
}

static void test_defaults_are_transformers(void **state) {
  (void)state;
  ModelConfig read, defaults = model_config_default();
  put_config("", "\"hidden_size\": 64, \"extra\": [1]"); /* keys of other versions are of no concern */
  put("preprocessor_config.json", good_features);
  assert_ok(config_read(&read, test_folder));
  assert_int_equal(read.hidden_size, 64);
  assert_int_equal(read.num_hidden_layers, 24);
  assert_int_equal(read.vocab_size, 1025);
  assert_true(read.layerdrop == defaults.layerdrop && read.layerdrop == 0.1f);
}

static void test_bad_json(void **state) {
  (void)state;
  static const struct {
    const char *top, *encoder, *words;
  } bad[] = {
      {"", "\"hidden_size\": \"64\"", "hidden_size must be a whole number"},
      {"", "\"hidden_size\": 64.5", "hidden_size must be a whole number"},
      {"", "\"hidden_size\": 99999999999", "hidden_size is 1e+11; it must be between"},
      {"", "\"hidden_size\": 99999999999999999999", "config.json:1:"},
      {"", "\"hidden_size\": 63", "must be even"},
      {"", "\"num_attention_heads\": 0", "num_attention_heads is 0"},
      {"", "\"num_attention_heads\": 3", "not a multiple of num_attention_heads"},
      {"", "\"num_key_value_heads\": 4", "num_key_value_heads must be 8"},
      {"", "\"head_dim\": 64", "head_dim must be 128"},
      {"", "\"conv_kernel_size\": 8", "conv_kernel_size is 8; it must be odd"},
      {"", "\"subsampling_factor\": 6", "subsampling_factor is 6; it must be a power of two"},
      {"", "\"subsampling_conv_stride\": 3", "subsampling_conv_stride is 3; only 2 is supported"},
      {"", "\"subsampling_conv_kernel_size\": 4", "subsampling_conv_kernel_size is 4; it must be odd"},
      {"", "\"num_mel_bins\": 84", "feature_size is 80, but num_mel_bins in config.json is 84"},
      {"", "\"dropout\": 1", "dropout is 1"},
      {"", "\"dropout\": -0.1", "dropout is -0.1"},
      {"", "\"attention_bias\": 1", "attention_bias must be true or false"},
      {"", "\"hidden_act\": \"relu\"", "hidden_act must be \"silu\""},
      {"", "\"hidden_size\": 64, \"hidden_size\": 64", "config.json:1:"},
      {"\"pad_token_id\": 0,", "", "pad_token_id must be 1024"},
      {"\"vocab_size\": 1,", "", "vocab_size is 1"},
      {"\"model_type\": \"parakeet_tdt\",", "", "config.json"},
  };
  ModelConfig read;
  put("preprocessor_config.json", good_features);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    put_config(bad[i].top, bad[i].encoder);
    assert_fails(config_read(&read, test_folder), ERR_DATA, bad[i].words);
    assert_non_null(strstr(fail_text(), test_folder)); /* the file is named */
  }
  put("config.json", "{\"model_type\": \"parakeet_tdt\", \"encoder_config\": {}}");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "model_type must be \"parakeet_ctc\"");
  put("config.json", "{\"encoder_config\": {}}");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "model_type is missing");
  put("config.json", "{\"model_type\": \"parakeet_ctc\"}");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "encoder_config is missing");
  put("config.json", "[]");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "not a JSON object");
  put("config.json", "{\"model_type\": ");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "config.json:1:");
  put_config("", "");
  put("preprocessor_config.json", "{\"sampling_rate\": 8000}");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "sampling_rate is 8000; only 16000 is supported");
  put("preprocessor_config.json", "{\"win_length\": 600}");
  assert_fails(config_read(&read, test_folder), ERR_DATA, "at least win_length 600");
  unlink(in_folder("preprocessor_config.json"));
  assert_fails(config_read(&read, test_folder), ERR_IO, "preprocessor_config.json");
}

static void test_settings(void **state) {
  (void)state;
  ModelConfig config = model_config_default();
  assert_ok(model_config_set(&config, "hidden_size", "144"));
  assert_ok(model_config_set(&config, "dropout", "0.25"));
  assert_ok(model_config_set(&config, "scale_input", "false"));
  assert_int_equal(config.hidden_size, 144);
  assert_true(config.dropout == 0.25f && !config.scale_input);
  assert_fails(model_config_set(&config, "hiden_size", "144"), ERR_USAGE, "hiden_size");
  assert_fails(model_config_set(&config, "hidden_size", "12x"), ERR_USAGE, "whole number");
  assert_fails(model_config_set(&config, "hidden_size", "12.5"), ERR_USAGE, "whole number");
  assert_fails(model_config_set(&config, "hidden_size", ""), ERR_USAGE, "whole number");
  assert_fails(model_config_set(&config, "dropout", "nan"), ERR_USAGE, "dropout");
  assert_fails(model_config_set(&config, "scale_input", "yes"), ERR_USAGE, "true or false");
  assert_int_equal(config.hidden_size, 144);
}

static void test_bad_presets(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"hidden_size: 144\nhidden_siez: 3\n", "preset.yaml:2: the model has no setting 'hidden_siez'"},
      {"hidden_size: 144\nhidden_size: 3\n", "preset.yaml:2: hidden_size is given twice"},
      {"hidden_size: [1, 2]\n", "preset.yaml:1: a value must be"},
      {"- hidden_size\n", "preset.yaml:1: expected one mapping"},
      {"", "expected one mapping"},
      {"hidden_size: 144\n---\nhidden_size: 144\n", "expected one mapping"},
      {"hidden_size: &a 144\ndropout: *a\n", "preset.yaml:2: a value must be"},
      {"hidden_size: 'x\n", "preset.yaml:"},
      {"? [a]\n: 3\n", "expected `key: value`"},
      {"hidden_size: 145\n", "preset.yaml: hidden_size is 145"},
  };
  ModelConfig config;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    put("preset.yaml", bad[i][0]);
    assert_fails(preset_read(&config, in_folder("preset.yaml")), ERR_DATA, bad[i][1]);
  }
}

static void test_presets(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int hidden, layers, heads, inner, kernel, factor;
    double least, most; /* millions of parameters without the vocabulary */
  } presets[] = {
      {"demo", 128, 3, 4, 256, 15, 4, 0.8, 1.0},
      {"s", 144, 16, 4, 576, 31, 4, 8, 10.5},
      {"m", 256, 16, 4, 1024, 31, 4, 25, 31},
      {"l", 512, 17, 8, 2048, 31, 4, 110, 122},
      {"fastconformer-l", 512, 17, 8, 2048, 9, 8, 105, 120},
      {"fastconformer-xl", 1024, 24, 8, 4096, 9, 8, 590, 630},
  };
  for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
    ModelConfig config;
    char path[100];
    snprintf(path, sizeof path, "recipes/presets/%s.yaml", presets[i].name);
    assert_ok(preset_read(&config, path));
    assert_int_equal(config.hidden_size, presets[i].hidden);
    assert_int_equal(config.num_hidden_layers, presets[i].layers);
    assert_int_equal(config.num_attention_heads, presets[i].heads);
    assert_int_equal(config.intermediate_size, presets[i].inner);
    assert_int_equal(config.conv_kernel_size, presets[i].kernel);
    assert_int_equal(config.subsampling_factor, presets[i].factor);
    Params params = {0}, buffers = {0};
    Conformer conformer = conformer_build(&params, &buffers, &config);
    double millions = 0;
    for (int p = 0; p < params.count; p++) millions += (double)params.items[p].count / 1e6;
    millions -= (double)params.items[params_find(&params, "ctc_head.weight")].count / 1e6;
    if (!(millions >= presets[i].least && millions <= presets[i].most))
      fail_msg("%s has %.2f million parameters", presets[i].name, millions);
    conformer_free(&conformer);
    params_free(&params);
    params_free(&buffers);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_defaults_are_transformers),
      cmocka_unit_test(test_bad_json),    cmocka_unit_test(test_settings),
      cmocka_unit_test(test_bad_presets), cmocka_unit_test(test_presets),
  };
  return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
