/* The 2-D convolutions of the subsampling front. A channel's sum over its taps has one order everywhere; taps
 * that fall outside the image read zeros. The weights' gradients are summed by tiles of output rows, in
 * double between rows.
 *
 * plain      the K input rows under an output row are copied with a border of zeros; then BINS outputs by 8
 * channels stay in registers while the taps pass by, each input broadcast. depthwise  each output has a list
 * of taps: pairs of channel vectors (x, weight) to multiply and add. */
#include "kernels/conv2d.h"

#include <assert.h>
#include <omp.h>
#include <stdbool.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

enum {
  BINS = 8,       /* neighbouring outputs kept in registers */
  TAPS = 9,       /* taps whose gradients are kept in registers: all of a 3 x 3 kernel */
  TILE_ROWS = 32, /* output rows of a tile of the weight's gradient */
};

static int row_tiles(int rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }

static int taps_rounded(int K) { return (K * K + TAPS - 1) / TAPS * TAPS; }

/* C rounded up to whole vectors: the row length of weights and sums in scratch. */
static size_t padded(int C) { return ((size_t)C + LANES - 1) / LANES * LANES; }

/* to (K K, padded C) = weight (C, K K). */
static void transpose_weight(float *to, const float *weight, int C, int taps) {
  memset(to, 0, sizeof(float) * (size_t)taps * padded(C));
  for (int c = 0; c < C; c++)
    for (int k = 0; k < taps; k++)
      to[(size_t)k * padded(C) + (size_t)c] = weight[(size_t)c * (size_t)taps + (size_t)k];
}

/* dweight (C, K K) and dbias (C) += the tiles' sums (tiles, taps + 1, padded C), the bias's after those of
 * the taps. */
static void add_gradients(float *dweight, float *dbias, double *sums, int tiles, int C, int K) {
  size_t taps = (size_t)taps_rounded(K), width = (taps + 1) * padded(C);
  for (int tile = 1; tile < tiles; tile++)
    for (size_t i = 0; i < width; i++) sums[i] += sums[(size_t)tile * width + i];
  for (int c = 0; c < C; c++) {
    for (int k = 0; k < K * K; k++)
      dweight[(size_t)c * (size_t)(K * K) + (size_t)k] += (float)sums[(size_t)k * padded(C) + (size_t)c];
    dbias[c] += (float)sums[taps * padded(C) + (size_t)c];
  }
}

/* ---- plain: one input channel ---- */

/* Bins of a bordered row, enough for F_out rounded up to BINS. */
static int border_width(Conv2dShape s) { return ((s.F_out + BINS - 1) / BINS * BINS - 1) * s.stride + s.K; }

/* to (K, width): the input rows under output frame t, with zeros around them. x is the utterance's first row.
 */
static void border_rows(float *to, const float *x, int T, int t, Conv2dShape s) {
  int P = (s.K - 1) / 2, width = border_width(s);
  int bins = s.F_in < width - P ? s.F_in : width - P;
  memset(to, 0, sizeof(float) * (size_t)(s.K * width));
  for (int k = 0; k < s.K; k++) {
    int from = t * s.stride + k - P;
    if (from >= 0 && from < T)
      memcpy(to + k * width + P, x + (ptrdiff_t)from * s.F_in, sizeof(float) * (size_t)bins);
  }
}

/* y (F_out, C), of which n channels, of one output frame. */
static inline void conv2d_lanes(float *y, const float *bordered, const float *weight, Lanes bias,
                                Conv2dShape s, int n) {
  int width = border_width(s);
  for (int f = 0; f < s.F_out; f += BINS) {
    Lanes sum[BINS];
    for (int j = 0; j < BINS; j++) sum[j] = bias;
    for (int ky = 0; ky < s.K; ky++)
      for (int kx = 0; kx < s.K; kx++) {
        Lanes tap = lanes_load(weight + (size_t)(ky * s.K + kx) * padded(s.C), LANES);
        const float *x = bordered + ky * width + f * s.stride + kx;
        for (int j = 0; j < BINS; j++) sum[j] += tap * lanes_all(x[j * s.stride]);
      }
    for (int j = 0; j < BINS && f + j < s.F_out; j++) lanes_store(y + (ptrdiff_t)(f + j) * s.C, sum[j], n);
  }
}

static void conv2d_row(float *y, const float *bordered, const float *weight, const float *bias,
                       Conv2dShape s) {
  int c = 0;
  for (; c + LANES <= s.C; c += LANES)
    conv2d_lanes(y + c, bordered, weight + c, lanes_load(bias + c, LANES), s, LANES);
  if (c < s.C) conv2d_lanes(y + c, bordered, weight + c, lanes_load(bias + c, s.C - c), s, s.C - c);
}

