// Group normalisation, optionally followed by SiLU. Source: arXiv 1803.08494, equations 1 and 6
#pragma once
#include <cmath>
#include <map>

#include "elementwise.h"
#include "op.h"
#include "threadPool.h"

namespace {

/** first[c] += sum u, second[c] += sum u^2 over rows, with u = x - pivot[c] */
MULTIVERSION
void addMoments(const float* x, const float* pivot, int64_t rows, int64_t channels, double* first, double* second) {
  std::vector<float> sums(2 * channels);
  float *one = sums.data(), *two = one + channels;
  for (int64_t start = 0; start < rows; start += 64) {  // few enough rows to add up in float32
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
MULTIVERSION
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

/** dz = dy f'(z), written to dx; first[c] += sum dz, second[c] += sum dz (x - mean) */
MULTIVERSION
void addGradientSums(const float* dy, const float* x, float* dx, int64_t rows, int64_t channels, const float* mean,
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
            out[c] = d[c] * swishDerivative((values[c] - mean[c]) * factor[c] + offset[c], 1.0f);
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
MULTIVERSION
void finishGradientRows(const float* x, float* dx, int64_t rows, int64_t channels, const float* mean,
                        const float* factor, const float* slope, const float* level) {
  for (int64_t row = 0; row < rows; row++, x += channels, dx += channels)
    SIMD for (int64_t c = 0; c < channels; c++) dx[c] = dx[c] * factor[c] + (x[c] - mean[c]) * slope[c] + level[c];
}

/** Two sums per channel over rows. Threads sum ranges, which are then added in order, so that results are reproducible. */
inline void sumTwice(const Loop& loop, int64_t rows, int64_t channels, double* first, double* second,
                     const std::function<void(int64_t, int64_t, double*, double*)>& body) {
  std::mutex mutex;
  std::map<int64_t, std::vector<double>> ranges;  // by their first row
  loop(rows, minRowsPerThread(channels), [&](int64_t begin, int64_t end) {
    std::vector<double> own(2 * channels, 0.0);
    body(begin, end, own.data(), own.data() + channels);
    std::lock_guard<std::mutex> lock(mutex);
    ranges[begin] = std::move(own);
  });
  for (const auto& range : ranges)
    for (int64_t c = 0; c < channels; c++) {
      first[c] += range.second[c];
      second[c] += range.second[channels + c];
    }
}

struct GroupNormAttributes {
  static constexpr std::initializer_list<const char*> specs{"groups: int", "eps: float", "silu: bool"};
  const int64_t groups;
  const float eps;
  const bool silu;
  explicit GroupNormAttributes(AttributeReader& reader)
      : groups(reader.readInt("groups")), eps(reader.readFloat("eps")), silu(reader.readBool("silu")) {}
};

/** x [N, H, W, C], scale [C], offset [C] -> y, and each channel's group mean and 1 / deviation [N, 1, 1, C] */
inline void groupNorm(const GroupNormAttributes& attributes, Call& call) {
  const float *x = call.input(0), *scale = call.input(1), *offset = call.input(2);
  const Shape shape = call.shape(0);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3];
  const int64_t groups = attributes.groups, width = channels / groups;
  float* y = call.output(0, shape);
  float* means = call.output(1, {images, 1, 1, channels});
  float* inverses = call.output(2, {images, 1, 1, channels});
  forEachImage(images, pixels * channels, [&](int64_t n, const Loop& loop) {
    std::vector<float> factor(channels);
    const float* image = x + n * pixels * channels;
    float *mean = means + n * channels, *inverse = inverses + n * channels;
    std::vector<double> first(channels, 0.0), second(channels, 0.0);
    const auto sums = [&](int64_t begin, int64_t end, double* one, double* two) {
      addMoments(image + begin * channels, image, end - begin, channels, one, two);
    };
    sumTwice(loop, pixels, channels, first.data(), second.data(), sums);
    for (int64_t g = 0; g < groups; g++) {
      double total = 0, squares = 0;
      for (int64_t c = g * width; c < (g + 1) * width; c++) total += image[c] + first[c] / pixels;
      const double middle = total / width;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        const double own = first[c] / pixels, apart = image[c] + own - middle;
        squares += std::max(0.0, second[c] / pixels - own * own) + apart * apart;
      }
      const float r = static_cast<float>(1.0 / std::sqrt(squares / width + attributes.eps));
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        mean[c] = static_cast<float>(middle);
        inverse[c] = r;
        factor[c] = r * scale[c];
      }
    }
    loop(pixels, minRowsPerThread(channels), [&](int64_t begin, int64_t end) {
      const int64_t at = begin * channels;
      normaliseRows(image + at, y + n * pixels * channels + at, end - begin, channels, mean, factor.data(), offset,
                    attributes.silu);
    });
  });
}

/**
 * dy, x [N, H, W, C], scale, offset [C], mean, inverse [N, 1, 1, C] -> dx.
 * With dz = dy f'(z), k values in a group: dx = r scale dz - r / k sum(scale dz) - r^3 / k (x - m) sum(scale dz (x - m))
 */
inline void groupNormGradient(const GroupNormAttributes& attributes, Call& call) {
  const float *dy = call.input(0), *x = call.input(1), *scale = call.input(2), *offset = call.input(3);
  const float *means = call.input(4), *inverses = call.input(5);
  const Shape shape = call.shape(1);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3];
  const int64_t groups = attributes.groups, width = channels / groups;
  float* dx = call.output(0, shape);
  forEachImage(images, pixels * channels, [&](int64_t n, const Loop& loop) {
    std::vector<float> factor(channels), slope(channels), level(channels);
    const int64_t start = n * pixels * channels;
    const float *mean = means + n * channels, *inverse = inverses + n * channels;
    for (int64_t c = 0; c < channels; c++) factor[c] = inverse[c] * scale[c];
    std::vector<double> first(channels, 0.0), second(channels, 0.0);
    const auto sums = [&](int64_t begin, int64_t end, double* one, double* two) {
      const int64_t at = start + begin * channels;
      addGradientSums(dy + at, x + at, dx + at, end - begin, channels, mean, factor.data(), offset, attributes.silu,
                      one, two);
    };
    sumTwice(loop, pixels, channels, first.data(), second.data(), sums);
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
    loop(pixels, minRowsPerThread(channels), [&](int64_t begin, int64_t end) {
      const int64_t at = start + begin * channels;
      finishGradientRows(x + at, dx + at, end - begin, channels, mean, factor.data(), slope.data(), level.data());
    });
  });
}

