// Sums over rows, as the gradients of biases are, and their opposite: a row added to many.
#pragma once
#include "op.h"
#include "threadPool.h"

namespace {

/** y[c] = sum of x [rows, width] over rows */
MULTIVERSION
void sumColumns(const float* x, int64_t rows, int64_t width, float* y) {
  std::vector<double> totals(width, 0.0);
  std::vector<float> sums(width);
  for (int64_t start = 0; start < rows; start += 64) {  // few enough rows to add up in float32
    std::fill(sums.begin(), sums.end(), 0.0f);
    float* sum = sums.data();
    for (int64_t row = start; row < std::min(rows, start + 64); row++) {
      const float* values = x + row * width;
      SIMD for (int64_t c = 0; c < width; c++) sum[c] += values[c];
    }
    for (int64_t c = 0; c < width; c++) totals[c] += sum[c];
  }
  for (int64_t c = 0; c < width; c++) y[c] = static_cast<float>(totals[c]);
}

/** y = x + offset, the same for all rows */
MULTIVERSION
void addToRows(const float* x, const float* offset, float* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width)
    SIMD for (int64_t c = 0; c < width; c++) y[c] = x[c] + offset[c];
}

struct SumAxesAttributes {
  static constexpr std::initializer_list<const char*> specs{"first: int", "last: int", "keep: bool"};
  const int64_t first, last;
  const bool keep;
  explicit SumAxesAttributes(AttributeReader& reader)
      : first(reader.readInt("first")), last(reader.readInt("last")), keep(reader.readBool("keep")) {}
};

/** x -> its sums over the axes from `first` to `last`, of which none is the last of x; with `keep` they stay, of length 1 */
inline void sumAxes(const SumAxesAttributes& attributes, Call& call) {
  const float* x = call.input(0);
  Shape shape = call.shape(0);
  const auto begin = shape.begin() + attributes.first, end = shape.begin() + attributes.last + 1;
  const int64_t outer = countElements({shape.begin(), begin}), rows = countElements({begin, end});
  const int64_t width = countElements({end, shape.end()});
  if (attributes.keep) {
    std::fill(begin, end, 1);
  } else {
    shape.erase(begin, end);
  }
  float* y = call.output(0, shape);
  // Always the same pieces, so that sums do not depend on how many threads there are.
  const int64_t pieces = outer > 1 ? 1 : std::max<int64_t>(1, std::min<int64_t>(8, rows * width / minElementsPerThread));
  std::vector<float> parts(pieces > 1 ? pieces * width : 0);
  float* to = pieces > 1 ? parts.data() : y;
  threadPool().parallelFor(outer * pieces, minRowsPerThread(rows / pieces * width), [&](int64_t from, int64_t until) {
    for (int64_t i = from; i < until; i++) {
      const int64_t piece = i % pieces, first = piece * rows / pieces, last = (piece + 1) * rows / pieces;
      sumColumns(x + (i / pieces * rows + first) * width, last - first, width, to + i * width);
    }
  });
  if (pieces > 1) sumColumns(parts.data(), pieces, width, y);
}

/** x [N, .., C], offset [N, C] -> x + offset */
inline void addPerImage(const NoAttributes&, Call& call) {
  const float *x = call.input(0), *offset = call.input(1);
  const Shape shape = call.shape(0);
  const int64_t width = shape.back(), all = countElements(shape) / std::max<int64_t>(1, width);
  const int64_t rows = std::max<int64_t>(1, all / std::max<int64_t>(1, shape[0]));  // of one image
  float* y = call.output(0, shape);
  threadPool().parallelFor(all, minRowsPerThread(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t image = row / rows, last = std::min(end, (image + 1) * rows);
      addToRows(x + row * width, offset + image * width, y + row * width, last - row, width);
      row = last;
    }
  });
}

}  // namespace
