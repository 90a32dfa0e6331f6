/* The 2-D convolutions of the subsampling front. Plain and depthwise are one kernel: they differ in where a
 * tap reads. An output is the sum of its taps in order; taps outside the image add nothing. The gradients of
 * the taps are summed by chunks of output rows, then over the chunks in order. JARGON_CUDNN has cuDNN make
 * them instead (conv2d_cudnn.cuh). */
#include "kernels/conv2d.h"

#include <assert.h>

#include "kernels/cuda/conv2d_cudnn.cuh"
#include "kernels/cuda/device.cuh"

enum {
  CHANNELS = 32, /* of a block: threadIdx.x */
  LANES = 8,     /* threadIdx.y: bins, or taps, taken at once */
  CHUNK = 16,    /* output rows of a partial sum */
};

/* Where tap (ky, kx) of output (t, f) of an utterance of T frames reads: the index of the position in the
 * utterance's image (T, F_in), or -1 outside. */
static __device__ ptrdiff_t under_tap(int T, int t, int f, int ky, int kx, Conv2dShape s) {
  int P = (s.K - 1) / 2, ti = t * s.stride + ky - P, fi = f * s.stride + kx - P;
  return ti >= 0 && ti < T && fi >= 0 && fi < s.F_in ? (ptrdiff_t)ti * s.F_in + fi : -1;
}

/* Input element of channel c at a position: there is one channel, or C of them. */
template <bool DEPTHWISE, typename In>
static __device__ float input_at(const In *x, ptrdiff_t position, int c, int C) {
  return load(DEPTHWISE ? x + position * C + c : x + position);
}

/* y[r, f, c] = bias[c] + sum over the taps of weight[c, k] x. A block has one output row and CHANNELS
 * channels, a thread one channel and every LANES-th bin. Grid (R_out, ceil(C / CHANNELS)), block (CHANNELS,
 * LANES), no shared memory. Reads x once (its re-use through the cache), writes y once. Any sizes, K odd. */
template <typename Act, typename In, bool DEPTHWISE>
static __global__ void conv2d_forward_kernel(Act *y, const In *x, const float *weight, const float *bias,
                                             Rows in, Rows out, Conv2dShape s) {
  int row = blockIdx.x, c = blockIdx.y * CHANNELS + threadIdx.x;
  if (c >= s.C) return;
  Act *y_row = y + (size_t)row * s.F_out * s.C + c;
  if (row >= out.offsets[out.U]) {
    for (int f = threadIdx.y; f < s.F_out; f += LANES) store(y_row + (size_t)f * s.C, 0.0f);
    return;
  }
  int u = row_utterance(out, row), T = in.offsets[u + 1] - in.offsets[u], t = row - out.offsets[u];
  const In *x_u = x + (size_t)in.offsets[u] * s.F_in * (DEPTHWISE ? s.C : 1);
  const float *taps = weight + (size_t)c * s.K * s.K;
  for (int f = threadIdx.y; f < s.F_out; f += LANES) {
    float sum = bias[c];
    for (int ky = 0; ky < s.K; ky++)
      for (int kx = 0; kx < s.K; kx++) {
        ptrdiff_t position = under_tap(T, t, f, ky, kx, s);
        if (position >= 0) sum += taps[ky * s.K + kx] * input_at<DEPTHWISE>(x_u, position, c, s.C);
      }
    store(y_row + (size_t)f * s.C, sum);
  }
}

/* dx[r, f, c] = sum over the outputs whose tap (ky, kx) read it of weight[c, k] dy. A block has one input row
 * and CHANNELS channels, a thread one channel and every LANES-th bin. Grid (R_in, ceil(C / CHANNELS)), block
 * (CHANNELS, LANES), no shared memory. Reads dy once, writes dx once. Any sizes, K odd. */
