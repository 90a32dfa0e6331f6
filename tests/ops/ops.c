#include "tests/ops/ops.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/random.h"
#include "tests/ops/bf16.h"

#define LENGTHS(...) .T = (const int[]){__VA_ARGS__}, .T_count = sizeof((int[]){__VA_ARGS__}) / sizeof(int)

const Shape ops_shapes[] = {
    {.name = "nothing", .U = 1, LENGTHS(0), .spare = 0, .C = 4},
    {.name = "only spare rows", .U = 2, LENGTHS(0), .spare = 3, .C = 5},
    {.name = "one frame, one channel", .U = 1, LENGTHS(1), .spare = 0, .C = 1},
    {.name = "utterances of length 1", .U = 5, LENGTHS(1), .spare = 1, .C = 3},
    {.name = "odd", .U = 3, LENGTHS(7, 1, 5), .spare = 2, .C = 13},
    {.name = "an empty utterance", .U = 4, LENGTHS(0, 9, 0, 2), .spare = 0, .C = 17},
    {.name = "small", .U = 2, LENGTHS(16, 8), .spare = 0, .C = 8},
    {.name = "more than a warp of channels", .U = 3, LENGTHS(20, 1, 51), .spare = 3, .C = 44},
    {.name = "more than a block of channels", .U = 2, LENGTHS(3, 1), .spare = 1, .C = 517},
    {.name = "more than a tile of frames", .U = 3, LENGTHS(131, 2, 70), .spare = 1, .C = 6},
    {.name = "many utterances", .U = 203, LENGTHS(3, 1, 12, 7, 1, 2, 19), .spare = 5, .C = 8},
    {.name = "long", .U = 1, LENGTHS(1031), .spare = 0, .C = 31},
    {.name = "model", .U = 4, LENGTHS(130, 77, 1, 245), .spare = 16, .C = 144},
    {.name = "wide", .U = 3, LENGTHS(33, 2, 64), .spare = 1, .C = 513},
};
const int ops_shape_count = sizeof ops_shapes / sizeof *ops_shapes;

enum { GUARD = 256, GUARD_BYTE = 0xa5, POISON_BYTE = 0xff /* as float: NaN */ };

/* Everything a case owns: guarded backend memory (with a tensor or bytes) or host memory. */
typedef struct OpsBlock {
  Tensor *tensor;
  const char *name;
  char *device; /* guard, payload, guard */
  void *host;   /* bytes: what must still stand there; host memory: the block itself */
  size_t bytes;
} OpsBlock;

static OpsBlock *block_new(Ops *t) {
  t->blocks = realloc(t->blocks, (size_t)(t->block_count + 1) * sizeof *t->blocks);
  assert_non_null(t->blocks);
  OpsBlock *block = &t->blocks[t->block_count++];
  *block = (OpsBlock){0};
  return block;
}

void *ops_host(Ops *t, size_t bytes) {
  OpsBlock *block = block_new(t);
  block->host = calloc(1, bytes + 1);
  assert_non_null(block->host);
  return block->host;
}

/* `bytes` of backend memory between guards, holding `content`. */
static void *guarded(Ops *t, OpsBlock *block, const char *name, const void *content, size_t bytes) {
  char *image = malloc(bytes + 2 * GUARD);
  assert_non_null(image);
  memset(image, GUARD_BYTE, bytes + 2 * GUARD);
  if (bytes) memcpy(image + GUARD, content, bytes);
  block->name = name;
  block->bytes = bytes;
  block->device = t->backend->memory_new(bytes + 2 * GUARD);
  assert_non_null(block->device);
  t->backend->memory_upload(t->stream, block->device, image, bytes + 2 * GUARD);
  t->backend->stream_sync(t->stream);
  free(image);
  bf16_register((float *)(void *)(block->device + GUARD), name, bytes / sizeof(float));
  return block->device + GUARD;
}

static void guarded_free(Ops *t, OpsBlock *block) {
  bf16_forget((const float *)(const void *)(block->device + GUARD));
  t->backend->memory_free(block->device);
}

void *ops_bytes(Ops *t, const char *name, const void *data, size_t bytes) {
  void *copy = ops_host(t, bytes);
  if (bytes) memcpy(copy, data, bytes);
  OpsBlock *block = block_new(t);
  void *device = guarded(t, block, name, data, bytes);
  block->host = copy;
  return device;
}

