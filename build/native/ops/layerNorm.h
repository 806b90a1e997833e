// Layer normalisation over the last axis. Source: arXiv 1607.06450, equation 4
#pragma once
#include <cmath>

#include "op.h"
#include "sums.h"
#include "threadPool.h"

namespace {

MULTIVERSION
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

MULTIVERSION
void layerNormGradientRows(const float* dy, const float* x, const float* scale, const float* means,
                           const float* inverses, float* dx, int64_t rows, int64_t width) {
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

/** total[c] += sum over rows of dy (x - mean) inverse */
MULTIVERSION
void layerNormScaleRows(const float* dy, const float* x, const float* means, const float* inverses, int64_t rows,
                        int64_t width, float* total) {
  for (int64_t row = 0; row < rows; row++, dy += width, x += width) {
    const float mean = means[row], inverse = inverses[row];
    SIMD for (int64_t c = 0; c < width; c++) total[c] += dy[c] * ((x[c] - mean) * inverse);
  }
}

struct LayerNormAttributes {
  static constexpr std::initializer_list<const char*> specs{"eps: float"};
  const float eps;
  explicit LayerNormAttributes(AttributeReader& reader) : eps(reader.readFloat("eps")) {}
};

/** x [..., C], scale [C], offset [C] -> y, mean and 1 / deviation of each row [..., 1] */
inline void layerNorm(const LayerNormAttributes& attributes, Call& call) {
  const float *x = call.input(0), *scale = call.input(1), *offset = call.input(2);
  Shape shape = call.shape(0);
  const int64_t width = shape.back(), rows = countElements(shape) / std::max<int64_t>(1, width);
  float* y = call.output(0, shape);
  shape.back() = 1;
  float *means = call.output(1, shape), *inverses = call.output(2, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    layerNormRows(x + begin * width, scale, offset, y + begin * width, means + begin, inverses + begin, end - begin,
                  width, attributes.eps);
  });
}

/** dy, x [..., C], scale [C], mean, inverse [..., 1] -> dx */
inline void layerNormGradient(const NoAttributes&, Call& call) {
  const float *dy = call.input(0), *x = call.input(1), *scale = call.input(2);
  const float *means = call.input(3), *inverses = call.input(4);
  const Shape shape = call.shape(1);
  const int64_t width = shape.back(), rows = countElements(shape) / std::max<int64_t>(1, width);
  float* dx = call.output(0, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * width;
    layerNormGradientRows(dy + at, x + at, scale, means + begin, inverses + begin, dx + at, end - begin, width);
  });
}

/** dy, x [..., C], mean, inverse [..., 1] -> the gradient of scale [C] */
inline void layerNormScaleGradient(const NoAttributes&, Call& call) {
  const float *dy = call.input(0), *x = call.input(1), *means = call.input(2), *inverses = call.input(3);
  const Shape shape = call.shape(1);
  const int64_t width = shape.back(), rows = countElements(shape) / std::max<int64_t>(1, width);
  float* dScale = call.output(0, {width});
  constexpr int64_t block = 64;  // few enough rows to add up in float32
  const int64_t blocks = ceilDiv(rows, block);
  std::vector<float> parts(blocks * width, 0.0f);
  threadPool().parallelFor(blocks, ceilDiv(minRowsPerThread(width), block), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block, at = row * width;
      layerNormScaleRows(dy + at, x + at, means + row, inverses + row, std::min(block, rows - row), width,
                         parts.data() + i * width);
    }
  });
  sumColumns(parts.data(), blocks, width, dScale);
}

}  // namespace
