/* The convolutions by cuDNN, which takes whole images: all utterances become one image in float, one above
 * the other, and what comes out becomes packed rows again. Rows of zeros between them stand for each
 * utterance's own padding: with P = (K - 1) / 2, gap = ceil(P / stride) and the image before taken `stride`
 * rows for each row after, utterance u starts at row stride (out.offsets[u] + u gap) before, and at
 * out.offsets[u] + u gap after, and no tap reaches from one into the next. So an image has R_out + U gap rows
 * (times stride before), known without asking the device, and nothing is padded to the longest. */
#ifndef JARGON_KERNELS_CUDA_CONV2D_CUDNN_CUH
#define JARGON_KERNELS_CUDA_CONV2D_CUDNN_CUH

#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/cudnn.h"
#include "kernels/cuda/device.cuh"

/* The image of one side of the convolution: `rows`, of `width` elements each. */
struct Image {
  Rows rows, out;
  int step, gap; /* step: stride before, 1 after */
  size_t width;
};

static __device__ __forceinline__ int image_start(const Image &image, int u) {
  return image.step * (image.out.offsets[u] + u * image.gap);
}

/* image = the packed rows of x in float, zeros between. A block has a row of the image, its threads along the
 * row. Grid: rows of the image, block 256, no shared memory. Reads x once, writes the image once. Any sizes,
 * U > 0. */
template <typename T> static __global__ void image_make_kernel(float *to, const T *x, Image image) {
  int h = blockIdx.x, low = 0, high = image.out.U; /* start of low <= h < start of high, or no more */
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (image_start(image, middle) <= h)
      low = middle;
    else
      high = middle;
  }
  int t = h - image_start(image, low), first = image.rows.offsets[low];
  bool real = t < image.rows.offsets[low + 1] - first;
  const T *row = x + (size_t)(first + (real ? t : 0)) * image.width;
  for (size_t i = threadIdx.x; i < image.width; i += blockDim.x)
    to[(size_t)h * image.width + i] = real ? load(row + i) : 0.0f;
}

/* y = the packed rows of the image, plus the bias of each channel where there is one; spare rows 0. A block
 * has a packed row, its threads along the row. Grid R, block 256, no shared memory. Reads the rows once,
 * writes y once. */
template <typename T>
static __global__ void image_take_kernel(T *y, const float *from, const float *bias, int C, Image image) {
  int r = blockIdx.x;
  T *row = y + (size_t)r * image.width;
  if (r >= image.rows.offsets[image.rows.U]) {
    for (size_t i = threadIdx.x; i < image.width; i += blockDim.x) store(row + i, 0.0f);
    return;
  }
  int u = row_utterance(image.rows, r), h = image_start(image, u) + r - image.rows.offsets[u];
  for (size_t i = threadIdx.x; i < image.width; i += blockDim.x)
    store(row + i, from[(size_t)h * image.width + i] + (bias ? bias[i % C] : 0.0f));
}

/* What a call lays into scratch: place() before the memory is there, then at(). */
struct Places {
  char *base;
  size_t used;
};

static inline size_t place(Places *places, size_t bytes) {
  size_t at = places->used;
  places->used += (bytes + 255) / 256 * 256;
  return at;
}

/* The two sides of one convolution. */
struct Sides {
  CudnnShape shape;
  Image in, out;
  size_t in_bytes, out_bytes, weight_bytes;
};

static Sides sides_of(Rows in, Rows out, Conv2dShape s, bool depthwise) {
  int gap = ((s.K - 1) / 2 + s.stride - 1) / s.stride;
  Sides sides;
  sides.shape = {s, depthwise, out.R + out.U * gap};
  sides.in = {in, out, s.stride, gap, (size_t)s.F_in * (depthwise ? s.C : 1)};
  sides.out = {out, out, 1, gap, (size_t)s.F_out * s.C};
  size_t height = (size_t)sides.shape.height;
  sides.in_bytes = height * s.stride * sides.in.width * sizeof(float);
  sides.out_bytes = height * sides.out.width * sizeof(float);
  sides.weight_bytes = (size_t)s.C * s.K * s.K * sizeof(float);
  return sides;
}

static inline void copy_weight(Stream *stream, void *to, const void *from, size_t bytes) {
  CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream->queue));
}

