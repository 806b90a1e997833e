// Operations of our own for native TensorFlow on the processor: layers of diffusion models that TensorFlow would make of
// many passes over memory, each in one or two. They are registered with TensorFlow's registry when this library loads and
// are then called by name like all others; see electron/devices/native/nativeLayers.ts. All values are float32, channels last.
//
// TensorFlow's C interface is declared here rather than included, so that the libraries alone suffice to build this.
#include <node_api.h>

#include <cmath>
#include <map>
#include <new>
#include <string>

#include "attention.h"
#include "convolution.h"
#include "functions.h"
#include "multiply.h"
#include "processor.h"

extern "C" {
struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
int TF_GetCode(const TF_Status*);
const char* TF_Message(const TF_Status*);
void TF_SetStatus(TF_Status*, int code, const char* message);
TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char* name);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder*, const char* spec);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder*, const char* spec);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder*, const char* spec);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder*,
                                                     void (*)(TF_ShapeInferenceContext*, TF_Status*));
void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext*, TF_Status*);
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder*, TF_Status*);
TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char* device, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder*, TF_Status*);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction*, const char*, float*, TF_Status*);
void TF_OpKernelConstruction_GetAttrInt64(TF_OpKernelConstruction*, const char*, int64_t*, TF_Status*);
int TF_NumInputs(TF_OpKernelContext*);
void TF_GetInput(TF_OpKernelContext*, int, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int, int dtype, const int64_t* dims, int count, size_t bytes,
                             TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);
void* TF_TensorData(const TF_Tensor*);
int TF_NumDims(const TF_Tensor*);
int64_t TF_Dim(const TF_Tensor*, int);
void TF_DeleteTensor(TF_Tensor*);
}

namespace {

// ---- Group normalisation, and SiLU after it ----------------------------------------------------------------------------

/** first[c] += sum u, second[c] += sum u^2 over rows, with u = x - pivot[c] */
FOR_EACH_PROCESSOR
void addRows(const float* x, const float* pivot, int64_t rows, int64_t channels, double* first, double* second) {
  std::vector<float> sums(2 * channels);
  float *one = sums.data(), *two = one + channels;
  for (int64_t start = 0; start < rows; start += 64) {  // few enough to add up as floats
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int64_t row = start; row < std::min(rows, start + 64); row++) {
      const float* values = x + row * channels;
      SIMD for (int64_t c = 0; c < channels; c++) {
        const float u = values[c] - pivot[c];
        one[c] += u;
        two[c] += u * u;
      }
    }
    for (int64_t c = 0; c < channels; c++) {
      first[c] += one[c];
      second[c] += two[c];
    }
  }
}

/** y = f((x - mean) factor + offset), f the identity or SiLU */
FOR_EACH_PROCESSOR
void normaliseRows(const float* x, float* y, int64_t rows, int64_t channels, const float* mean, const float* factor,
                   const float* offset, bool silu) {
  for (int64_t row = 0; row < rows; row++, x += channels, y += channels) {
    if (silu) {
      SIMD for (int64_t c = 0; c < channels; c++) y[c] = swish((x[c] - mean[c]) * factor[c] + offset[c], 1.0f);
    } else {
      SIMD for (int64_t c = 0; c < channels; c++) y[c] = (x[c] - mean[c]) * factor[c] + offset[c];
    }
  }
}