/** The same inputs -> the gradients of scale, sum over n and pixels of dz (x - m) r, and of offset, sum dz: both [C] */
inline void groupNormWeightGradients(const GroupNormAttributes& attributes, Call& call) {
  const float *dy = call.input(0), *x = call.input(1), *scale = call.input(2), *offset = call.input(3);
  const float *means = call.input(4), *inverses = call.input(5);
  const Shape shape = call.shape(1);
  const int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3], size = pixels * channels;
  float *dScale = call.output(0, {channels}), *dOffset = call.output(1, {channels});
  std::vector<double> first(images * channels, 0.0), second(images * channels, 0.0);
  forEachImage(images, size, [&](int64_t n, const Loop& loop) {
    const float *mean = means + n * channels, *inverse = inverses + n * channels;
    std::vector<float> factor(channels);
    for (int64_t c = 0; c < channels; c++) factor[c] = inverse[c] * scale[c];
    const auto sums = [&](int64_t begin, int64_t end, double* one, double* two) {
      static thread_local Workspace scratch;
      const int64_t at = n * size + begin * channels;
      addGradientSums(dy + at, x + at, scratch.reserve((end - begin) * channels), end - begin, channels, mean,
                      factor.data(), offset, attributes.silu, one, two);
    };
    sumTwice(loop, pixels, channels, &first[n * channels], &second[n * channels], sums);
  });
  for (int64_t c = 0; c < channels; c++) {
    double ofScale = 0, ofOffset = 0;
    for (int64_t n = 0; n < images; n++) {
      ofScale += second[n * channels + c] * inverses[n * channels + c];
      ofOffset += first[n * channels + c];
    }
    dScale[c] = static_cast<float>(ofScale);
    dOffset[c] = static_cast<float>(ofOffset);
  }
}

}  // namespace
