/* Depthwise convolution over time. Eight channels at a time, a tile of frames is copied into a small block of
 * its own, frames outside the utterance as zeros; there the sums of REGISTERS neighbouring outputs stay in
 * registers while the taps pass by. Each output is the sum of its K taps in order, wherever its tile lies. */
#include "kernels/depthwise.h"

#include <assert.h>
#include <omp.h>
#include <stdbool.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

enum {
  TILE = 128,    /* frames of a tile; with both halos 5 KiB at K = 31: in the first cache */
  REGISTERS = 8, /* sums kept in registers; divides TILE */
};

/* Scratch of one thread. `halo` is K rounded up to REGISTERS: the weight's gradient takes that many taps at a
 * time. */
typedef struct Block {
  Lanes *weight; /* (halo), of the eight channels: [k][channel] */
  Lanes *x, *dy; /* (TILE + halo), the first row is frame `first - P` */
  Lanes *out;    /* (TILE) */
  double *sum;   /* (halo + 1, LANES): the taps' gradients, and the bias's */
} Block;

static int round_up(int n) { return (n + REGISTERS - 1) / REGISTERS * REGISTERS; }

static size_t block_bytes(int K) {
  size_t halo = (size_t)round_up(K);
  return sizeof(Lanes) * (halo + 2 * (TILE + halo) + TILE) + sizeof(double) * (halo + 1) * LANES;
}

static Block block_of_thread(char *scratch, int K) {
  int halo = round_up(K);
  Block b;
  b.weight = (Lanes *)(void *)(scratch + (size_t)omp_get_thread_num() * block_bytes(K));
  b.x = b.weight + halo;
  b.dy = b.x + TILE + halo;
  b.out = b.dy + TILE + halo;
  b.sum = (double *)(void *)(b.out + TILE);
  return b;
}

/* weight[k] = taps k of the n channels from c on, from the last to the first when `reverse`. */
static void take_weight(Lanes *to, const float *weight, int c, int n, int K, bool reverse) {
  for (int k = 0; k < K; k++) {
    Lanes taps = {0};
    for (int i = 0; i < n; i++)
      taps[i] = weight[(size_t)(c + i) * (size_t)K + (size_t)(reverse ? K - 1 - k : k)];
    to[k] = taps;
  }
}

/* to[i] = n channels of frame first + i, for i < count; zero outside 0 .. T - 1. x is channel c of frame 0.
 */
static void take_frames(Lanes *to, const float *x, int T, int C, int n, int first, int count) {
  for (int i = 0; i < count; i++) {
    int t = first + i;
    to[i] = (Lanes){0};
    if (t >= 0 && t < T) to[i] = lanes_load(x + (ptrdiff_t)t * C, n);
  }
}

static void put_frames(float *y, const Lanes *from, int C, int n, int first, int count) {
  for (int i = 0; i < count; i++) lanes_store(y + (ptrdiff_t)(first + i) * C, from[i], n);
}

/* out[i] = start + sum_k weight[k] x[i + k], count outputs rounded up to REGISTERS. */
static void correlate(Lanes *out, const Lanes *x, const Lanes *weight, Lanes start, int count, int K) {
  for (int i = 0; i < count; i += REGISTERS) {
    Lanes sum[REGISTERS];
    for (int j = 0; j < REGISTERS; j++) sum[j] = start;
    for (int k = 0; k < K; k++)
      for (int j = 0; j < REGISTERS; j++) sum[j] += weight[k] * x[i + k + j];
    for (int j = 0; j < REGISTERS; j++) out[i + j] = sum[j];
  }
}

/* sum[k] += sum_i dy[i] x[i + k] for all taps, sum[halo] += sum_i dy[i]. */
static void add_weight_gradient(double *sum, const Lanes *x, const Lanes *dy, int count, int halo) {
  for (int k = 0; k < halo; k += REGISTERS) {
    Lanes taps[REGISTERS] = {0};
    for (int i = 0; i < count; i++)
      for (int j = 0; j < REGISTERS; j++) taps[j] += dy[i] * x[i + k + j];
    for (int j = 0; j < REGISTERS; j++) lanes_add(sum + (k + j) * LANES, taps[j]);
  }
  Lanes bias = {0};
  for (int i = 0; i < count; i++) bias += dy[i];
  lanes_add(sum + halo * LANES, bias);
}