/** dz = dy f'(z), into dx; first[c] += sum dz, second[c] += sum dz (x - mean) */
FOR_EACH_PROCESSOR
void slopeRows(const float* dy, const float* x, float* dx, int64_t rows, int64_t channels, const float* mean,
               const float* factor, const float* offset, bool silu, double* first, double* second) {
  std::vector<float> sums(2 * channels);
  float *one = sums.data(), *two = one + channels;
  for (int64_t start = 0; start < rows; start += 64) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int64_t row = start; row < std::min(rows, start + 64); row++) {
      const float *values = x + row * channels, *d = dy + row * channels;
      float* out = dx + row * channels;
      if (silu) {
        SIMD for (int64_t c = 0; c < channels; c++)
            out[c] = d[c] * swishSlope((values[c] - mean[c]) * factor[c] + offset[c], 1.0f);
      } else {
        SIMD for (int64_t c = 0; c < channels; c++) out[c] = d[c];
      }
      SIMD for (int64_t c = 0; c < channels; c++) {
        one[c] += out[c];
        two[c] += out[c] * (values[c] - mean[c]);
      }
    }
    for (int64_t c = 0; c < channels; c++) {
      first[c] += one[c];
      second[c] += two[c];
    }
  }
}

/** dx = dz factor + (x - mean) slope + level */
FOR_EACH_PROCESSOR
void joinRows(const float* x, float* dx, int64_t rows, int64_t channels, const float* mean, const float* factor,
              const float* slope, const float* level) {
  for (int64_t row = 0; row < rows; row++, x += channels, dx += channels)
    SIMD for (int64_t c = 0; c < channels; c++) dx[c] = dx[c] * factor[c] + (x[c] - mean[c]) * slope[c] + level[c];
}

/** Adds up two sums a channel over rows, by several threads, whose sums are added in the same order every time. */
void sumRows(int64_t rows, int64_t channels, double* first, double* second,
             const std::function<void(int64_t, int64_t, double*, double*)>& body) {
  std::mutex mutex;
  std::map<int64_t, std::vector<double>> parts;  // by the row that they begin with
  threads().loop(rows, std::max<int64_t>(1, grain / channels), [&](int64_t begin, int64_t end) {
    std::vector<double> own(2 * channels, 0.0);
    body(begin, end, own.data(), own.data() + channels);
    std::lock_guard<std::mutex> lock(mutex);
    parts[begin] = std::move(own);
  });
  for (const auto& part : parts)
    for (int64_t c = 0; c < channels; c++) {
      first[c] += part.second[c];
      second[c] += part.second[channels + c];
    }
}

// ---- What a kernel is given --------------------------------------------------------------------------------------------

struct Attributes {
  float number = 0;   // eps, the constant of an activation, the scale of scores, or taps
  int64_t count = 0;  // groups, images, or elements
  int64_t flag = 0;   // SiLU after the normalisation, bfloat16, or heads
};

class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  const float* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    if (failed() || !tensor) return nullptr;
    tensors_.push_back(tensor);
    shapes_.resize(std::max<size_t>(shapes_.size(), i + 1));
    for (int axis = 0; axis < TF_NumDims(tensor); axis++) shapes_[i].push_back(TF_Dim(tensor, axis));
    return static_cast<const float*>(TF_TensorData(tensor));
  }
  int inputs() const { return TF_NumInputs(context_); }
  const std::vector<int64_t>& shape(int i) const { return shapes_[i]; }
  float* output(int i, const std::vector<int64_t>& shape) {
    int64_t size = 1;
    for (int64_t length : shape) size *= length;
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, 1 /* float */, shape.data(), shape.size(), 4 * size, status_);
    if (failed() || !tensor) return nullptr;
    tensors_.push_back(tensor);
    useLargePages(TF_TensorData(tensor), 4 * size);
    return static_cast<float*>(TF_TensorData(tensor));
  }
  /** Tells TensorFlow of a failure, if there was one. */
  bool failed() {
    if (TF_GetCode(status_) == 0) return false;
    TF_OpKernelContext_Failure(context_, status_);
    return true;
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
  std::vector<std::vector<int64_t>> shapes_;
};

int64_t sizeOf(const std::vector<int64_t>& shape) {
  int64_t size = 1;
  for (int64_t length : shape) size *= length;
  return size;
}

/** Rows below which a second thread costs more than it brings. */
int64_t leastRows(int64_t width) { return std::max<int64_t>(1, grain / width); }