static Tensor *tensor_new(Ops *t, const char *name, TensorKind kind, size_t n) {
  Tensor *tensor = ops_host(t, sizeof *tensor);
  *tensor = (Tensor){.name = name, .kind = kind, .n = n};
  tensor->want = ops_host(t, n * sizeof *tensor->want);
  tensor->initial = ops_host(t, n * sizeof *tensor->initial);
  return tensor;
}

static void tensor_place(Ops *t, Tensor *tensor) {
  for (size_t i = 0; i < tensor->n; i++) tensor->want[i] = (double)tensor->initial[i];
  OpsBlock *block = block_new(t);
  tensor->data = guarded(t, block, tensor->name, tensor->initial, tensor->n * sizeof(float));
  block->tensor = tensor;
}

/* The activation type's nearest value. */
static float rounded(const Ops *t, double x) {
  return t->backend->dtype == DTYPE_BF16 ? bf16_round(x) : (float)x;
}

static Tensor *tensor_random(Ops *t, const char *name, TensorKind kind, size_t n) {
  Tensor *tensor = tensor_new(t, name, kind, n);
  for (size_t i = 0; i < n; i++) tensor->initial[i] = rounded(t, ops_random(t));
  tensor_place(t, tensor);
  return tensor;
}

Tensor *ops_input(Ops *t, const char *name, size_t n) { return tensor_random(t, name, TENSOR_INPUT, n); }

Tensor *ops_updated(Ops *t, const char *name, size_t n) { return tensor_random(t, name, TENSOR_UPDATED, n); }

Tensor *ops_given(Ops *t, const char *name, const double *values, size_t n) {
  Tensor *tensor = tensor_new(t, name, TENSOR_INPUT, n);
  for (size_t i = 0; i < n; i++) tensor->initial[i] = (float)values[i];
  tensor_place(t, tensor);
  return tensor;
}

Tensor *ops_activation(Ops *t, const char *name, const double *values, size_t n) {
  Tensor *tensor = tensor_new(t, name, TENSOR_INPUT, n);
  for (size_t i = 0; i < n; i++) tensor->initial[i] = rounded(t, values[i]);
  tensor_place(t, tensor);
  return tensor;
}

Tensor *ops_output(Ops *t, const char *name, size_t n) {
  Tensor *tensor = tensor_new(t, name, TENSOR_OUTPUT, n);
  memset(tensor->initial, POISON_BYTE, n * sizeof(float));
  tensor_place(t, tensor); /* want is NaN too: a reference that forgets an element fails */
  return tensor;
}

double ops_random(Ops *t) {
  double uniform[2];
  for (int i = 0; i < 2; i++) uniform[i] = ((double)(random_mix64(t->random++) >> 11) + 0.5) * 0x1p-53;
  return sqrt(-2 * log(uniform[0])) * cos(2 * M_PI * uniform[1]); /* Box and Muller */
}

int ops_below(Ops *t, int limit) { return (int)(random_mix64(t->random++) % (uint64_t)limit); }

float *ops_download(Ops *t, const float *data, size_t n) {
  float *host = ops_host(t, n * sizeof *host);
  t->backend->memory_download(t->stream, host, data, n * sizeof *host);
  t->backend->stream_sync(t->stream);
  return host;
}

static int *lengths_to_offsets(Ops *t, int U, const int *lengths, int T_count) {
  int *offsets = ops_host(t, (size_t)(U + 1) * sizeof *offsets);
  for (int u = 0; u < U; u++) offsets[u + 1] = offsets[u] + lengths[u % T_count];
  return offsets;
}

static Rows rows_place(Ops *t, int U, const int *offsets, int spare) {
  int T_max = 0;
  for (int u = 0; u < U; u++)
    T_max = offsets[u + 1] - offsets[u] > T_max ? offsets[u + 1] - offsets[u] : T_max;
  return (Rows){.U = U,
                .R = offsets[U] + spare,
                .T_max = T_max,
                .offsets = ops_bytes(t, "row offsets", offsets, (size_t)(U + 1) * sizeof *offsets)};
}

Rows ops_rows(Ops *t, int U, const int *lengths, int spare) {
  return rows_place(t, U, lengths_to_offsets(t, U, lengths, U), spare);
}

/* What cases left to compare: the hash of every output of the first pass, by its order. */
typedef struct Bits {
  uint64_t *hash;
  int count, at;
} Bits;

static uint64_t hash_of(const float *values, size_t n) {
  uint64_t hash = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    hash = random_mix64(hash + bits + 1);
  }
  return hash;
}

