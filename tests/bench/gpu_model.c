/* Times whole training steps, or inference, of a preset on one device: batches as tests/bench/peer_torch.py
 * takes them, so that both time the same shapes.
 *
 *   gpu_model device DEVICE              says what DEVICE is; exit 77 when it cannot be used
 *   gpu_model plan BATCH_SECONDS BATCHES prints a plan: one line a batch, frames of 10 ms each
 *   gpu_model train|infer PRESET PLAN DEVICE f32|bf16 SECONDS
 *                                        one JSON line, after SECONDS of whole passes
 *
 * A training step is upload, front end, forward, loss, backward, clipping and AdamW; of inference, upload to
 * best classes on the host. The median of the passes counts; the first pass, which chooses products'
 * algorithms, is told apart. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"
#include "src/model/model.h"
#include "src/model/preset.h"
#include "tests/bench/timing.h"

enum {
  FRAME = 160,
  MOST_BATCHES = 256,
  MOST_PASSES = 100,
  MOST_FRAMES = 360000,
  VOCABULARY = 1025,
  SKIPPED = 77
};
static const double LABELS_A_SECOND = 3.4;

typedef struct Plan {
  int batches, U[MOST_BATCHES];
  ModelBatch batch[MOST_BATCHES];
  double audio; /* seconds */
} Plan;

typedef struct Bench {
  const Backend *k;
  Model *model;
  float *moments, *norm;
  Tally *tally;
  AdamwSegment whole;
  int step;
} Bench;

/* Durations of 2 to 20 s, log-normal with median 11 s, sorted into batches of at most batch_seconds. */
static void plan_print(double batch_seconds, int batches) {
  int count = (int)(batches * batch_seconds / 12) + 1;
  double *seconds = xcalloc((size_t)count, sizeof *seconds), total = 0;
  for (int i = 0; i < count; i++) {
    uint64_t bits = random_mix64((uint64_t)i + 1);
    double u = ((double)(bits >> 32) + 0.5) / 4294967296.0, v = (double)(bits & 0xffffffff) / 4294967296.0;
    double normal = sqrt(-2 * log(u)) * cos(2 * acos(-1) * v);
    seconds[i] = fmin(fmax(11 * exp(0.5 * normal), 2), 20);
  }
  qsort(seconds, (size_t)count, sizeof *seconds, by_value);
  for (int i = 0; i < count; i++) {
    bool fresh = i > 0 && total + seconds[i] > batch_seconds;
    if (fresh) total = 0;
    total += seconds[i];
    printf("%s%d", i == 0 ? "" : fresh ? "\n" : " ", (int)(seconds[i] * 100));
  }
  printf("\n");
  free(seconds);
}

/* Noise for samples, labels drawn at LABELS_A_SECOND as far as the encoder's frames allow. */
static void batch_fill(ModelBatch *batch, const int *frames, int U, const ModelConfig *config) {
  int64_t *offsets = xcalloc((size_t)U + 1, sizeof *offsets);
  int32_t *label_offsets = xcalloc((size_t)U + 1, sizeof *label_offsets);
  for (int u = 0; u < U; u++) {
    offsets[u + 1] = offsets[u] + (int64_t)frames[u] * FRAME;
    int room = (model_frames(config, (int64_t)frames[u] * FRAME) - 1) / 2,
        wanted = (int)(frames[u] / 100.0 * LABELS_A_SECOND);
    label_offsets[u + 1] = label_offsets[u] + (wanted < room ? wanted : room);
  }
  int16_t *samples = xcalloc((size_t)offsets[U], sizeof *samples);
  int32_t *labels = xcalloc((size_t)label_offsets[U] + 1, sizeof *labels);
  for (int64_t i = 0; i < offsets[U]; i++) samples[i] = (int16_t)(random_mix32((uint32_t)i) >> 18);
  for (int i = 0; i < label_offsets[U]; i++)
    labels[i] = (int32_t)(random_mix32((uint32_t)i * 7919u) % (uint32_t)(config->vocab_size - 1));
  *batch = (ModelBatch){U, samples, offsets, labels, label_offsets, NULL};
}

static Status plan_read(Plan *plan, const char *path, const ModelConfig *config) {
  static char line[1 << 16];
  static int frames[sizeof line / 2]; /* of a line's numbers */
  Status status = OK;
  FILE *file = fopen(path, "r");
  if (!file) return fail(ERR_IO, "cannot open %s", path);
  for (int number = 1; fgets(line, sizeof line, file); number++) {
    int U = 0;
    char *at = line, *end;
    if (!strchr(line, '\n') && !feof(file))
      TRY(fail(ERR_DATA, "%s:%d: the line is longer than %d bytes", path, number, (int)sizeof line - 2));
    for (long value; value = strtol(at, &end, 10), end != at; at = end) {
      if (value < 1 || value > MOST_FRAMES)
        TRY(fail(ERR_DATA, "%s:%d: %ld frames: an utterance has 1 to %d", path, number, value, MOST_FRAMES));
      frames[U++] = (int)value;
      plan->audio += (double)value / 100;
    }
    if (at[strspn(at, " \n")])
      TRY(fail(ERR_DATA, "%s:%d: column %d: not a number", path, number, (int)(at - line) + 1));
    if (U > 0 && plan->batches == MOST_BATCHES)
      TRY(fail(ERR_DATA, "%s:%d: more than %d batches", path, number, MOST_BATCHES));
    if (U > 0) batch_fill(&plan->batch[plan->batches++], frames, U, config);
  }
  if (!plan->batches) TRY(fail(ERR_DATA, "%s has no batch: gpu_model plan makes one", path));
done:
  fclose(file);
  return status;
}

