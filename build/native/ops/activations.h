// Activation functions.
#pragma once
#include "elementwise.h"
#include "op.h"
#include "threadPool.h"

namespace {

MULTIVERSION
void swishRange(const float* x, float* y, int64_t size, float c) {
  SIMD for (int64_t i = 0; i < size; i++) y[i] = swish(x[i], c);
}

MULTIVERSION
void swishGradientRange(const float* dy, const float* x, float* dx, int64_t size, float c) {
  SIMD for (int64_t i = 0; i < size; i++) dx[i] = dy[i] * swishDerivative(x[i], c);
}

MULTIVERSION
void geluRange(const float* x, float* y, int64_t size) { SIMD for (int64_t i = 0; i < size; i++) y[i] = gelu(x[i]); }

MULTIVERSION
void geluGradientRange(const float* dy, const float* x, float* dx, int64_t size) {
  SIMD for (int64_t i = 0; i < size; i++) dx[i] = dy[i] * geluDerivative(x[i]);
}

MULTIVERSION
void gegluRows(const float* x, float* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, x += 2 * width, y += width)
    SIMD for (int64_t c = 0; c < width; c++) y[c] = x[c] * gelu(x[width + c]);
}

MULTIVERSION
void gegluGradientRows(const float* dy, const float* x, float* dx, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, dy += width, x += 2 * width, dx += 2 * width)
    SIMD for (int64_t c = 0; c < width; c++) {
      dx[c] = dy[c] * gelu(x[width + c]);
      dx[width + c] = dy[c] * x[c] * geluDerivative(x[width + c]);
    }
}

struct SwishAttributes {
  static constexpr std::initializer_list<const char*> specs{"factor: float"};
  const float factor;  // c in x sigmoid(c x)
  explicit SwishAttributes(AttributeReader& reader) : factor(reader.readFloat("factor")) {}
};

/** x -> x sigmoid(c x) */
inline void swishOp(const SwishAttributes& attributes, Call& call) {
  const float* x = call.input(0);
  const Shape shape = call.shape(0);
  float* y = call.output(0, shape);
  threadPool().parallelFor(countElements(shape), minElementsPerThread, [&](int64_t begin, int64_t end) {
    swishRange(x + begin, y + begin, end - begin, attributes.factor);
  });
}

/** dy, x -> dx */
inline void swishGradientOp(const SwishAttributes& attributes, Call& call) {
  const float *dy = call.input(0), *x = call.input(1);
  const Shape shape = call.shape(1);
  float* dx = call.output(0, shape);
  threadPool().parallelFor(countElements(shape), minElementsPerThread, [&](int64_t begin, int64_t end) {
    swishGradientRange(dy + begin, x + begin, dx + begin, end - begin, attributes.factor);
  });
}

/** x -> x Phi(x) */
inline void geluOp(const NoAttributes&, Call& call) {
  const float* x = call.input(0);
  const Shape shape = call.shape(0);
  float* y = call.output(0, shape);
  threadPool().parallelFor(countElements(shape), minElementsPerThread,
                           [&](int64_t begin, int64_t end) { geluRange(x + begin, y + begin, end - begin); });
}

/** dy, x -> dx */
inline void geluGradientOp(const NoAttributes&, Call& call) {
  const float *dy = call.input(0), *x = call.input(1);
  const Shape shape = call.shape(1);
  float* dx = call.output(0, shape);
  threadPool().parallelFor(countElements(shape), minElementsPerThread, [&](int64_t begin, int64_t end) {
    geluGradientRange(dy + begin, x + begin, dx + begin, end - begin);
  });
}

/** x [..., 2 C] -> first half times GELU of the second [..., C] */
inline void gegluOp(const NoAttributes&, Call& call) {
  const float* x = call.input(0);
  Shape shape = call.shape(0);
  const int64_t width = shape.back() / 2, rows = countElements(shape) / std::max<int64_t>(1, 2 * width);
  shape.back() = width;
  float* y = call.output(0, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    gegluRows(x + 2 * begin * width, y + begin * width, end - begin, width);
  });
}

/** dy [..., C], x [..., 2 C] -> dx [..., 2 C] */
inline void gegluGradientOp(const NoAttributes&, Call& call) {
  const float *dy = call.input(0), *x = call.input(1);
  const Shape shape = call.shape(1);
  const int64_t width = shape.back() / 2, rows = countElements(shape) / std::max<int64_t>(1, 2 * width);
  float* dx = call.output(0, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    gegluGradientRows(dy + begin * width, x + 2 * begin * width, dx + 2 * begin * width, end - begin, width);
  });
}

}  // namespace