template <typename Act>
static __global__ void depthwise_conv2d_dx_kernel(Act *dx, const Act *dy, const float *weight, Rows in,
                                                  Rows out, Conv2dShape s) {
  int row = blockIdx.x, c = blockIdx.y * CHANNELS + threadIdx.x, P = (s.K - 1) / 2;
  if (c >= s.C) return;
  bool spare = row >= in.offsets[in.U];
  int u = spare ? 0 : row_utterance(in, row), t = row - in.offsets[u];
  int T_out = spare ? 0 : out.offsets[u + 1] - out.offsets[u];
  const Act *dy_u = dy + (size_t)out.offsets[u] * s.F_out * s.C + c;
  const float *taps = weight + (size_t)c * s.K * s.K;
  for (int f = threadIdx.y; f < s.F_in; f += LANES) {
    float sum = 0;
    for (int ky = (t + P) % s.stride; ky < s.K && ky <= t + P; ky += s.stride) {
      int to = (t + P - ky) / s.stride;
      if (to >= T_out) continue;
      for (int kx = (f + P) % s.stride; kx < s.K && kx <= f + P; kx += s.stride) {
        int fo = (f + P - kx) / s.stride;
        if (fo < s.F_out) sum += taps[ky * s.K + kx] * load(dy_u + ((size_t)to * s.F_out + fo) * s.C);
      }
    }
    store(dx + ((size_t)row * s.F_in + f) * s.C + c, sum);
  }
}

/* parts[chunk, k, c] = sum over the chunk's output rows and bins of dy times what tap k read, and k = K K: of
 * dy. A thread has one channel and every LANES-th tap. Grid (chunks of R_out, ceil(C / CHANNELS)), block
 * (CHANNELS, LANES), no shared memory. Reads dy and x once (their re-use through the cache). Any sizes, K
 * odd. */
template <typename Act, typename In, bool DEPTHWISE>
static __global__ void conv2d_gradient_kernel(float *parts, const Act *dy, const In *x, Rows in, Rows out,
                                              Conv2dShape s) {
  int c = blockIdx.y * CHANNELS + threadIdx.x, taps = s.K * s.K;
  int first = blockIdx.x * CHUNK, end = min(first + CHUNK, out.offsets[out.U]);
  if (c >= s.C || first >= end) return;
  for (int k = threadIdx.y; k <= taps; k += LANES) {
    float sum = 0;
    int u = row_utterance(out, first);
    for (int row = first; row < end; row++) {
      while (row >= out.offsets[u + 1]) u++;
      const Act *dy_row = dy + (size_t)row * s.F_out * s.C + c;
      const In *x_u = x + (size_t)in.offsets[u] * s.F_in * (DEPTHWISE ? s.C : 1);
      int T = in.offsets[u + 1] - in.offsets[u];
      for (int f = 0; f < s.F_out; f++) {
        ptrdiff_t position = k < taps ? under_tap(T, row - out.offsets[u], f, k / s.K, k % s.K, s) : 0;
        float d = load(dy_row + (size_t)f * s.C);
        if (position >= 0) sum += k < taps ? d * input_at<DEPTHWISE>(x_u, position, c, s.C) : d;
      }
    }
    parts[((size_t)blockIdx.x * (taps + 1) + k) * s.C + c] = sum;
  }
}

/* dweight[c, k] += sum over the chunks, in order, of parts[chunk, k, c]; dbias[c] likewise of k = K K. A
 * thread has one (k, c). Grid (ceil(C / 32), K K + 1), block 32. Reads parts once. */
static __global__ void conv2d_add_parts_kernel(float *dweight, float *dbias, const float *parts, Rows out,
                                               int C, int taps) {
  int c = blockIdx.x * 32 + threadIdx.x, k = blockIdx.y;
  if (c >= C) return;
  double sum = 0;
  for (int chunk = 0; chunk * CHUNK < out.offsets[out.U]; chunk++)
    sum += (double)parts[((size_t)chunk * (taps + 1) + k) * C + c];
  float *to = k < taps ? dweight + (size_t)c * taps + k : dbias + c;
  *to += (float)sum;
}

static dim3 grid_of(int rows, int C) { return dim3(rows, blocks_for(C, CHANNELS)); }

/* An image without rows is nothing for cuDNN. */
static bool by_cudnn(Rows out) { return cudnn_chosen() && out.U > 0 && out.R > 0; }

template <bool DEPTHWISE, typename Act, typename In>
static void forward(Stream *stream, Act *y, const In *x, const float *weight, const float *bias, Rows in,
                    Rows out, Conv2dShape s) {
  assert(s.K % 2 == 1);
  if (out.R == 0) return;
  if (by_cudnn(out)) return cudnn_forward(stream, y, x, weight, bias, in, out, s, DEPTHWISE);
  conv2d_forward_kernel<Act, In, DEPTHWISE>
      <<<grid_of(out.R, s.C), dim3(CHANNELS, LANES), 0, stream->queue>>>(y, x, weight, bias, in, out, s);
  CUDA_LAUNCHED();
}