static void forward_channels(float *y, const float *x, Rows rows, int C, int K, int n, Lanes bias, Block b) {
  for (int u = 0; u < rows.U; u++) {
    int T = rows.offsets[u + 1] - rows.offsets[u];
    ptrdiff_t at = (ptrdiff_t)rows.offsets[u] * C;
    for (int first = 0; first < T; first += TILE) {
      int count = T - first < TILE ? T - first : TILE;
      take_frames(b.x, x + at, T, C, n, first - (K - 1) / 2, round_up(count) + K - 1);
      correlate(b.out, b.x, b.weight, bias, count, K);
      put_frames(y + at, b.out, C, n, first, count);
    }
  }
}

void cpu_depthwise_forward(Stream *stream, void *y_, const void *x_, const float *weight, const float *bias,
                           Rows rows, int C, int K) {
  float *y = y_;
  const float *x = x_;
  assert(K % 2 == 1);
  char *scratch = stream_scratch(stream, block_bytes(K) * (size_t)omp_get_max_threads());
  zero_spare_rows(y, rows, (size_t)C);
#pragma omp parallel for schedule(static)
  for (int c = 0; c < C; c += LANES) {
    Block b = block_of_thread(scratch, K);
    int n = lanes_left(C, c);
    take_weight(b.weight, weight, c, n, K, false);
    forward_channels(y + c, x + c, rows, C, K, n, bias ? lanes_load(bias + c, n) : (Lanes){0}, b);
  }
}

/* dx[t] = sum_k weight[k] dy[t + P - k]: the same correlation with the taps reversed. */
static void backward_channels(float *dx, const float *dy, const float *x, Rows rows, int C, int K, int n,
                              Block b) {
  int halo = round_up(K), P = (K - 1) / 2;
  memset(b.sum, 0, sizeof(double) * (size_t)(halo + 1) * LANES);
  for (int u = 0; u < rows.U; u++) {
    int T = rows.offsets[u + 1] - rows.offsets[u];
    ptrdiff_t at = (ptrdiff_t)rows.offsets[u] * C;
    for (int first = 0; first < T; first += TILE) {
      int count = T - first < TILE ? T - first : TILE;
      take_frames(b.dy, dy + at, T, C, n, first - P, round_up(count) + K - 1);
      correlate(b.out, b.dy, b.weight, (Lanes){0}, count, K);
      put_frames(dx + at, b.out, C, n, first, count);
      take_frames(b.x, x + at, T, C, n, first - P, count + halo - 1);
      add_weight_gradient(b.sum, b.x, b.dy + P, count, halo);
    }
  }
}

void cpu_depthwise_backward(Stream *stream, void *dx_, float *dweight, float *dbias, const void *dy_,
                            const void *x_, const float *weight, Rows rows, int C, int K) {
  float *dx = dx_;
  const float *dy = dy_, *x = x_;
  assert(K % 2 == 1);
  char *scratch = stream_scratch(stream, block_bytes(K) * (size_t)omp_get_max_threads());
  zero_spare_rows(dx, rows, (size_t)C);
#pragma omp parallel for schedule(static)
  for (int c = 0; c < C; c += LANES) {
    Block b = block_of_thread(scratch, K);
    int n = lanes_left(C, c);
    take_weight(b.weight, weight, c, n, K, true);
    backward_channels(dx + c, dy + c, x + c, rows, C, K, n, b);
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < K; k++) dweight[(ptrdiff_t)(c + i) * K + k] += (float)b.sum[k * LANES + i];
      if (dbias) dbias[c + i] += (float)b.sum[round_up(K) * LANES + i];
    }
  }
}