/** x [N, H, W, C], scale [C], offset [C] -> y, and of each channel's group mean and 1 / deviation [N, 1, 1, C] */
void groupNorm(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *x = call.input(0), *scale = call.input(1), *offset = call.input(2);
  if (!x || !scale || !offset) return;
  const auto shape = call.shape(0);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3];
  const int64_t groups = attributes.count, width = channels / groups;
  float* y = call.output(0, shape);
  float* means = call.output(1, {images, 1, 1, channels});
  float* inverses = call.output(2, {images, 1, 1, channels});
  if (!y || !means || !inverses) return;
  std::vector<float> factor(channels);
  for (int64_t n = 0; n < images; n++) {
    const float* image = x + n * pixels * channels;
    float *mean = means + n * channels, *inverse = inverses + n * channels;
    std::vector<double> first(channels, 0.0), second(channels, 0.0);
    sumRows(pixels, channels, first.data(), second.data(), [&](int64_t begin, int64_t end, double* one, double* two) {
      addRows(image + begin * channels, image, end - begin, channels, one, two);
    });
    for (int64_t g = 0; g < groups; g++) {
      double total = 0, squares = 0;
      for (int64_t c = g * width; c < (g + 1) * width; c++) total += image[c] + first[c] / pixels;
      const double middle = total / width;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        const double own = first[c] / pixels, apart = image[c] + own - middle;
        squares += std::max(0.0, second[c] / pixels - own * own) + apart * apart;
      }
      const float r = static_cast<float>(1.0 / std::sqrt(squares / width + attributes.number));
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        mean[c] = static_cast<float>(middle);
        inverse[c] = r;
        factor[c] = r * scale[c];
      }
    }
    threads().loop(pixels, leastRows(channels), [&](int64_t begin, int64_t end) {
      const int64_t at = begin * channels;
      normaliseRows(image + at, y + n * pixels * channels + at, end - begin, channels, mean, factor.data(), offset,
                    attributes.flag);
    });
  }
}

/**
 * dy, x [N, H, W, C], scale, offset [C], mean, inverse [N, 1, 1, C] -> dx.
 * With dz = dy f'(z), k values in a group: dx = r scale dz - r / k sum(scale dz) - r^3 / k (x - m) sum(scale dz (x - m))
 */
void groupNormGradient(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input(0), *x = call.input(1), *scale = call.input(2), *offset = call.input(3);
  const float *means = call.input(4), *inverses = call.input(5);
  if (!dy || !x || !scale || !offset || !means || !inverses) return;
  const auto shape = call.shape(1);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3];
  const int64_t groups = attributes.count, width = channels / groups;
  float* dx = call.output(0, shape);
  if (!dx) return;
  std::vector<float> factor(channels), slope(channels), level(channels);
  for (int64_t n = 0; n < images; n++) {
    const int64_t start = n * pixels * channels;
    const float *mean = means + n * channels, *inverse = inverses + n * channels;
    for (int64_t c = 0; c < channels; c++) factor[c] = inverse[c] * scale[c];
    std::vector<double> first(channels, 0.0), second(channels, 0.0);
    sumRows(pixels, channels, first.data(), second.data(), [&](int64_t begin, int64_t end, double* one, double* two) {
      const int64_t at = start + begin * channels;
      slopeRows(dy + at, x + at, dx + at, end - begin, channels, mean, factor.data(), offset, attributes.flag, one,
                two);
    });
    for (int64_t g = 0; g < groups; g++) {
      double levels = 0, slopes = 0;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        levels += scale[c] * first[c];
        slopes += scale[c] * second[c];
      }
      const double k = static_cast<double>(pixels) * width;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        const double r = inverse[c];
        level[c] = static_cast<float>(-r / k * levels);
        slope[c] = static_cast<float>(-r * r * r / k * slopes);
      }
    }
    threads().loop(pixels, leastRows(channels), [&](int64_t begin, int64_t end) {
      const int64_t at = start + begin * channels;
      joinRows(x + at, dx + at, end - begin, channels, mean, factor.data(), slope.data(), level.data());
    });
  }
}