void cpu_conv2d_forward(Stream *stream, void *y_, const float *x, const float *weight, const float *bias,
                        Rows in, Rows out, Conv2dShape s) {
  float *y = y_;
  assert(s.K % 2 == 1);
  size_t taps = (size_t)(s.K * s.K), bordered = (size_t)(s.K * border_width(s));
  float *by_tap =
      stream_scratch(stream, sizeof(float) * (taps * padded(s.C) + bordered * (size_t)omp_get_max_threads()));
  float *borders = by_tap + taps * padded(s.C);
  transpose_weight(by_tap, weight, s.C, s.K * s.K);
  zero_spare_rows(y, out, (size_t)s.F_out * (size_t)s.C);
#pragma omp parallel for schedule(static)
  for (int r = 0; r < out.offsets[out.U]; r++) {
    int u = row_utterance(&out, r);
    float *border = borders + bordered * (size_t)omp_get_thread_num();
    border_rows(border, x + (ptrdiff_t)in.offsets[u] * s.F_in, in.offsets[u + 1] - in.offsets[u],
                r - out.offsets[u], s);
    conv2d_row(y + (ptrdiff_t)r * s.F_out * s.C, border, by_tap, bias, s);
  }
}

/* sums (taps + 1, C), of which n channels, += the gradients of one output frame. */
static inline void conv2d_gradient_lanes(double *sums, const float *dy, const float *bordered, Conv2dShape s,
                                         int n) {
  int width = border_width(s), taps = taps_rounded(s.K);
  Lanes bias = {0};
  for (int k = 0; k < taps; k += TAPS) {
    const float *x[TAPS];
    for (int j = 0; j < TAPS; j++) x[j] = bordered + (k + j) / s.K % s.K * width + (k + j) % s.K;
    Lanes sum[TAPS] = {0};
    for (int f = 0; f < s.F_out; f++) {
      Lanes d = lanes_load(dy + (ptrdiff_t)f * s.C, n);
      for (int j = 0; j < TAPS; j++) sum[j] += d * lanes_all(x[j][f * s.stride]);
      if (k == 0) bias += d;
    }
    for (int j = 0; j < TAPS; j++) lanes_add(sums + (size_t)(k + j) * padded(s.C), sum[j]);
  }
  lanes_add(sums + (size_t)taps * padded(s.C), bias);
}

static void conv2d_row_gradient(double *sums, const float *dy, const float *bordered, Conv2dShape s) {
  int c = 0;
  for (; c + LANES <= s.C; c += LANES) conv2d_gradient_lanes(sums + c, dy + c, bordered, s, LANES);
  if (c < s.C) conv2d_gradient_lanes(sums + c, dy + c, bordered, s, s.C - c);
}

void cpu_conv2d_backward(Stream *stream, float *dweight, float *dbias, const void *dy_, const float *x,
                         Rows in, Rows out, Conv2dShape s) {
  const float *dy = dy_;
  int N = out.offsets[out.U], tiles = row_tiles(N);
  size_t sums_of_tile = (size_t)(taps_rounded(s.K) + 1) * padded(s.C),
         bordered = (size_t)(s.K * border_width(s));
  if (N == 0) return;
  double *sums = stream_scratch(stream, sizeof(double) * sums_of_tile * (size_t)tiles +
                                            sizeof(float) * bordered * (size_t)omp_get_max_threads());
  float *borders = (float *)(void *)(sums + sums_of_tile * (size_t)tiles);
#pragma omp parallel for schedule(static)
  for (int tile = 0; tile < tiles; tile++) {
    double *sum = sums + sums_of_tile * (size_t)tile;
    float *border = borders + bordered * (size_t)omp_get_thread_num();
    memset(sum, 0, sizeof(double) * sums_of_tile);
    for (int r = tile * TILE_ROWS; r < N && r < (tile + 1) * TILE_ROWS; r++) {
      int u = row_utterance(&out, r);
      border_rows(border, x + (ptrdiff_t)in.offsets[u] * s.F_in, in.offsets[u + 1] - in.offsets[u],
                  r - out.offsets[u], s);
      conv2d_row_gradient(sum, dy + (ptrdiff_t)r * s.F_out * s.C, border, s);
    }
  }
  add_gradients(dweight, dbias, sums, tiles, s.C, s.K);
}

/* ---- depthwise: a filter for each channel ---- */