template <bool DEPTHWISE, typename Act, typename In>
static void gradient(Stream *stream, float *dweight, float *dbias, const Act *dy, const In *x, Rows in,
                     Rows out, Conv2dShape s) {
  int chunks = (int)blocks_for(out.R, CHUNK), taps = s.K * s.K;
  if (chunks == 0) return;
  float *parts = (float *)cuda_scratch(stream, sizeof(float) * (size_t)chunks * (size_t)(taps + 1) * s.C);
  conv2d_gradient_kernel<Act, In, DEPTHWISE>
      <<<grid_of(chunks, s.C), dim3(CHANNELS, LANES), 0, stream->queue>>>(parts, dy, x, in, out, s);
  CUDA_LAUNCHED();
  conv2d_add_parts_kernel<<<dim3(blocks_for(s.C, 32), taps + 1), 32, 0, stream->queue>>>(
      dweight, dbias, parts, out, s.C, taps);
  CUDA_LAUNCHED();
}

template <typename Act>
static void conv2d_forward_launch(Stream *stream, void *y, const float *x, const float *weight,
                                  const float *bias, Rows in, Rows out, Conv2dShape shape) {
  forward<false>(stream, (Act *)y, x, weight, bias, in, out, shape);
}

template <typename Act>
static void conv2d_backward_launch(Stream *stream, float *dweight, float *dbias, const void *dy,
                                   const float *x, Rows in, Rows out, Conv2dShape shape) {
  assert(shape.K % 2 == 1);
  if (by_cudnn(out))
    return cudnn_backward(stream, (Act *)NULL, dweight, dbias, (const Act *)dy, x, (const float *)NULL, in,
                          out, shape, false);
  gradient<false>(stream, dweight, dbias, (const Act *)dy, x, in, out, shape);
}

template <typename Act>
static void depthwise_conv2d_forward_launch(Stream *stream, void *y, const void *x, const float *weight,
                                            const float *bias, Rows in, Rows out, Conv2dShape shape) {
  forward<true>(stream, (Act *)y, (const Act *)x, weight, bias, in, out, shape);
}

template <typename Act>
static void depthwise_conv2d_backward_launch(Stream *stream, void *dx, float *dweight, float *dbias,
                                             const void *dy, const void *x, const float *weight, Rows in,
                                             Rows out, Conv2dShape shape) {
  assert(shape.K % 2 == 1);
  if (by_cudnn(out))
    return cudnn_backward(stream, (Act *)dx, dweight, dbias, (const Act *)dy, (const Act *)x, weight, in, out,
                          shape, true);
  if (in.R > 0) {
    depthwise_conv2d_dx_kernel<<<grid_of(in.R, shape.C), dim3(CHANNELS, LANES), 0, stream->queue>>>(
        (Act *)dx, (const Act *)dy, weight, in, out, shape);
    CUDA_LAUNCHED();
  }
  gradient<true>(stream, dweight, dbias, (const Act *)dy, (const Act *)x, in, out, shape);
}

CUDA_TWINS(conv2d_forward,
           (Stream * stream, void *y, const float *x, const float *weight, const float *bias, Rows in,
            Rows out, Conv2dShape shape),
           (stream, y, x, weight, bias, in, out, shape))
CUDA_TWINS(conv2d_backward,
           (Stream * stream, float *dweight, float *dbias, const void *dy, const float *x, Rows in, Rows out,
            Conv2dShape shape),
           (stream, dweight, dbias, dy, x, in, out, shape))
CUDA_TWINS(depthwise_conv2d_forward,
           (Stream * stream, void *y, const void *x, const float *weight, const float *bias, Rows in,
            Rows out, Conv2dShape shape),
           (stream, y, x, weight, bias, in, out, shape))
CUDA_TWINS(depthwise_conv2d_backward,
           (Stream * stream, void *dx, float *dweight, float *dbias, const void *dy, const void *x,
            const float *weight, Rows in, Rows out, Conv2dShape shape),
           (stream, dx, dweight, dbias, dy, x, weight, in, out, shape))