// ---- Layer normalisation -----------------------------------------------------------------------------------------------

FOR_EACH_PROCESSOR
void layerNormRows(const float* x, const float* scale, const float* offset, float* y, float* means, float* inverses,
                   int64_t rows, int64_t width, float eps) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width) {
    float total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < width; c++) total += x[c];
    const float mean = total / width;
#pragma omp simd reduction(+ : squares)
    for (int64_t c = 0; c < width; c++) squares += (x[c] - mean) * (x[c] - mean);
    const float inverse = 1.0f / std::sqrt(squares / width + eps);
    SIMD for (int64_t c = 0; c < width; c++) y[c] = (x[c] - mean) * inverse * scale[c] + offset[c];
    means[row] = mean;
    inverses[row] = inverse;
  }
}

FOR_EACH_PROCESSOR
void layerNormSlopes(const float* dy, const float* x, const float* scale, const float* means, const float* inverses,
                     float* dx, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, dy += width, x += width, dx += width) {
    const float mean = means[row], inverse = inverses[row];
    float level = 0, slope = 0;
#pragma omp simd reduction(+ : level, slope)
    for (int64_t c = 0; c < width; c++) {
      const float g = dy[c] * scale[c];
      level += g;
      slope += g * (x[c] - mean) * inverse;
    }
    level /= width;
    slope /= width;
    SIMD for (int64_t c = 0; c < width; c++)
      dx[c] = (dy[c] * scale[c] - level - (x[c] - mean) * inverse * slope) * inverse;
  }
}

/** x [..., C], scale [C], offset [C] -> y, mean and 1 / deviation of each row [..., 1] */
void layerNorm(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *x = call.input(0), *scale = call.input(1), *offset = call.input(2);
  if (!x || !scale || !offset) return;
  auto shape = call.shape(0);
  const int64_t width = shape.back(), rows = sizeOf(shape) / std::max<int64_t>(1, width);
  float* y = call.output(0, shape);
  shape.back() = 1;
  float *means = call.output(1, shape), *inverses = call.output(2, shape);
  if (!y || !means || !inverses) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    layerNormRows(x + begin * width, scale, offset, y + begin * width, means + begin, inverses + begin, end - begin,
                  width, attributes.number);
  });
}

/** dy, x [..., C], scale [C], mean, inverse [..., 1] -> dx */
void layerNormGradient(const Attributes&, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input(0), *x = call.input(1), *scale = call.input(2);
  const float *means = call.input(3), *inverses = call.input(4);
  if (!dy || !x || !scale || !means || !inverses) return;
  const auto shape = call.shape(1);
  const int64_t width = shape.back(), rows = sizeOf(shape) / std::max<int64_t>(1, width);
  float* dx = call.output(0, shape);
  if (!dx) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * width;
    layerNormSlopes(dy + at, x + at, scale, means + begin, inverses + begin, dx + at, end - begin, width);
  });
}

// ---- Activations -------------------------------------------------------------------------------------------------------

/** With c > 0 x sigmoid(c x), else GELU. */
FOR_EACH_PROCESSOR
void activate(const float* x, float* y, int64_t size, float c) {
  if (c > 0) {
    SIMD for (int64_t i = 0; i < size; i++) y[i] = swish(x[i], c);
  } else {
    SIMD for (int64_t i = 0; i < size; i++) y[i] = gelu(x[i]);
  }
}

FOR_EACH_PROCESSOR
void activateSlopes(const float* dy, const float* x, float* dx, int64_t size, float c) {
  if (c > 0) {
    SIMD for (int64_t i = 0; i < size; i++) dx[i] = dy[i] * swishSlope(x[i], c);
  } else {
    SIMD for (int64_t i = 0; i < size; i++) dx[i] = dy[i] * geluSlope(x[i]);
  }
}