typedef struct Tap {
  const float *x, *weight; /* C channels each */
} Tap;

/* y (C) = bias + sum over the taps of weight x; bias may be NULL. */
static void add_taps(float *y, const float *bias, const Tap *tap, int taps, int C) {
  for (int c = 0; c < C; c += LANES) {
    int n = lanes_left(C, c);
    Lanes sum = bias ? lanes_load(bias + c, n) : (Lanes){0};
    for (int k = 0; k < taps; k++) sum += lanes_load(tap[k].weight + c, LANES) * lanes_load(tap[k].x + c, n);
    lanes_store(y + c, sum, n);
  }
}

/* The input (F_in, C) position under tap (ky, kx) of output (t, f) of an utterance of T frames; NULL outside.
 */
static const float *under_tap(const float *x, int T, int t, int f, int ky, int kx, Conv2dShape s) {
  int P = (s.K - 1) / 2, ti = t * s.stride + ky - P, fi = f * s.stride + kx - P;
  if (ti < 0 || ti >= T || fi < 0 || fi >= s.F_in) return NULL;
  return x + ((ptrdiff_t)ti * s.F_in + fi) * s.C;
}

void cpu_depthwise_conv2d_forward(Stream *stream, void *y_, const void *x_, const float *weight,
                                  const float *bias, Rows in, Rows out, Conv2dShape s) {
  float *y = y_;
  const float *x = x_;
  assert(s.K % 2 == 1);
  size_t taps = (size_t)(s.K * s.K), list_bytes = sizeof(Tap) * taps;
  char *lists =
      stream_scratch(stream, list_bytes * (size_t)omp_get_max_threads() + sizeof(float) * taps * padded(s.C));
  float *by_tap = (float *)(void *)(lists + list_bytes * (size_t)omp_get_max_threads());
  transpose_weight(by_tap, weight, s.C, s.K * s.K);
  zero_spare_rows(y, out, (size_t)s.F_out * (size_t)s.C);
#pragma omp parallel for schedule(static)
  for (int r = 0; r < out.offsets[out.U]; r++) {
    int u = row_utterance(&out, r), T = in.offsets[u + 1] - in.offsets[u], t = r - out.offsets[u];
    const float *x_u = x + (ptrdiff_t)in.offsets[u] * s.F_in * s.C;
    Tap *list = (Tap *)(lists + list_bytes * (size_t)omp_get_thread_num());
    for (int f = 0; f < s.F_out; f++) {
      int count = 0;
      for (int k = 0; k < s.K * s.K; k++) {
        const float *under = under_tap(x_u, T, t, f, k / s.K, k % s.K, s);
        if (under) list[count++] = (Tap){under, by_tap + (size_t)k * padded(s.C)};
      }
      add_taps(y + ((ptrdiff_t)r * s.F_out + f) * s.C, bias, list, count, s.C);
    }
  }
}

/* dx (F_in, C) of input frame t of an utterance: each dy whose taps saw the position, times that tap. */
static void depthwise_row_dx(float *dx, const float *dy, const float *by_tap, Tap *list, int T_out, int t,
                             Conv2dShape s) {
  int P = (s.K - 1) / 2;
  for (int f = 0; f < s.F_in; f++) {
    int count = 0;
    for (int ky = (t + P) % s.stride; ky < s.K; ky += s.stride) {
      int to = (t + P - ky) / s.stride;
      if (t + P - ky < 0 || to >= T_out) continue;
      for (int kx = (f + P) % s.stride; kx < s.K; kx += s.stride) {
        int fo = (f + P - kx) / s.stride;
        if (f + P - kx < 0 || fo >= s.F_out) continue;
        list[count++] =
            (Tap){dy + ((ptrdiff_t)to * s.F_out + fo) * s.C, by_tap + (size_t)(ky * s.K + kx) * padded(s.C)};
      }
    }
    add_taps(dx + (ptrdiff_t)f * s.C, NULL, list, count, s.C);
  }
}

/* sums (taps + 1, C), of which n channels from c on, += the gradients of one output frame; under (F_out,
 * taps) are the inputs under each output. */
static inline void depthwise_gradient_lanes(double *sums, const float *dy, const float *const *under, int c,
                                            Conv2dShape s, int n) {
  int taps = taps_rounded(s.K);
  Lanes bias = {0};
  for (int k = 0; k < taps; k += TAPS) {
    Lanes sum[TAPS] = {0};
    for (int f = 0; f < s.F_out; f++) {
      Lanes d = lanes_load(dy + (ptrdiff_t)f * s.C + c, n);
      for (int j = 0; j < TAPS; j++) sum[j] += d * lanes_load(under[f * taps + k + j] + c, n);
      if (k == 0) bias += d;
    }
    for (int j = 0; j < TAPS; j++) lanes_add(sums + (size_t)(k + j) * padded(s.C) + c, sum[j]);
  }
  lanes_add(sums + (size_t)taps * padded(s.C) + c, bias);
}

