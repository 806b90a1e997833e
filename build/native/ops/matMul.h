// Matrix products.
#pragma once
#include "op.h"
#include "panels.h"
#include "threadPool.h"

namespace {

/** Below this many multiplications another thread costs more than it saves. */
constexpr int64_t minProductsPerThread = 1 << 20;

struct MatMulSizes {
  int64_t batch, rows, depth, columns;
};

/**
 * y = start + a b with a [batch, rows, depth], y [batch, rows, columns] and start likewise, or one row [columns] for all where
 * its step is 0, or nothing where it is nullptr. `writePanel(n, column, width, panel)` packs up to 32 columns of b's matrix
 * `n`, starting at `column`.
 */
template <typename WritePanel>
void multiplyMatrices(const MatMulSizes& sizes, const float* a, WritePanel writePanel, Rows<const float> start,
                      float* y) {
  const int64_t rows = sizes.rows, depth = sizes.depth, columns = sizes.columns;
  const int64_t panels = ceilDiv(columns, tileColumns), all = std::max<int64_t>(1, sizes.batch * panels);
  const int64_t height = tileRows * ceilDiv(rows, tileRows * ceilDiv(2 * threadPool().size(), all)),
                pieces = ceilDiv(rows, height);
  const int64_t least = ceilDiv(minProductsPerThread, std::max<int64_t>(1, height * depth * tileColumns));
  threadPool().parallelFor(sizes.batch * panels * pieces, least, [&](int64_t begin, int64_t end) {
    static thread_local Workspace forPanel, forRest;
    float *panel = forPanel.reserve(depth * tileColumns), *rest = forRest.reserve(height * tileColumns);
    float first[tileColumns] = {};
    const bool hasBias = start.data && start.step == 0, hasStart = start.data && start.step > 0;
    for (int64_t task = begin; task < end; task++) {
      const int64_t n = task / (panels * pieces), row = task % pieces * height, count = std::min(height, rows - row);
      const int64_t column = task / pieces % panels * tileColumns, width = std::min(tileColumns, columns - column);
      if (task == begin || task % pieces == 0) {
        writePanel(n, column, width, panel);
        if (hasBias) std::copy_n(start.data + column, width, first);
      }
      float* out = y + (n * rows + row) * columns + column;
      const bool whole = width % lanes == 0;
      const Rows<float> to = whole ? Rows<float>{out, columns} : Rows<float>{rest, tileColumns};
      Rows<const float> from{first, 0};
      if (hasStart) {
        const Rows<const float> given{start.data + (out - y), columns};
        from = whole ? given : Rows<const float>{rest, tileColumns};
        if (!whole)
          for (int64_t i = 0; i < count; i++) std::copy_n(given.data + i * columns, width, rest + i * tileColumns);
      }
      multiplyPanel({a + (n * rows + row) * depth, depth}, panel, depth, from, to, count, width <= lanes);
      if (!whole)
        for (int64_t i = 0; i < count; i++) std::copy_n(rest + i * tileColumns, width, out + i * columns);
    }
  });
}

struct MatMulAttributes {
  static constexpr std::initializer_list<const char*> specs{"transpose_a: bool", "transpose_b: bool"};
  const bool transposeA, transposeB;
  explicit MatMulAttributes(AttributeReader& reader)
      : transposeA(reader.readBool("transpose_a")), transposeB(reader.readBool("transpose_b")) {}
};

/** a [batch, depth, rows] -> its transposes [batch, rows, depth] */
inline std::vector<float> transposeMatrices(const float* a, int64_t batch, int64_t rows, int64_t depth) {
  std::vector<float> transposed(batch * rows * depth);
  threadPool().parallelFor(
      batch * ceilDiv(rows, lanes), ceilDiv(minElementsPerThread, lanes * depth), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          const int64_t row = i % ceilDiv(rows, lanes) * lanes, start = i / ceilDiv(rows, lanes) * rows * depth;
          transpose({a + start + row, rows}, depth, std::min(lanes, rows - row),
                    {transposed.data() + start + row * depth, depth});
        }
      });
  return transposed;
}

/**
 * a [.., M, K], b [.., K, N] or one [K, N] for all, bias [N] if there is one -> a b + bias [.., M, N]. `transpose_a`: a is
 * [.., K, M]; `transpose_b`: b is [.., N, K].
 */
inline void matMul(const MatMulAttributes& attributes, Call& call) {
  const bool hasBias = call.countInputs() > 2;
  const float *a = call.input(0), *b = call.input(1), *bias = hasBias ? call.input(2) : nullptr;
  Shape shape = call.shape(0);
  const Shape right = call.shape(1);
  const size_t rank = shape.size(), last = right.size() - 1;
  if (attributes.transposeA) std::swap(shape[rank - 1], shape[rank - 2]);
  const int64_t depth = shape[rank - 1], columns = attributes.transposeB ? right[last - 1] : right[last];
  const int64_t batch = last == 1 ? 1 : countElements(right) / std::max<int64_t>(1, depth * columns);
  const int64_t rows = countElements(shape) / std::max<int64_t>(1, depth * batch);
  shape[rank - 1] = columns;
  float* y = call.output(0, shape);
  if (countElements(shape) == 0) return;
  std::vector<float> transposed;
  if (attributes.transposeA) {
    transposed = transposeMatrices(a, batch, rows, depth);
    a = transposed.data();
  }
  const auto writePanel = [&](int64_t n, int64_t column, int64_t width, float* panel) {
    const float* matrix = b + n * depth * columns;
    if (attributes.transposeB) return transposeToPanel({matrix + column * depth, depth}, width, depth, panel);
    copyPanel({matrix + column, columns}, depth, width, panel);
  };
  multiplyMatrices({batch, rows, depth, columns}, a, writePanel, {bias, 0}, y);
}

/** start [M, N], a [M, K], b [K, N] -> start + a b, in one pass over start and y */
inline void addProduct(const NoAttributes&, Call& call) {
  const float *start = call.input(0), *a = call.input(1), *b = call.input(2);
  const int64_t rows = call.shape(1)[0], depth = call.shape(1)[1], columns = call.shape(2)[1];
  float* y = call.output(0, {rows, columns});
  if (rows * columns == 0) return;
  const auto writePanel = [&](int64_t, int64_t column, int64_t width, float* panel) {
    copyPanel({b + column, columns}, depth, width, panel);
  };
  multiplyMatrices({1, rows, depth, columns}, a, writePanel, {start, columns}, y);
}

}  // namespace