/** x -> f(x) */
void activation(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float* x = call.input(0);
  if (!x) return;
  float* y = call.output(0, call.shape(0));
  if (!y) return;
  threads().loop(sizeOf(call.shape(0)), grain, [&](int64_t begin, int64_t end) {
    activate(x + begin, y + begin, end - begin, attributes.number);
  });
}

/** dy, x -> dy f'(x) */
void activationGradient(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input(0), *x = call.input(1);
  if (!dy || !x) return;
  float* dx = call.output(0, call.shape(1));
  if (!dx) return;
  threads().loop(sizeOf(call.shape(1)), grain, [&](int64_t begin, int64_t end) {
    activateSlopes(dy + begin, x + begin, dx + begin, end - begin, attributes.number);
  });
}

FOR_EACH_PROCESSOR
void gegluRows(const float* x, float* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, x += 2 * width, y += width)
    SIMD for (int64_t c = 0; c < width; c++) y[c] = x[c] * gelu(x[width + c]);
}

FOR_EACH_PROCESSOR
void gegluSlopes(const float* dy, const float* x, float* dx, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, dy += width, x += 2 * width, dx += 2 * width)
    SIMD for (int64_t c = 0; c < width; c++) {
      dx[c] = dy[c] * gelu(x[width + c]);
      dx[width + c] = dy[c] * x[c] * geluSlope(x[width + c]);
    }
}

/** x [..., 2 C] -> [..., C] */
void geglu(const Attributes&, TF_OpKernelContext* context) {
  Call call(context);
  const float* x = call.input(0);
  if (!x) return;
  auto shape = call.shape(0);
  const int64_t width = shape.back() / 2, rows = sizeOf(shape) / std::max<int64_t>(1, 2 * width);
  shape.back() = width;
  float* y = call.output(0, shape);
  if (!y) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    gegluRows(x + 2 * begin * width, y + begin * width, end - begin, width);
  });
}

/** dy [..., C], x [..., 2 C] -> [..., 2 C] */
void gegluGradient(const Attributes&, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input(0), *x = call.input(1);
  if (!dy || !x) return;
  const auto shape = call.shape(1);
  const int64_t width = shape.back() / 2, rows = sizeOf(shape) / std::max<int64_t>(1, 2 * width);
  float* dx = call.output(0, shape);
  if (!dx) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    gegluSlopes(dy + begin * width, x + 2 * begin * width, dx + 2 * begin * width, end - begin, width);
  });
}

// ---- Softmax -----------------------------------------------------------------------------------------------------------

FOR_EACH_PROCESSOR
void softmaxRows(const float* x, float* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width) {
    float most = x[0], total = 0;
#pragma omp simd reduction(max : most)
    for (int64_t c = 0; c < width; c++) most = x[c] > most ? x[c] : most;
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < width; c++) {
      const float e = exponential(x[c] - most);
      y[c] = e;
      total += e;
    }
    const float factor = 1.0f / total;
    SIMD for (int64_t c = 0; c < width; c++) y[c] *= factor;
  }
}

/** ds = p (dp - level) */
FOR_EACH_PROCESSOR
void softmaxSlopes(const float* p, const float* dp, const float* levels, float* ds, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, p += width, dp += width, ds += width) {
    const float level = levels[row];
    SIMD for (int64_t c = 0; c < width; c++) ds[c] = p[c] * (dp[c] - level);
  }
}

/** x [..., C] -> each row over its sum, after e^x */
void softmax(const Attributes&, TF_OpKernelContext* context) {
  Call call(context);
  const float* x = call.input(0);
  if (!x) return;
  const auto shape = call.shape(0);
  const int64_t width = shape.back(), rows = sizeOf(shape) / std::max<int64_t>(1, width);
  float* y = call.output(0, shape);
  if (!y) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    softmaxRows(x + begin * width, y + begin * width, end - begin, width);
  });
}