template <typename T>
static void image_make(Stream *stream, float *to, const T *x, const Image &image, int height) {
  image_make_kernel<T><<<height * image.step, 256, 0, stream->queue>>>(to, x, image);
  CUDA_LAUNCHED();
}

template <typename T>
static void image_take(Stream *stream, T *y, const float *from, const float *bias, int C,
                       const Image &image) {
  image_take_kernel<T><<<image.rows.R, 256, 0, stream->queue>>>(y, from, bias, C, image);
  CUDA_LAUNCHED();
}

/* y = conv(x) + bias. R_out > 0 and U > 0, here and below. */
template <typename Act, typename In>
static void cudnn_forward(Stream *stream, Act *y, const In *x, const float *weight, const float *bias,
                          Rows in, Rows out, Conv2dShape s, bool depthwise) {
  Sides sides = sides_of(in, out, s, depthwise);
  Places places = {};
  size_t x_at = place(&places, sides.in_bytes), y_at = place(&places, sides.out_bytes),
         weight_at = place(&places, sides.weight_bytes),
         work_at = place(&places, cudnn_workspace(stream, FORWARD_PASS, sides.shape));
  char *scratch = (char *)cuda_scratch(stream, places.used);
  float *x_image = (float *)(scratch + x_at), *y_image = (float *)(scratch + y_at);
  float *weight_copy = (float *)(scratch + weight_at);
  copy_weight(stream, weight_copy, weight, sides.weight_bytes);
  image_make(stream, x_image, x, sides.in, sides.shape.height);
  cudnn_run(stream, FORWARD_PASS, sides.shape, x_image, weight_copy, y_image, scratch + work_at);
  image_take(stream, y, y_image, bias, s.C, sides.out);
}

struct ConvBiasTerms {
  static constexpr int COUNT = 1;
  const float *dy;
  int C;
  __device__ void operator()(double *sums, int r, int c) const { sums[0] += dy[(size_t)r * C + c]; }
};

struct ConvBiasGradient {
  float *dbias;
  __device__ void operator()(const double *sums, int c) const { dbias[c] = (float)(dbias[c] + sums[0]); }
};

/* dbias and dweight accumulate; dx, where it is not NULL, is assigned: its image takes the place of x's. */
template <typename Act, typename In>
static void cudnn_backward(Stream *stream, Act *dx, float *dweight, float *dbias, const Act *dy, const In *x,
                           const float *weight, Rows in, Rows out, Conv2dShape s, bool depthwise) {
  Sides sides = sides_of(in, out, s, depthwise);
  int bias_rows = sides.shape.height * s.F_out;
  size_t work = cudnn_workspace(stream, WEIGHT_PASS, sides.shape);
  size_t input_work = dx ? cudnn_workspace(stream, INPUT_PASS, sides.shape) : 0;
  if (input_work > work) work = input_work;
  Places places = {};
  size_t x_at = place(&places, sides.in_bytes), y_at = place(&places, sides.out_bytes),
         weight_at = place(&places, sides.weight_bytes), work_at = place(&places, work),
         sums_at = place(&places, columns_scratch<ConvBiasTerms>(bias_rows, s.C) * sizeof(double));
  char *scratch = (char *)cuda_scratch(stream, places.used);
  float *x_image = (float *)(scratch + x_at), *y_image = (float *)(scratch + y_at);
  float *weight_copy = (float *)(scratch + weight_at);
  image_make(stream, x_image, x, sides.in, sides.shape.height);
  image_make(stream, y_image, dy, sides.out, sides.shape.height);
  columns_sum_in((double *)(scratch + sums_at), stream, ConvBiasTerms{y_image, s.C}, ConvBiasGradient{dbias},
                 NULL, bias_rows, s.C);
  copy_weight(stream, weight_copy, dweight, sides.weight_bytes);
  cudnn_run(stream, WEIGHT_PASS, sides.shape, x_image, weight_copy, y_image, scratch + work_at);
  copy_weight(stream, dweight, weight_copy, sides.weight_bytes);
  if (!dx || in.R == 0) return;
  copy_weight(stream, weight_copy, weight, sides.weight_bytes);
  cudnn_run(stream, INPUT_PASS, sides.shape, x_image, weight_copy, y_image, scratch + work_at);
  image_take(stream, dx, x_image, NULL, s.C, sides.in);
}

#endif
