/* A small model and a few seconds of noise, for the tests of src/model. */
#ifndef JARGON_TESTS_UNIT_TEST_MODEL_H
#define JARGON_TESTS_UNIT_TEST_MODEL_H

#include "tests/unit/support.h"

#include "kernels/random.h"
#include "src/model/model.h"

static inline const Backend *test_backend(void) {
  static char why[256];
  const Backend *backend = backend_open("cpu", DTYPE_F32, why, sizeof why);
  if (!backend) fail_msg("%s", why);
  return backend;
}

static inline ModelConfig small_config(void) {
  ModelConfig config = model_config_default();
  config.hidden_size = 16;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 24;
  config.conv_kernel_size = 5;
  config.subsampling_factor = 4;
  config.subsampling_conv_channels = 4;
  config.vocab_size = 8;
  config.dropout = config.activation_dropout = config.attention_dropout = config.layerdrop = 0;
  return config;
}

/* One a parameter, weight decay where it has one. The caller frees them. */
static inline AdamwSegment *small_segments(const Model *model) {
  int count = model_param_count(model);
  AdamwSegment *segments = xcalloc((size_t)count, sizeof *segments);
  for (int p = 0; p < count; p++) {
    const Param *param = model_param(model, p);
    segments[p] = (AdamwSegment){
        .offset = param->offset, .count = param->count, .lr_scale = 1, .decay = param->decay ? 0.01f : 0};
  }
  return segments;
}

enum { NOISE_UTTERANCES = 5 };

/* Lengths: a few frames of the encoder, exactly one, none at all, and two longer ones. */
static const int noise_samples[NOISE_UTTERANCES] = {9000, 640, 100, 21000, 15001};
static const int noise_labels[NOISE_UTTERANCES] = {2, 1, 0, 5, 4};

static inline int16_t noise_sample(int utterance, int i) {
  uint32_t bits = random_bits(random_row(5, 0, 0, (uint32_t)utterance, 0), (uint32_t)i);
  return (int16_t)((int)(bits >> 19) - 4096);
}

typedef struct NoiseBatch {
  ModelBatch batch;
  int16_t *samples;
  int64_t sample_offsets[NOISE_UTTERANCES + 1];
  int32_t labels[64], label_offsets[NOISE_UTTERANCES + 1];
  uint32_t utterances[NOISE_UTTERANCES];
} NoiseBatch;

/* The utterances listed in `which`, in that order. The caller frees batch->samples. */
static inline void noise_batch(NoiseBatch *out, const int *which, int count) {
  memset(out, 0, sizeof *out);
  out->samples = xcalloc(100000, sizeof *out->samples);
  for (int u = 0; u < count; u++) {
    int id = which[u];
    out->utterances[u] = (uint32_t)id;
    out->sample_offsets[u + 1] = out->sample_offsets[u] + noise_samples[id];
    out->label_offsets[u + 1] = out->label_offsets[u] + noise_labels[id];
    for (int i = 0; i < noise_samples[id]; i++)
      out->samples[out->sample_offsets[u] + i] = noise_sample(id, i);
    for (int i = 0; i < noise_labels[id]; i++) out->labels[out->label_offsets[u] + i] = (id + i / 2) % 7;
  }
  out->batch = (ModelBatch){.U = count,
                            .samples = out->samples,
                            .sample_offsets = out->sample_offsets,
                            .labels = out->labels,
                            .label_offsets = out->label_offsets,
                            .utterances = out->utterances};
}

#endif