static void check_guards(Ops *t, const OpsBlock *block, char **payload) {
  size_t size = block->bytes + 2 * GUARD;
  char *image = ops_host(t, size);
  t->backend->memory_download(t->stream, image, block->device, size);
  t->backend->stream_sync(t->stream);
  for (int i = 0; i < GUARD; i++)
    if ((unsigned char)image[i] != GUARD_BYTE || (unsigned char)image[size - 1 - (size_t)i] != GUARD_BYTE)
      fail_msg("%s, %s, %s: written outside %s", t->op, t->backend->name, t->shape, block->name);
  *payload = image + GUARD;
}

static const char *type_name(const Backend *backend) { return backend->dtype == DTYPE_BF16 ? "bf16" : "f32"; }

/* |got - want| <= 1e-4 |want| + 1e-7 |all| in norm, all: every output of the case; in bf16 also what
 * Ops.bf16_factor allows, and where a truly zero gradient is named, what Tensor.terms does. NaN never passes,
 * and an infinity only where the reference has it. Returns the error's share of |want|. */
static double compare(const Ops *t, const Tensor *tensor, const float *got, double all) {
  double error = 0, norm = 0, rounding = 0;
  for (size_t i = 0; i < tensor->n; i++) {
    double want = tensor->want[i], difference = (double)got[i] - want;
    if (isinf(want) && (double)got[i] == want) continue;
    if (!isfinite(want) || !isfinite(got[i]))
      fail_msg("%s, %s, %s: %s[%zu] = %g, want %g", t->op, t->backend->name, t->shape, tensor->name, i,
               (double)got[i], want);
    error += difference * difference;
    norm += want * want;
    rounding += ((double)bf16_round(want) - want) * ((double)bf16_round(want) - want);
  }
  double allowed = 1e-4 * sqrt(norm) + 1e-7 * all + 1e-6 * tensor->terms;
  if (t->backend->dtype == DTYPE_BF16)
    allowed += bf16_written(tensor->data) ? t->bf16_factor * sqrt(rounding)
                                          : (t->bf16_factor - 2) / 512 * sqrt(norm);
  if (!(sqrt(error) <= allowed)) {
    size_t most = 0;
    for (size_t i = 1; i < tensor->n; i++)
      if (fabs((double)got[i] - tensor->want[i]) > fabs((double)got[most] - tensor->want[most])) most = i;
    fail_msg("%s, %s %s, %s: %s is off by %.3g of a norm of %.3g, most at [%zu] = %g, want %g", t->op,
             t->backend->name, type_name(t->backend), t->shape, tensor->name, sqrt(error), sqrt(norm), most,
             (double)got[most], tensor->want[most]);
  }
  return norm > 0 ? sqrt(error / norm) : 0;
}

static double case_check(Ops *t, Bits *bits) {
  double all = 0, worst = 0;
  int outputs = 0, block_count = t->block_count;
  for (int b = 0; b < block_count; b++) {
    const Tensor *tensor = t->blocks[b].tensor;
    if (!tensor || tensor->kind == TENSOR_INPUT) continue;
    outputs++;
    for (size_t i = 0; i < tensor->n; i++)
      all += isfinite(tensor->want[i]) ? tensor->want[i] * tensor->want[i] : 0;
  }
  if (!outputs) fail_msg("%s, %s: the case has no output", t->op, t->shape);
  for (int b = 0; b < block_count; b++) {
    OpsBlock block = t->blocks[b];
    if (!block.device) continue;
    char *payload;
    check_guards(t, &block, &payload);
    const void *before = block.tensor ? (const void *)block.tensor->initial : block.host;
    if (!block.tensor || block.tensor->kind == TENSOR_INPUT) {
      if (memcmp(payload, before, block.bytes) != 0)
        fail_msg("%s, %s, %s: the input %s was changed", t->op, t->backend->name, t->shape, block.name);
      continue;
    }
    const float *got = (const float *)(const void *)payload;
    worst = fmax(worst, compare(t, block.tensor, got, sqrt(all)));
    uint64_t hash = hash_of(got, block.tensor->n);
    if (bits->at == bits->count) {
      bits->hash = realloc(bits->hash, (size_t)++bits->count * sizeof *bits->hash);
      assert_non_null(bits->hash);
      bits->hash[bits->at] = hash;
    } else if (bits->hash[bits->at] != hash) {
      fail_msg("%s, %s, %s: two threads give other bits of %s than one", t->op, t->backend->name, t->shape,
               block.name);
    }
    bits->at++;
  }
  return worst;
}