static void depthwise_row_gradient(double *sums, const float *dy, const float *const *under, Conv2dShape s) {
  int c = 0;
  for (; c + LANES <= s.C; c += LANES) depthwise_gradient_lanes(sums, dy, under, c, s, LANES);
  if (c < s.C) depthwise_gradient_lanes(sums, dy, under, c, s, s.C - c);
}

void cpu_depthwise_conv2d_backward(Stream *stream, void *dx_, float *dweight, float *dbias, const void *dy_,
                                   const void *x_, const float *weight, Rows in, Rows out, Conv2dShape s) {
  float *dx = dx_;
  const float *dy = dy_, *x = x_;
  int N = out.offsets[out.U], tiles = row_tiles(N), taps = taps_rounded(s.K);
  size_t sums_of_tile = (size_t)(taps + 1) * padded(s.C), threads = (size_t)omp_get_max_threads();
  size_t lists_of_thread = (size_t)(s.F_out > 1 ? s.F_out : 2) * (size_t)taps; /* pointers; a Tap is two */
  zero_spare_rows(dx, in, (size_t)s.F_in * (size_t)s.C);
  if (N == 0) return;
  double *sums = stream_scratch(stream, sizeof(double) * sums_of_tile * (size_t)tiles +
                                            sizeof(float *) * lists_of_thread * threads +
                                            sizeof(float) * (size_t)(s.K * s.K + 1) * padded(s.C));
  const float **lists = (const float **)(sums + sums_of_tile * (size_t)tiles);
  float *by_tap = (float *)(lists + lists_of_thread * threads),
        *zeros = by_tap + (size_t)(s.K * s.K) * padded(s.C);
  transpose_weight(by_tap, weight, s.C, s.K * s.K);
  memset(zeros, 0, sizeof(float) * (size_t)s.C);

#pragma omp parallel for schedule(static)
  for (int r = 0; r < in.offsets[in.U]; r++) {
    int u = row_utterance(&in, r), T_out = out.offsets[u + 1] - out.offsets[u];
    Tap *list = (Tap *)(lists + lists_of_thread * (size_t)omp_get_thread_num());
    depthwise_row_dx(dx + (ptrdiff_t)r * s.F_in * s.C, dy + (ptrdiff_t)out.offsets[u] * s.F_out * s.C, by_tap,
                     list, T_out, r - in.offsets[u], s);
  }

#pragma omp parallel for schedule(static)
  for (int tile = 0; tile < tiles; tile++) {
    double *sum = sums + sums_of_tile * (size_t)tile;
    const float **under = lists + lists_of_thread * (size_t)omp_get_thread_num();
    memset(sum, 0, sizeof(double) * sums_of_tile);
    for (int r = tile * TILE_ROWS; r < N && r < (tile + 1) * TILE_ROWS; r++) {
      int u = row_utterance(&out, r), T = in.offsets[u + 1] - in.offsets[u], t = r - out.offsets[u];
      const float *x_u = x + (ptrdiff_t)in.offsets[u] * s.F_in * s.C;
      for (int f = 0; f < s.F_out; f++)
        for (int k = 0; k < taps; k++) {
          const float *at = k < s.K * s.K ? under_tap(x_u, T, t, f, k / s.K, k % s.K, s) : NULL;
          under[f * taps + k] = at ? at : zeros;
        }
      depthwise_row_gradient(sum, dy + (ptrdiff_t)r * s.F_out * s.C, under, s);
    }
  }
  add_gradients(dweight, dbias, sums, tiles, s.C, s.K);
}

void cpu_transpose_inner(Stream *stream, void *y_, const void *x_, int R, int A, int B) {
  float *y = y_;
  const float *x = x_;
  (void)stream;
#pragma omp parallel for schedule(static)
  for (int r = 0; r < R; r++) {
    const float *from = x + (ptrdiff_t)r * A * B;
    float *to = y + (ptrdiff_t)r * A * B;
    for (int b = 0; b < B; b++)
      for (int a = 0; a < A; a++) to[(ptrdiff_t)b * A + a] = from[(ptrdiff_t)a * B + b];
  }
}
