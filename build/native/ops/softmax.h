// Softmax over the last axis.
#pragma once
#include "elementwise.h"
#include "op.h"
#include "threadPool.h"

namespace {

MULTIVERSION
void softmaxRows(const float* x, float* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width) {
    float most = x[0], total = 0;
#pragma omp simd reduction(max : most)
    for (int64_t c = 0; c < width; c++) most = x[c] > most ? x[c] : most;
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < width; c++) {
      const float e = fastExp(x[c] - most);
      y[c] = e;
      total += e;
    }
    const float factor = 1.0f / total;
    SIMD for (int64_t c = 0; c < width; c++) y[c] *= factor;
  }
}

/** ds = p (dp - level) */
MULTIVERSION
void softmaxGradientRows(const float* p, const float* dp, const float* levels, float* ds, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, p += width, dp += width, ds += width) {
    const float level = levels[row];
    SIMD for (int64_t c = 0; c < width; c++) ds[c] = p[c] * (dp[c] - level);
  }
}

/** logits [..., C] -> e^logit over its row's sum of these */
inline void softmax(const NoAttributes&, Call& call) {
  const float* x = call.input(0);
  const Shape shape = call.shape(0);
  const int64_t width = shape.back(), rows = countElements(shape) / std::max<int64_t>(1, width);
  float* y = call.output(0, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    softmaxRows(x + begin * width, y + begin * width, end - begin, width);
  });
}

/** p, dp [..., C], level [..., 1] the sum of p dp over the last axis -> ds */
inline void softmaxGradient(const NoAttributes&, Call& call) {
  const float *p = call.input(0), *dp = call.input(1), *levels = call.input(2);
  const Shape shape = call.shape(0);
  const int64_t width = shape.back(), rows = countElements(shape) / std::max<int64_t>(1, width);
  float* ds = call.output(0, shape);
  threadPool().parallelFor(rows, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    softmaxGradientRows(p + begin * width, dp + begin * width, levels + begin, ds + begin * width, end - begin, width);
  });
}

}  // namespace