static void case_start(Ops *t, const Shape *shape) {
  t->shape = shape->name;
  t->random = (uint64_t)(shape - ops_shapes + 1) << 40;
  t->offsets = lengths_to_offsets(t, shape->U, shape->T, shape->T_count);
  t->rows = rows_place(t, shape->U, t->offsets, shape->spare);
  t->utterances = ops_host(t, (size_t)shape->U * sizeof *t->utterances);
  for (int u = 0; u < shape->U; u++) t->utterances[u] = (uint32_t)(1000003 * u + 17);
  t->key = (RandomKey){.seed = 12345, .step = 7, .site = 3};
  t->key.utterances =
      ops_bytes(t, "utterance identities", t->utterances, (size_t)shape->U * sizeof *t->utterances);
}

static void case_end(Ops *t) {
  for (int b = 0; b < t->block_count; b++) {
    if (t->blocks[b].device)
      guarded_free(t, &t->blocks[b]);
    else
      free(t->blocks[b].host);
  }
  free(t->blocks);
  t->blocks = NULL;
  t->block_count = 0;
}

typedef struct Device {
  const char *name;
  DType dtype;
} Device;
static const Device devices[] = {{"cpu", DTYPE_F32}, {"cuda", DTYPE_F32}, {"cuda", DTYPE_BF16}};

static void fail_with(const char *text) { fail_msg("%s", text); }

/* The backend, or NULL, loudly, when it is not built. JARGON_OPS_DEVICE names the only one to use. */
static const Backend *backend_find(const Device *device) {
  const char *only = getenv("JARGON_OPS_DEVICE");
  if (only && strcmp(only, device->name) != 0) return NULL;
  char why[256];
  const Backend *backend = backend_open(device->name, device->dtype, why, sizeof why);
  static bool said; /* only cuda can be absent: once a program is loud enough */
  if (!backend && !said) fprintf(stderr, "SKIPPED on %s: %s\n", device->name, why);
  said = said || !backend;
  if (!backend && (only || strcmp(device->name, "cpu") == 0)) fail_msg("%s", why);
  bf16_fail = fail_with;
  return backend;
}

/* JARGON_OPS_SMALL=1, for the emulator and sanitizers: only shapes of at most 4096 elements, and one pass. */
static bool only_small(void) {
  const char *small = getenv("JARGON_OPS_SMALL");
  return small && strcmp(small, "1") == 0;
}

static bool shape_wanted(const Shape *shape) {
  int rows = shape->spare;
  for (int u = 0; u < shape->U; u++) rows += shape->T[u % shape->T_count];
  return !only_small() || rows * shape->C <= 4096;
}

void ops_run(const char *op, OpsCase *run) {
  for (size_t d = 0; d < sizeof devices / sizeof *devices; d++) {
    const Backend *backend = backend_find(&devices[d]);
    if (!backend) continue;
    if (backend->dtype == DTYPE_BF16) backend = bf16_backend(backend);
    int threads_before = omp_get_max_threads();
    double worst = 0;
    int shapes = 0;
    for (int s = 0; s < ops_shape_count; s++) {
      if (!shape_wanted(&ops_shapes[s])) continue;
      shapes++;
      Bits bits = {0};
      for (int threads = 1; threads <= (only_small() ? 1 : 2); threads++) {
        omp_set_num_threads(threads);
        Ops t = {.backend = backend, .stream = backend->stream_new(), .op = op, .bf16_factor = 2};
        case_start(&t, &ops_shapes[s]);
        run(&t, &ops_shapes[s]);
        bits.at = 0;
        worst = fmax(worst, case_check(&t, &bits));
        case_end(&t);
        backend->stream_free(t.stream);
      }
      free(bits.hash);
    }
    omp_set_num_threads(threads_before);
    printf("%s on %s %s: %d shapes, largest error %.1e\n", op, backend->name, type_name(backend), shapes,
           worst);
  }
}