/** p, dp [..., C], level [..., 1] -> ds */
void softmaxGradient(const Attributes&, TF_OpKernelContext* context) {
  Call call(context);
  const float *p = call.input(0), *dp = call.input(1), *levels = call.input(2);
  if (!p || !dp || !levels) return;
  const auto shape = call.shape(0);
  const int64_t width = shape.back(), rows = sizeOf(shape) / std::max<int64_t>(1, width);
  float* ds = call.output(0, shape);
  if (!ds) return;
  threads().loop(rows, leastRows(width), [&](int64_t begin, int64_t end) {
    softmaxSlopes(p + begin * width, dp + begin * width, levels + begin, ds + begin * width, end - begin, width);
  });
}

// ---- Products --------------------------------------------------------------------------------------------------------

/**
 * a [.., M, K], b [.., K, N] or [K, N] for all, bias [N] if there is one -> a b + bias [.., M, N]. Flag 1: a lies as
 * [.., K, M]; flag 2: b as [.., N, K]
 */
void product(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *a = call.input(0), *b = call.input(1), *bias = call.inputs() > 2 ? call.input(2) : nullptr;
  if (!a || !b || (call.inputs() > 2 && !bias)) return;
  const bool turnedA = attributes.flag & 1, turnedB = attributes.flag & 2;
  auto shape = call.shape(0);
  const auto &right = call.shape(1);
  const size_t rank = shape.size(), last = right.size() - 1;
  if (turnedA) std::swap(shape[rank - 1], shape[rank - 2]);
  const int64_t depth = shape[rank - 1], columns = turnedB ? right[last - 1] : right[last];
  const int64_t batch = last == 1 ? 1 : sizeOf(right) / std::max<int64_t>(1, depth * columns);
  const int64_t rows = sizeOf(shape) / std::max<int64_t>(1, depth * batch);
  shape[rank - 1] = columns;
  float* y = call.output(0, shape);
  if (!y || sizeOf(shape) == 0) return;
  std::vector<float> turned(turnedA ? batch * rows * depth : 0);
  if (turnedA) {
    threads().loop(batch * up(rows, lanes), up(grain, lanes * depth), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = i % up(rows, lanes) * lanes, start = i / up(rows, lanes) * rows * depth;
        turn({a + start + row, rows}, depth, std::min(lanes, rows - row), {turned.data() + start + row * depth, depth});
      }
    });
    a = turned.data();
  }
  const auto panelOf = [&](int64_t n, int64_t column, int64_t width, float* panel) {
    const float* matrix = b + n * depth * columns;
    if (turnedB) return turnPanel({matrix + column * depth, depth}, width, depth, panel);
    copyPanel({matrix + column, columns}, depth, width, panel);
  };
  multiply({batch, rows, depth, columns}, a, panelOf, bias, y);
}

/**
 * x [N, H, W, C], kernels [3, 3, C, D], bias [D] if there is one -> [N, H, W, D]. Flag 1: the gradient of that, from dy
 * [N, H, W, D] and kernels to dx
 */
void convolution(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *x = call.input(0), *kernels = call.input(1), *bias = call.inputs() > 2 ? call.input(2) : nullptr;
  if (!x || !kernels || (call.inputs() > 2 && !bias)) return;
  auto shape = call.shape(0);
  const bool gradient = attributes.flag & 1;
  const int64_t inputs = shape[3], outputs = call.shape(1)[gradient ? 2 : 3];
  const Convolution convolution{shape[0], shape[1], shape[2], inputs, outputs, gradient};
  shape[3] = outputs;
  float* y = call.output(0, shape);
  if (!y || sizeOf(shape) == 0) return;
  convolve(convolution, x, kernels, bias, y);
}

// ---- Attention -------------------------------------------------------------------------------------------------------

Attention attentionOf(const Attributes& attributes, const Call& call) {
  const int64_t images = attributes.count, heads = attributes.flag, channels = call.shape(0).back();
  const int64_t rows = std::max<int64_t>(1, images * channels);
  return {images, heads, sizeOf(call.shape(0)) / rows, sizeOf(call.shape(1)) / rows, channels / heads,
          attributes.number};
}

