/* Log-mel features from 16-bit samples on the device. A block makes the features of one frame: pre-emphasis
 * and window on the way into shared memory, where the real transform of n_fft samples is done as a complex
 * one of half the length (radix 2, decimation in time; Cooley and Tukey 1965), then power, mel and logarithm.
 * A second kernel normalises each utterance. */
#include "kernels/frontend.h"

#include <assert.h>

#include "kernels/cuda/device.cuh"
#include "kernels/frontend_tables.h"

enum {
  BINS = 32,  /* mel bins of a block that normalises: threadIdx.x */
  LANES = 16, /* threadIdx.y: frames taken at once */
};

/* The tables in device memory, one block of it. M = n_fft / 2. */
struct DeviceTables {
  const float *window, *weights;
  const float *cosine, *sine; /* (M + 1): e^(-2 pi i k / n_fft) = cosine[k] - i sine[k] */
  const MelFilter *filters;
};

struct Frontend {
  FrontendConfig config;
  DeviceTables tables;
  void *memory;
};

/* Bit b of n becomes bit (bits - 1 - b). */
static __device__ int bits_reversed(int n, int bits) {
  int reversed = 0;
  for (int b = 0; b < bits; b++) reversed |= (n >> b & 1) << (bits - 1 - b);
  return reversed;
}

/* window[i] (x[n] - a x[n - 1]), n = first + i; x[n] is 0 outside 0 .. count - 1, and 0 outside the window.
 */
static __device__ float windowed(const FrontendConfig &c, const float *window, const int16_t *x,
                                 int64_t count, int64_t first, int i) {
  int64_t n = first + i;
  if (i < 0 || i >= c.win_length || n < 0 || n >= count) return 0.0f;
  return window[i] * ((float)x[n] - (n > 0 ? c.preemphasis * (float)x[n - 1] : 0.0f));
}

/* Z (M) in place, bit-reversed on entry: Z[k] = sum_n z[n] e^(-2 pi i k n / M). All threads call; log2 M
 * rounds. */
static __device__ void transform(float *re, float *im, const DeviceTables &tables, int M) {
  for (int half = 1; half < M; half *= 2) {
    __syncthreads();
    for (int b = threadIdx.x; b < M / 2; b += blockDim.x) {
      int k = b % half, i = 2 * (b - k) + k, j = i + half;
      float c = tables.cosine[k * (M / half)], s = tables.sine[k * (M / half)];
      float x = re[j] * c + im[j] * s, y = im[j] * c - re[j] * s; /* times e^(-2 pi i k / (2 half)) */
      re[j] = re[i] - x;
      im[j] = im[i] - y;
      re[i] += x;
      im[i] += y;
    }
  }
  __syncthreads();
}

/* |X[k]|^2 of the real signal whose even samples are the real parts and odd samples the imaginary parts of
 * what Z transforms: X[k] = E + e^(-2 pi i k / n_fft) O, E = (Z[k] + conj Z[M - k]) / 2, O = (Z[k] - conj Z[M
 * - k]) / 2i. */
static __device__ float power_of(const float *re, const float *im, const DeviceTables &tables, int M, int k) {
  int a = k % M, b = (M - k) % M;
  float even_re = 0.5f * (re[a] + re[b]), even_im = 0.5f * (im[a] - im[b]);
  float odd_re = 0.5f * (im[a] + im[b]), odd_im = 0.5f * (re[b] - re[a]);
  float c = tables.cosine[k], s = tables.sine[k];
  float x = even_re + odd_re * c + odd_im * s, y = even_im + odd_im * c - odd_re * s;
  return x * x + y * y;
}

/* features[r, m] = log(mel + 2^-24), spare rows 0. A block has one frame, a thread a butterfly, then bins,
 * then filters. Grid R, block n_fft / 4 (at least a warp), shared (2 M + M + 1) floats, M = n_fft / 2. Reads
 * n_fft / hop_length times the samples (cache), writes features once. n_fft a power of two from 4 to 2048. */
static __global__ void frontend_log_mel_kernel(float *features, const int16_t *samples,
                                               const int64_t *sample_offsets, Rows rows, FrontendConfig c,
                                               DeviceTables tables, int bits) {
  extern __shared__ float shared[];
  int M = c.n_fft / 2, row = blockIdx.x, pad = (c.n_fft - c.win_length) / 2;
  float *re = shared, *im = shared + M, *power = shared + 2 * M, *out = features + (size_t)row * c.n_mels;
  if (row >= rows.offsets[rows.U]) {
    for (int m = threadIdx.x; m < c.n_mels; m += blockDim.x) out[m] = 0.0f;
    return;
  }
  int u = row_utterance(rows, row);
  const int16_t *x = samples + sample_offsets[u];
  int64_t count = sample_offsets[u + 1] - sample_offsets[u];
  int64_t first = (int64_t)(row - rows.offsets[u]) * c.hop_length - M + pad;
  for (int n = threadIdx.x; n < M; n += blockDim.x) {
    int to = bits_reversed(n, bits);
    re[to] = windowed(c, tables.window, x, count, first, 2 * n - pad);
    im[to] = windowed(c, tables.window, x, count, first, 2 * n + 1 - pad);
  }
  transform(re, im, tables, M);
  for (int k = threadIdx.x; k <= M; k += blockDim.x) power[k] = power_of(re, im, tables, M, k);
  __syncthreads();
  for (int m = threadIdx.x; m < c.n_mels; m += blockDim.x) {
    MelFilter filter = tables.filters[m];
    float sum = 0;
    for (int k = 0; k < filter.count; k++) sum += tables.weights[filter.start + k] * power[filter.first + k];
    out[m] = logf(sum + 0x1p-24f);
  }
}

