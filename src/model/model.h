/* The acoustic model: log-mel front end, Conformer encoder, CTC head; forward and backward over one packed
 * batch.
 *
 * Configuration fields and parameter names are those of transformers' ParakeetForCTC, so that the model
 * directory (config.json, model.safetensors, preprocessor_config.json, tokenizer.json) is the ecosystem's. */
#ifndef JARGON_MODEL_MODEL_H
#define JARGON_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/backend.h"
#include "src/base/arena.h"
#include "src/base/status.h"

typedef struct ModelConfig {
  FrontendConfig frontend;
  /* encoder_config */
  int hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
  bool attention_bias, convolution_bias, scale_input;
  int conv_kernel_size;
  int subsampling_factor, subsampling_conv_channels, subsampling_conv_kernel_size, subsampling_conv_stride;
  int max_position_embeddings;
  float dropout, dropout_positions, layerdrop, activation_dropout, attention_dropout, initializer_range;
  /* the CTC head */
  int vocab_size; /* blank included; blank is the last id, pad_token_id = vocab_size - 1 */
  bool ctc_zero_infinity;
} ModelConfig;

/* Widths, depths and dropouts of a named preset or YAML file are read by src/model/preset.h. */
ModelConfig model_config_default(void);
Status model_config_check(const ModelConfig *config);

/* One parameter or buffer (batch norm's running statistics), by its Hugging Face name. */
typedef enum ParamInit { INIT_ZERO, INIT_ONE, INIT_NORMAL, INIT_UNIFORM } ParamInit;
typedef struct Param {
  char *name;
  int ndim;
  int64_t shape[4];
  size_t offset, count; /* in floats, within weights (or within buffers) */
  ParamInit init;
  float init_scale; /* standard deviation, or bound of the uniform */
  bool decay;       /* takes weight decay: matrices and convolutions, not biases and norms */
} Param;

typedef struct Model Model;

/* The backend that --device and --precision ("f32" or "bf16") ask for; ERR_USAGE says why there is none. */
Status backend_select(const Backend **out, const char *device, const char *precision);

/* Builds the model with parameters initialised from the seed. */
Status model_new(Model **out, const ModelConfig *config, const Backend *backend, uint64_t seed);
void model_free(Model *model);

const ModelConfig *model_config(const Model *model);
const Backend *model_backend(const Model *model);
Stream *model_stream(const Model *model);

/* Every parameter, in the order of registration; and the flat arrays in backend memory. */
int model_param_count(const Model *model);
const Param *model_param(const Model *model, int index);
size_t model_weight_count(const Model *model); /* floats in all, with padding between parameters (always 0) */
float *model_weights(Model *model);            /* master weights, float */
void *model_weights_cast(Model *model);        /* the copy products read; the master itself in float */
float *model_gradients(Model *model);          /* allocated at first use; accumulate until zeroed */
/* Buffers: batch norm's running mean and variance. `batches` is num_batches_tracked. */
int model_buffer_count(const Model *model);
const Param *model_buffer(const Model *model, int index);
size_t model_buffer_floats(const Model *model);
float *model_buffers(Model *model);
int64_t *model_batches_tracked(Model *model);

/* Host copies for saving: out has model_weight_count() (or model_buffer_floats()) floats. */
void model_weights_get(Model *model, float *out);
void model_weights_set(Model *model, const float *in);
void model_buffers_get(Model *model, float *out);
void model_buffers_set(Model *model, const float *in);

/* What goes in. All host memory; the model uploads it. */
typedef struct ModelBatch {
  int U;
  const int16_t *samples;        /* 16 kHz, one utterance after the other */
  const int64_t *sample_offsets; /* U + 1 */
  const int32_t *labels;         /* NULL in inference */
  const int32_t *label_offsets;  /* U + 1 */
  const uint32_t *utterances;    /* U identities for dropout and SpecAugment; NULL: 0, 1, ... */
} ModelBatch;

typedef struct ModelTraining {
  uint64_t seed;
  uint32_t step;
  float loss_scale;          /* gradient of loss_scale times the sum of negative log-likelihoods */
  SpecAugmentConfig augment; /* all 0: none */
  Tally *tally;              /* backend memory: counts the batch's loss; NULL: none */
} ModelTraining;

/* Frames of the encoder's output for an utterance of that many samples, and seconds of one such frame. */
int model_frames(const ModelConfig *config, int64_t samples);
double model_frame_seconds(const ModelConfig *config);

/* Sizes the arenas for any batch of at most that much audio in at most that many utterances (training or
 * not); called again it grows. model_train_step() and model_infer() on a batch within it do not allocate. */
Status model_reserve(Model *model, int64_t samples, int utterances, int64_t longest, int labels,
                     bool training);

/* Forward, CTC loss, backward: accumulates gradients, updates batch norm's running statistics, assigns nll
 * (U, host): +infinity where the labels do not fit. NULL: nothing is waited for; the work is done in the order of
 * model_stream(). What the batch points at may be changed as soon as this returns. */
Status model_train_batch(Model *model, const ModelBatch *batch, const ModelTraining *training, float *nll);

/* Inference: greedy best class and its log-probability for each frame of each utterance. frame_offsets (U +
 * 1), best and log_probability (frame_offsets[U]) are host arrays owned by the model, valid until its next
 * call. With labels in the batch, nll (U, host; may be NULL) is assigned too. */
typedef struct ModelOutput {
  const int32_t *frame_offsets;
  const int32_t *best;
  const float *log_probability;
} ModelOutput;
Status model_infer(Model *model, const ModelBatch *batch, ModelOutput *output, float *nll);

/* The logits of model_infer's last batch, (frame_offsets[U], vocab_size) float, copied to host `out`. For
 * tests, and for decoders that need more than the best class. */
void model_logits(Model *model, float *out);

#endif