/** q [N T, C], k, v [N S, C] -> softmax(scale q k^T) v for each image and head [N T, C] */
void attention(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *q = call.input(0), *k = call.input(1), *v = call.input(2);
  if (!q || !k || !v) return;
  float* y = call.output(0, call.shape(0));
  if (!y) return;
  attend(attentionOf(attributes, call), q, k, v, y);
}

/** q, k, v, dy, y -> dq, dk, dv */
void attentionGradient(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float *q = call.input(0), *k = call.input(1), *v = call.input(2), *dy = call.input(3), *y = call.input(4);
  if (!q || !k || !v || !dy || !y) return;
  float *dq = call.output(0, call.shape(0)), *dk = call.output(1, call.shape(1)), *dv = call.output(2, call.shape(2));
  if (!dq || !dk || !dv) return;
  attendGradient(attentionOf(attributes, call), q, k, v, dy, y, dq, dk, dv);
}

// ---- 16-bit floats -----------------------------------------------------------------------------------------------------

FOR_EACH_PROCESSOR
void widenFloat16(const uint16_t* halves, float* y, int64_t size) {
  SIMD for (int64_t i = 0; i < size; i++) {
    const uint32_t half = halves[i], magnitude = half & 0x7fff;
    const uint32_t normal = (magnitude << 13) + (magnitude < 0x7c00 ? 112u << 23 : 224u << 23);
    const float small = static_cast<int32_t>(magnitude) * 5.9604645e-8f;  // multiples of 2^-24
    const uint32_t bits = magnitude < 0x400 ? __builtin_bit_cast(uint32_t, small) : normal;
    y[i] = __builtin_bit_cast(float, bits | (half & 0x8000) << 16);
  }
}

FOR_EACH_PROCESSOR
void widenBfloat16(const uint16_t* halves, float* y, int64_t size) {
  SIMD for (int64_t i = 0; i < size; i++) y[i] = __builtin_bit_cast(float, static_cast<uint32_t>(halves[i]) << 16);
}

/** Kernels [outputs, inputs, taps] of inputs [begin, end) -> [taps, inputs, outputs], by squares that fit the cache. */
void turnKernels(const uint16_t* halves, float* y, int64_t outputs, int64_t inputs, int64_t taps, int64_t begin,
                 int64_t end, void (*widenRow)(const uint16_t*, float*, int64_t)) {
  constexpr int64_t side = 16;
  std::vector<float> square(side * side * taps);
  for (int64_t from = begin; from < end; from += side)
    for (int64_t to = 0; to < outputs; to += side) {
      const int64_t across = std::min(side, end - from), down = std::min(side, outputs - to), row = across * taps;
      for (int64_t o = 0; o < down; o++) widenRow(halves + ((to + o) * inputs + from) * taps, &square[o * row], row);
      for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t i = 0; i < across; i++) {
          float* out = y + (tap * inputs + from + i) * outputs + to;
          for (int64_t o = 0; o < down; o++) out[o] = square[o * row + i * taps + tap];
        }
    }
}

/**
 * [..], each float the bits of two halves -> [count]; or, where taps are given, of kernels [outputs, inputs, taps] whose
 * first axis the input keeps -> [taps, inputs, outputs]
 */
void widen(const Attributes& attributes, TF_OpKernelContext* context) {
  Call call(context);
  const float* pairs = call.input(0);
  if (!pairs) return;
  const auto* halves = reinterpret_cast<const uint16_t*>(pairs);
  const auto widenRow = attributes.flag ? widenBfloat16 : widenFloat16;
  const int64_t count = std::min(attributes.count, 2 * sizeOf(call.shape(0)));
  const int64_t taps = static_cast<int64_t>(attributes.number);
  if (taps > 0) {
    const int64_t outputs = call.shape(0)[0], inputs = count / (outputs * taps);
    float* y = call.output(0, {taps, inputs, outputs});
    if (!y) return;
    threads().loop(inputs, std::max<int64_t>(1, grain / (outputs * taps)), [&](int64_t begin, int64_t end) {
      turnKernels(halves, y, outputs, inputs, taps, begin, end, widenRow);
    });
    return;
  }
  float* y = call.output(0, {count});
  if (!y) return;
  threads().loop(count, grain, [&](int64_t begin, int64_t end) { widenRow(halves + begin, y + begin, end - begin); });
}