void ops_alone(Ops *t, const Rows rows[2], OpsCall *call, const Sliced *in, int in_count, const Sliced *out,
               int out_count, const void *context) {
  enum { MOST = 16 };
  assert_true(in_count <= MOST && out_count <= MOST);
  const int *offsets[2];
  for (int side = 0; side < 2; side++)
    offsets[side] = (const int *)(const void *)ops_download(
        t, (const float *)(const void *)rows[side].offsets, (size_t)rows[side].U + 1);
  float *whole[MOST];
  for (int i = 0; i < out_count; i++) whole[i] = ops_download(t, out[i].tensor->data, out[i].tensor->n);
  for (int u = 0; u < rows[0].U; u++) {
    Rows alone[2];
    for (int side = 0; side < 2; side++) {
      int T = offsets[side][u + 1] - offsets[side][u];
      alone[side] = ops_rows(t, 1, &T, 0);
    }
    if (alone[0].R == 0) continue;
    RandomKey key = t->key;
    key.utterances += u;
    float *in_data[MOST], *out_data[MOST];
    OpsBlock blocks[MOST] = {0};
    for (int i = 0; i < in_count; i++)
      in_data[i] = in[i].tensor->data + (size_t)offsets[in[i].side][u] * (size_t)in[i].width;
    for (int i = 0; i < out_count; i++) {
      size_t n = (size_t)alone[out[i].side].R * (size_t)out[i].width;
      float *poison = ops_host(t, n * sizeof *poison);
      memset(poison, POISON_BYTE, n * sizeof *poison);
      out_data[i] = guarded(t, &blocks[i], out[i].tensor->name, poison, n * sizeof *poison);
    }
    call(t, alone, key, in_data, out_data, context);
    for (int i = 0; i < out_count; i++) {
      char *payload;
      check_guards(t, &blocks[i], &payload);
      const float *together = whole[i] + (size_t)offsets[out[i].side][u] * (size_t)out[i].width;
      if (memcmp(payload, together, blocks[i].bytes) != 0)
        fail_msg("%s, %s, %s: utterance %d alone gives other bits of %s than among the others", t->op,
                 t->backend->name, t->shape, u, out[i].tensor->name);
      guarded_free(t, &blocks[i]);
    }
  }
}

void ops_differences(const char *name, const double *gradient, double *x, size_t n,
                     double (*loss)(void *context), void *context) {
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(gradient[i]));
  size_t step = n > 50 ? n / 50 : 1;
  for (size_t i = 0; i < n; i += step) {
    double kept = x[i], h = 1e-5;
    x[i] = kept + h;
    double above = loss(context);
    x[i] = kept - h;
    double below = loss(context);
    x[i] = kept;
    double slope = (above - below) / (2 * h);
    if (!(fabs(slope - gradient[i]) <= 1e-6 * (largest + 1)))
      fail_msg("%s: the reference's gradient [%zu] is %.9g, differences say %.9g", name, i, gradient[i],
               slope);
  }
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool ops_bench(void (*bench)(Ops *t)) {
  const char *wanted = getenv("JARGON_OPS_BENCH");
  if (!wanted || strcmp(wanted, "1") != 0) return false;
  for (size_t d = 0; d < sizeof devices / sizeof *devices; d++) {
    const Backend *backend = backend_find(&devices[d]);
    if (!backend) continue;
    Ops t = {.backend = backend, .stream = backend->stream_new(), .op = "bench", .shape = "bench"};
    bench(&t);
    case_end(&t);
    backend->stream_free(t.stream);
  }
  return true;
}

Rows ops_bench_rows(Ops *t, int length) {
  enum { U = 10 };
  int lengths[U];
  uint32_t utterances[U];
  for (int u = 0; u < U; u++) lengths[u] = length, utterances[u] = (uint32_t)u;
  t->key = (RandomKey){.seed = 1, .utterances = ops_bytes(t, "utterances", utterances, sizeof utterances)};
  return ops_rows(t, U, lengths, 0);
}

OpsTimer ops_timer(Ops *t, const char *op, const char *shape, double bytes, double flops) {
  return (OpsTimer){
      .t = t, .op = op, .shape = shape, .bytes = bytes, .flops = flops, .count = -2}; /* two to warm up */
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

bool ops_again(OpsTimer *timer) {
  enum { MOST = sizeof timer->seconds / sizeof *timer->seconds };
  timer->t->backend->stream_sync(timer->t->stream);
  double now = seconds_now(), total = 0;
  if (timer->count >= 1) timer->seconds[timer->count - 1] = now - timer->started;
  for (int i = 0; i < timer->count; i++) total += timer->seconds[i];
  if (timer->count < 5 || (total < 0.2 && timer->count < MOST)) {
    timer->count++;
    timer->started = seconds_now();
    return true;
  }
  qsort(timer->seconds, (size_t)timer->count, sizeof *timer->seconds, by_value);
  double median = timer->seconds[timer->count / 2];
  printf("{\"op\": \"%s\", \"device\": \"%s\", \"type\": \"%s\", \"shape\": \"%s\", \"threads\": %d, \"ms\": "
         "%.4f, \"gb_s\": "
         "%.1f, "
         "\"gflop_s\": %.1f}\n",
         timer->op, timer->t->backend->name, type_name(timer->t->backend), timer->shape,
         omp_get_max_threads(), median * 1e3, timer->bytes / median * 1e-9, timer->flops / median * 1e-9);
  return false;
}
