#include "src/model/config.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"

enum { JSON_LIMIT = 1 << 20 }; /* bytes of a configuration file */

/* config.json, its encoder_config, preprocessor_config.json */
typedef enum Section { TOP, ENCODER, FEATURES } Section;
typedef enum Kind { INT, BOOL, FLOAT } Kind;

typedef struct Field {
  Section section;
  Kind kind;
  const char *name;
  size_t offset;
  double min, max;
} Field;

#define FIELD(section, kind, name, member, min, max)                                                         \
  { section, kind, name, offsetof(ModelConfig, member), min, max }
static const Field fields[] = {
    FIELD(ENCODER, INT, "hidden_size", hidden_size, 2, 16384),
    FIELD(ENCODER, INT, "num_hidden_layers", num_hidden_layers, 1, 1000),
    FIELD(ENCODER, INT, "num_attention_heads", num_attention_heads, 1, 1024),
    FIELD(ENCODER, INT, "intermediate_size", intermediate_size, 1, 65536),
    FIELD(ENCODER, BOOL, "attention_bias", attention_bias, 0, 1),
    FIELD(ENCODER, BOOL, "convolution_bias", convolution_bias, 0, 1),
    FIELD(ENCODER, BOOL, "scale_input", scale_input, 0, 1),
    FIELD(ENCODER, INT, "conv_kernel_size", conv_kernel_size, 1, 1023),
    FIELD(ENCODER, INT, "subsampling_factor", subsampling_factor, 2, 16),
    FIELD(ENCODER, INT, "subsampling_conv_channels", subsampling_conv_channels, 1, 4096),
    FIELD(ENCODER, INT, "subsampling_conv_kernel_size", subsampling_conv_kernel_size, 1, 15),
    FIELD(ENCODER, INT, "subsampling_conv_stride", subsampling_conv_stride, 2, 2),
    FIELD(ENCODER, INT, "num_mel_bins", frontend.n_mels, 1, 512),
    FIELD(ENCODER, INT, "max_position_embeddings", max_position_embeddings, 1, 65535),
    FIELD(ENCODER, FLOAT, "dropout", dropout, 0, 0.999),
    FIELD(ENCODER, FLOAT, "dropout_positions", dropout_positions, 0, 0.999),
    FIELD(ENCODER, FLOAT, "layerdrop", layerdrop, 0, 0.999),
    FIELD(ENCODER, FLOAT, "activation_dropout", activation_dropout, 0, 0.999),
    FIELD(ENCODER, FLOAT, "attention_dropout", attention_dropout, 0, 0.999),
    FIELD(ENCODER, FLOAT, "initializer_range", initializer_range, 0, 10),
    FIELD(TOP, INT, "vocab_size", vocab_size, 2, 1 << 20),
    FIELD(TOP, BOOL, "ctc_zero_infinity", ctc_zero_infinity, 0, 1),
    FIELD(FEATURES, INT, "feature_size", frontend.n_mels, 1, 512),
    FIELD(FEATURES, INT, "sampling_rate", frontend.sample_rate, 16000, 16000),
    FIELD(FEATURES, INT, "n_fft", frontend.n_fft, 2, 8192),
    FIELD(FEATURES, INT, "win_length", frontend.win_length, 1, 8192),
    FIELD(FEATURES, INT, "hop_length", frontend.hop_length, 1, 8192),
    FIELD(FEATURES, FLOAT, "preemphasis", frontend.preemphasis, 0, 1),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

ModelConfig model_config_default(void) {
  return (ModelConfig){
      .frontend = {.sample_rate = 16000,
                   .n_fft = 512,
                   .win_length = 400,
                   .hop_length = 160,
                   .n_mels = 80,
                   .preemphasis = 0.97f},
      .hidden_size = 1024,
      .num_hidden_layers = 24,
      .num_attention_heads = 8,
      .intermediate_size = 4096,
      .attention_bias = true,
      .convolution_bias = true,
      .scale_input = true,
      .conv_kernel_size = 9,
      .subsampling_factor = 8,
      .subsampling_conv_channels = 256,
      .subsampling_conv_kernel_size = 3,
      .subsampling_conv_stride = 2,
      .max_position_embeddings = 5000,
      .dropout = 0.1f,
      .layerdrop = 0.1f,
      .activation_dropout = 0.1f,
      .attention_dropout = 0.1f,
      .initializer_range = 0.02f,
      .vocab_size = 1025,
      .ctc_zero_infinity = true,
  };
}

static double field_get(const ModelConfig *config, const Field *field) {
  const void *at = (const char *)config + field->offset;
  switch (field->kind) {
  case INT:
    return *(const int *)at;
  case BOOL:
    return *(const bool *)at;
  case FLOAT:
    return *(const float *)at;
  }
  return 0;
}

static Status field_put(ModelConfig *config, const Field *field, double value) {
  void *at = (char *)config + field->offset;
  if (!(value >= field->min && value <= field->max))
    return field->min == field->max
               ? fail(ERR_DATA, "%s is %.7g; only %.7g is supported", field->name, value, field->min)
               : fail(ERR_DATA, "%s is %.7g; it must be between %.7g and %.7g", field->name, value,
                      field->min, field->max);
  switch (field->kind) {
  case INT:
    *(int *)at = (int)value;
    break;
  case BOOL:
    *(bool *)at = value != 0;
    break;
  case FLOAT:
    *(float *)at = (float)value;
    break;
  }
  return OK;
}

/* What the fields must be together. */
Status model_config_check(const ModelConfig *config) {
  for (int i = 0; i < FIELDS; i++) {
    ModelConfig scratch = *config;
    Status status = field_put(&scratch, &fields[i], field_get(config, &fields[i]));
    if (status != OK) return status;
  }
  if (config->hidden_size % 2)
    return fail(ERR_DATA, "hidden_size is %d; it must be even", config->hidden_size);
  if (config->hidden_size % config->num_attention_heads)
    return fail(ERR_DATA, "hidden_size %d is not a multiple of num_attention_heads %d", config->hidden_size,
                config->num_attention_heads);
  if (config->conv_kernel_size % 2 == 0)
    return fail(ERR_DATA, "conv_kernel_size is %d; it must be odd", config->conv_kernel_size);
  if (config->subsampling_conv_kernel_size % 2 == 0)
    return fail(ERR_DATA, "subsampling_conv_kernel_size is %d; it must be odd",
                config->subsampling_conv_kernel_size);
  if (config->subsampling_factor & (config->subsampling_factor - 1))
    return fail(ERR_DATA, "subsampling_factor is %d; it must be a power of two", config->subsampling_factor);
  if (config->frontend.n_mels % config->subsampling_factor)
    return fail(ERR_DATA, "num_mel_bins %d is not a multiple of subsampling_factor %d",
                config->frontend.n_mels, config->subsampling_factor);
  if (config->frontend.win_length > config->frontend.n_fft || config->frontend.n_fft % 2)
    return fail(ERR_DATA, "n_fft %d must be even and at least win_length %d", config->frontend.n_fft,
                config->frontend.win_length);
  return OK;
}

Status model_config_set(ModelConfig *config, const char *key, const char *value) {
  for (int i = 0; i < FIELDS; i++) {
    const Field *field = &fields[i];
    if (strcmp(field->name, key) != 0) continue;
    double number = 0;
    char *end = NULL;
    if (field->kind == BOOL) {
      bool yes = strcmp(value, "true") == 0;
      if (!yes && strcmp(value, "false") != 0)
        return fail(ERR_USAGE, "%s is '%s'; it must be true or false", key, value);
      number = yes;
    } else {
      number = strtod(value, &end);
      if (end == value || *end || (field->kind == INT && number != floor(number)))
        return fail(ERR_USAGE, "%s is '%s'; it must be %s", key, value,
                    field->kind == INT ? "a whole number" : "a number");
    }
    return field_put(config, field, number) == OK ? OK : ERR_USAGE;
  }
  return fail(ERR_USAGE,
              "the model has no setting '%s'; the settings are those of transformers' ParakeetForCTC, "
              "for example hidden_size, num_hidden_layers, conv_kernel_size, dropout",
              key);
}

void model_config_print(const ModelConfig *config, FILE *stream) {
  for (int i = 0; i < FIELDS; i++) {
    double value = field_get(config, &fields[i]);
    if (fields[i].kind == BOOL)
      fprintf(stream, "%s: %s\n", fields[i].name, value != 0 ? "true" : "false");
    else
      fprintf(stream, "%s: %.9g\n", fields[i].name, value);
  }
}

/* Reading. A field that is absent keeps transformers' default; a key that is not in the table does not touch
 * the arithmetic of the CTC model, except those that expect_*() name. */

static Status section_read(ModelConfig *config, Section section, const json_t *object) {
  for (int i = 0; i < FIELDS; i++) {
    const Field *field = &fields[i];
    const json_t *value = json_object_get(object, field->name);
    if (field->section != section || !value) continue;
    bool right = field->kind == BOOL  ? json_is_boolean(value)
                 : field->kind == INT ? json_is_integer(value)
                                      : json_is_number(value);
    if (!right)
      return fail(ERR_DATA, "%s must be %s", field->name,
                  field->kind == BOOL  ? "true or false"
                  : field->kind == INT ? "a whole number"
                                       : "a number");
    double number = field->kind == BOOL ? json_is_true(value) : json_number_value(value);
    Status status = field_put(config, field, number);
    if (status != OK) return status;
  }
  return OK;
}

/* A key that, where present, must have one value because no other is implemented. */
static Status expect_text(const json_t *object, const char *key, const char *only) {
  const json_t *value = json_object_get(object, key);
  if (!value) return OK;
  if (!json_is_string(value) || strcmp(json_string_value(value), only) != 0)
    return fail(ERR_DATA, "%s must be \"%s\"; nothing else is supported", key, only);
  return OK;
}

static Status expect_number(const json_t *object, const char *key, int only) {
  const json_t *value = json_object_get(object, key);
  if (!value) return OK;
  if (!json_is_integer(value) || json_integer_value(value) != only)
    return fail(ERR_DATA, "%s must be %d; nothing else is supported", key, only);
  return OK;
}

static Status json_read(json_t **out, const char *path) {
  char *text = NULL;
  size_t size = 0;
  json_error_t error;
  Status status = file_read(path, JSON_LIMIT, &text, &size);
  if (status != OK) return status;
  *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  free(text);
  if (!*out) return fail(ERR_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text);
  if (json_is_object(*out)) return OK;
  json_decref(*out);
  *out = NULL;
  return fail(ERR_DATA, "%s is not a JSON object", path);
}

static Status main_read(ModelConfig *config, const json_t *root) {
  Status status = OK;
  const json_t *encoder = json_object_get(root, "encoder_config");
  if (!json_object_get(root, "model_type")) TRY(fail(ERR_DATA, "model_type is missing"));
  TRY(expect_text(root, "model_type", "parakeet_ctc"));
  if (!json_is_object(encoder)) TRY(fail(ERR_DATA, "encoder_config is missing"));
  TRY(section_read(config, TOP, root));
  TRY(section_read(config, ENCODER, encoder));
  TRY(expect_number(root, "pad_token_id", config->vocab_size - 1)); /* blank */
  TRY(expect_text(encoder, "model_type", "parakeet_encoder"));
  TRY(expect_text(encoder, "hidden_act", "silu"));
  TRY(expect_number(encoder, "num_key_value_heads", config->num_attention_heads));
  TRY(expect_number(encoder, "head_dim", config->hidden_size / config->num_attention_heads));
done:
  return status;
}

static Status features_read(ModelConfig *config, const json_t *root) {
  Status status = OK;
  int mels = config->frontend.n_mels;
  TRY(expect_text(root, "feature_extractor_type", "ParakeetFeatureExtractor"));
  TRY(section_read(config, FEATURES, root));
  if (config->frontend.n_mels != mels)
    TRY(fail(ERR_DATA, "feature_size is %d, but num_mel_bins in config.json is %d", config->frontend.n_mels,
             mels));
done:
  return status;
}

Status config_read(ModelConfig *config, const char *folder) {
  Status status = OK;
  ModelConfig read = model_config_default();
  json_t *root = NULL, *features = NULL;
  char *main_path = path_join(folder, "config.json");
  char *features_path = path_join(folder, "preprocessor_config.json");
  TRY(json_read(&root, main_path));
  status = main_read(&read, root);
  if (status != OK) TRY(fail_in(status, "%s", main_path));
  TRY(json_read(&features, features_path));
  status = features_read(&read, features);
  if (status != OK) TRY(fail_in(status, "%s", features_path));
  status = model_config_check(&read);
  if (status != OK) TRY(fail_in(status, "%s", folder));
  *config = read;
done:
  json_decref(root);
  json_decref(features);
  free(main_path);
  free(features_path);
  return status;
}

static void section_write(json_t *object, const ModelConfig *config, Section section) {
  for (int i = 0; i < FIELDS; i++) {
    const Field *field = &fields[i];
    double value = field_get(config, field);
    if (field->section != section) continue;
    json_object_set_new(object, field->name,
                        field->kind == BOOL  ? json_boolean(value != 0)
                        : field->kind == INT ? json_integer((json_int_t)value)
                                             : json_real(value));
  }
}

static Status json_write(const json_t *object, const char *folder, const char *name) {
  char *path = path_join(folder, name);
  /* 7 digits: 0.1f is written 0.1, and read back to the same float */
  char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(7) | JSON_SORT_KEYS);
  Status status = file_write(path, text, strlen(text));
  free(text);
  free(path);
  return status;
}

Status config_write(const ModelConfig *config, const char *folder) {
  Status status = OK;
  json_t *encoder = json_pack("{ss ss si}", "model_type", "parakeet_encoder", "hidden_act", "silu",
                              "num_key_value_heads", config->num_attention_heads);
  section_write(encoder, config, ENCODER);
  json_t *root = json_pack("{s[s] ss si ss ss so}", "architectures", "ParakeetForCTC", "model_type",
                           "parakeet_ctc", "pad_token_id", config->vocab_size - 1, "dtype", "float32",
                           "ctc_loss_reduction", "mean", "encoder_config", encoder);
  section_write(root, config, TOP);
  json_t *features = json_pack("{ss sf sb ss}", "feature_extractor_type", "ParakeetFeatureExtractor",
                               "padding_value", 0.0, "return_attention_mask", 1, "padding_side", "right");
  section_write(features, config, FEATURES);
  TRY(json_write(root, folder, "config.json"));
  TRY(json_write(features, folder, "preprocessor_config.json"));
done:
  json_decref(root);
  json_decref(features);
  return status;
}