// ---- Registration ------------------------------------------------------------------------------------------------------

void* readAttributes(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  auto* attributes = new Attributes;
  TF_OpKernelConstruction_GetAttrFloat(construction, "number", &attributes->number, status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "count", &attributes->count, status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "flag", &attributes->flag, status);
  TF_DeleteStatus(status);
  return attributes;
}

void forget(void* attributes) { delete static_cast<Attributes*>(attributes); }

template <void (*body)(const Attributes&, TF_OpKernelContext*)>
void compute(void* attributes, TF_OpKernelContext* context) {
  try {
    body(*static_cast<Attributes*>(attributes), context);
  } catch (const std::bad_alloc&) {
    TF_Status* status = TF_NewStatus();
    TF_SetStatus(status, 8 /* resource exhausted */, "OOM: there is not enough memory to work in.");
    TF_OpKernelContext_Failure(context, status);
    TF_DeleteStatus(status);
  }
}

/** Returns what was wrong, empty where nothing was. */
template <void (*body)(const Attributes&, TF_OpKernelContext*)>
std::string add(const char* name, int inputs, int outputs) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (int i = 0; i < inputs; i++) TF_OpDefinitionBuilderAddInput(op, ("in" + std::to_string(i) + ": float").c_str());
  for (int i = 0; i < outputs; i++)
    TF_OpDefinitionBuilderAddOutput(op, ("out" + std::to_string(i) + ": float").c_str());
  TF_OpDefinitionBuilderAddAttr(op, "number: float = 0.0");
  TF_OpDefinitionBuilderAddAttr(op, "count: int = 0");
  TF_OpDefinitionBuilderAddAttr(op, "flag: int = 0");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, TF_ShapeInferenceContextSetUnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", readAttributes, compute<body>, forget), status);
  std::string wrong = TF_GetCode(status) == 0 ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  return wrong;
}

std::string addAll() {
  std::string wrong;
  wrong += add<groupNorm>("NoiseloomGroupNorm", 3, 3);
  wrong += add<groupNormGradient>("NoiseloomGroupNormGradient", 6, 1);
  wrong += add<layerNorm>("NoiseloomLayerNorm", 3, 3);
  wrong += add<layerNormGradient>("NoiseloomLayerNormGradient", 5, 1);
  wrong += add<activation>("NoiseloomActivation", 1, 1);
  wrong += add<activationGradient>("NoiseloomActivationGradient", 2, 1);
  wrong += add<geglu>("NoiseloomGeglu", 1, 1);
  wrong += add<gegluGradient>("NoiseloomGegluGradient", 2, 1);
  wrong += add<softmax>("NoiseloomSoftmax", 1, 1);
  wrong += add<softmaxGradient>("NoiseloomSoftmaxGradient", 3, 1);
  wrong += add<widen>("NoiseloomWiden", 1, 1);
  wrong += add<attention>("NoiseloomAttention", 3, 1);
  wrong += add<attentionGradient>("NoiseloomAttentionGradient", 5, 3);
  wrong += add<product>("NoiseloomProduct", 2, 1);
  wrong += add<product>("NoiseloomProductAndBias", 3, 1);
  wrong += add<convolution>("NoiseloomConvolution3x3", 2, 1);
  wrong += add<convolution>("NoiseloomConvolution3x3AndBias", 3, 1);
  return wrong;
}

}  // namespace

NAPI_MODULE_INIT() {
  static const std::string wrong = addAll();  // once a process, however often Node loads this
  if (!wrong.empty()) napi_throw_error(env, nullptr, wrong.c_str());
  return exports;
}