static Status train_step(Bench *b, const ModelBatch *batch) {
  Stream *stream = model_stream(b->model);
  float *weights = model_weights(b->model), *gradients = model_gradients(b->model);
  void *cast = model_weights_cast(b->model);
  ModelTraining training = {.seed = 1,
                            .step = (uint32_t)++b->step,
                            .loss_scale = 1e-3F,
                            .augment = {2, 27, 5, 0.05F},
                            .tally = b->tally};
  Status status = model_train_batch(b->model, batch, &training, NULL);
  if (status != OK) return status;
  b->k->gradient_norm(stream, b->norm, gradients, &b->whole, 1);
  b->k->tally_step(stream, b->tally, b->norm, (TallyStepInfo){1, 1, 1});
  b->k->adamw_step(stream, weights, cast == (void *)weights ? NULL : cast, b->moments,
                   b->moments + b->whole.count, gradients, b->norm, b->tally, &b->whole, 1,
                   (AdamwConfig){1e-4F, 0.9F, 0.98F, 1e-9F, 1});
  b->k->memory_zero(stream, gradients, b->whole.count * sizeof(float));
  return OK;
}

static Status pass(Bench *b, const Plan *plan, bool train, double *seconds) {
  double start = now();
  ModelOutput output;
  for (int i = 0; i < plan->batches; i++) {
    Status status =
        train ? train_step(b, &plan->batch[i]) : model_infer(b->model, &plan->batch[i], &output, NULL);
    if (status != OK) return status;
  }
  b->k->stream_sync(model_stream(b->model));
  *seconds = now() - start;
  return OK;
}

static Status bench(const char *what, const char *preset, const char *plan_path, const char *device,
                    const char *precision, double budget) {
  bool train = strcmp(what, "train") == 0;
  const Backend *k;
  Status status = backend_select(&k, device, precision);
  if (status != OK) return status;
  static Plan plan;
  ModelConfig config;
  Bench b = {.k = k};
  status = preset_read(&config, preset);
  config.vocab_size = VOCABULARY;
  if (status == OK) status = plan_read(&plan, plan_path, &config);
  if (status == OK) status = model_new(&b.model, &config, k, 1);
  if (status != OK) return status;
  size_t n = model_weight_count(b.model);
  b.whole = (AdamwSegment){0, n, 1, 0.01F};
  b.norm = k->memory_new(sizeof(float));
  b.tally = k->memory_new(sizeof *b.tally);
  k->memory_zero(model_stream(b.model), b.tally, sizeof *b.tally);
  if (train) {
    b.moments = k->memory_new(2 * n * sizeof(float));
    k->memory_zero(model_stream(b.model), b.moments, 2 * n * sizeof(float));
    k->memory_zero(model_stream(b.model), model_gradients(b.model), n * sizeof(float));
  }
  double first, seconds[MOST_PASSES];
  int passes = 0;
  status = pass(&b, &plan, train, &first);
  double start = now();
  for (; status == OK && passes < MOST_PASSES && (passes < 3 || now() - start < budget); passes++)
    status = pass(&b, &plan, train, &seconds[passes]);
  if (status != OK) return status;
  qsort(seconds, (size_t)passes, sizeof *seconds, by_value);
  double median = seconds[passes / 2];
  printf("{\"bench\": \"model\", \"what\": \"%s\", \"preset\": \"%s\", \"weights_m\": %.3f, \"device\": "
         "\"%s\", \"precision\": \"%s\", "
         "\"batches\": %d, \"audio_s\": %.1f, \"passes\": %d, \"first_pass_s\": %.3f, \"ms_a_batch\": %.3f, "
         "\"ms_a_batch_best\": %.3f, "
         "\"times_real_time\": %.1f}\n",
         what, preset, (double)n / 1e6, backend_describe(k), precision, plan.batches, plan.audio, passes,
         first, 1e3 * median / plan.batches, 1e3 * seconds[0] / plan.batches, plan.audio / median);
  model_free(b.model);
  k->memory_free(b.norm);
  if (train) k->memory_free(b.moments);
  k->memory_free(b.tally);
  return OK;
}

static bool number_read(const char *text, double least, double most, double *out) {
  char *end;
  *out = strtod(text, &end);
  return end != text && !*end && *out >= least && *out <= most;
}

int main(int argc, char **argv) {
  char why[512];
  double seconds, batches;
  if (argc == 3 && strcmp(argv[1], "device") == 0) {
    const Backend *k = backend_open(argv[2], DTYPE_F32, why, sizeof why);
    puts(k ? backend_describe(k) : why);
    return k ? 0 : SKIPPED;
  }
  if (argc == 4 && strcmp(argv[1], "plan") == 0 && number_read(argv[2], 1, 1e6, &seconds) &&
      number_read(argv[3], 1, MOST_BATCHES, &batches)) {
    plan_print(seconds, (int)batches);
    return 0;
  }
  if (argc != 7 || (strcmp(argv[1], "train") != 0 && strcmp(argv[1], "infer") != 0) ||
      !number_read(argv[6], 0, 1e6, &seconds)) {
    fprintf(stderr,
            "usage: gpu_model device DEVICE | plan BATCH_SECONDS BATCHES (%d at most) |\n"
            "       train|infer PRESET PLAN DEVICE f32|bf16 SECONDS\n",
            MOST_BATCHES);
    return ERR_USAGE;
  }
  Status status = bench(argv[1], argv[2], argv[3], argv[4], argv[5], seconds);
  if (status != OK) fprintf(stderr, "gpu_model: %s\n", fail_text());
  return (int)status;
}