/* The sum over a block's LANES threads of one bin, in their order, for all of them. All threads call. */
static __device__ double lanes_sum(double x, double (*shared)[BINS]) {
  shared[threadIdx.y][threadIdx.x] = x;
  __syncthreads();
  double sum = 0;
  for (int lane = 0; lane < LANES; lane++) sum += shared[lane][threadIdx.x];
  __syncthreads();
  return sum;
}

/* Each bin minus its mean over the utterance, over its standard deviation + 1e-5, in double; mean first, then
 * the deviations from it. A thread has one bin and every LANES-th frame. Grid (U, ceil(n_mels / BINS)), block
 * (BINS, LANES), shared 8 BINS LANES bytes. Reads features three times, writes them once. Any sizes. */
static __global__ void frontend_normalise_kernel(float *features, Rows rows, int n_mels) {
  __shared__ double shared[LANES][BINS];
  int u = blockIdx.x, m = blockIdx.y * BINS + threadIdx.x, T = rows.offsets[u + 1] - rows.offsets[u];
  float *x = features + (size_t)rows.offsets[u] * n_mels + m;
  int end = m < n_mels ? T : 0; /* threads without a bin help at the barriers */
  double sum = 0, squares = 0;
  for (int t = threadIdx.y; t < end; t += LANES) sum += (double)x[(size_t)t * n_mels];
  double mean = lanes_sum(sum, shared) / T;
  for (int t = threadIdx.y; t < end; t += LANES) {
    double d = (double)x[(size_t)t * n_mels] - mean;
    squares += d * d;
  }
  squares = lanes_sum(squares, shared);
  double scale = 1.0 / ((T > 1 ? sqrt(squares / (T - 1)) : 0.0) + 1e-5);
  for (int t = threadIdx.y; t < end; t += LANES)
    x[(size_t)t * n_mels] = (float)(((double)x[(size_t)t * n_mels] - mean) * scale);
}

/* Copies `count` elements to *at in device memory and moves it on; returns where they stand. */
template <typename T> static const T *upload(char **at, const T *from, size_t count) {
  T *to = (T *)*at;
  CUDA_CHECK(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyHostToDevice, 0));
  *at += count * sizeof(T);
  return to;
}

static Frontend *frontend_new(const FrontendConfig *config) {
  FrontendTables tables = frontend_tables_new(config);
  int M = config->n_fft / 2;
  assert(config->n_fft >= 4 && config->n_fft <= 2048 && (config->n_fft & (config->n_fft - 1)) == 0);
  float *turns = (float *)malloc(sizeof(float) * 2 * (size_t)(M + 1));
  Frontend *frontend = (Frontend *)calloc(1, sizeof *frontend);
  assert(turns && frontend);
  for (int k = 0; k <= M; k++) {
    turns[k] = (float)cos(2.0 * M_PI * k / config->n_fft);
    turns[M + 1 + k] = (float)sin(2.0 * M_PI * k / config->n_fft);
  }
  frontend->config = *config;
  size_t floats = (size_t)config->win_length + (size_t)tables.weight_count + 2 * (size_t)(M + 1);
  CUDA_CHECK(
      cudaMalloc(&frontend->memory, sizeof(float) * floats + sizeof(MelFilter) * (size_t)config->n_mels));
  char *at = (char *)frontend->memory;
  frontend->tables.window = upload(&at, tables.window, (size_t)config->win_length);
  frontend->tables.weights = upload(&at, tables.weights, (size_t)tables.weight_count);
  frontend->tables.cosine = upload(&at, turns, 2 * (size_t)(M + 1));
  frontend->tables.sine = frontend->tables.cosine + M + 1;
  frontend->tables.filters = upload(&at, tables.filters, (size_t)config->n_mels);
  CUDA_CHECK(cudaStreamSynchronize(0));
  free(turns);
  frontend_tables_free(&tables);
  return frontend;
}

static void frontend_free(Frontend *frontend) {
  if (!frontend) return;
  CUDA_CHECK(cudaFree(frontend->memory));
  free(frontend);
}

static void frontend_forward(Stream *stream, const Frontend *frontend, float *features,
                             const int16_t *samples, const int64_t *sample_offsets, Rows rows) {
  const FrontendConfig *c = &frontend->config;
  int M = c->n_fft / 2, bits = 0, threads = M / 2 < WARP ? WARP : M / 2;
  while (1 << bits < M) bits++;
  if (rows.R == 0) return;
  frontend_log_mel_kernel<<<rows.R, threads, sizeof(float) * (size_t)(3 * M + 1), stream->queue>>>(
      features, samples, sample_offsets, rows, *c, frontend->tables, bits);
  CUDA_LAUNCHED();
  if (rows.T_max == 0) return;
  frontend_normalise_kernel<<<dim3(rows.U, blocks_for(c->n_mels, BINS)), dim3(BINS, LANES), 0,
                              stream->queue>>>(features, rows, c->n_mels);
  CUDA_LAUNCHED();
}

/* Features are float, whatever the activation type. */
CUDA_SAME(Frontend *, frontend_new, (const FrontendConfig *config), (config))
CUDA_SAME(void, frontend_free, (Frontend * frontend), (frontend))
CUDA_SAME(void, frontend_forward,
          (Stream * stream, const Frontend *frontend, float *features, const int16_t *samples,
           const int64_t *sample_offsets, Rows rows),
          (stream, frontend, features, samples, sample_offsets, rows))
