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

/** Floats of packed panels that are worked through together, for a core's cache, and rows that meet one after the other. */
constexpr int64_t panelBlock = 1 << 17, rowBlock = 4 * tileRows;

/**
 * y = start + a b with a [batch, rows, depth], y [batch, rows, columns] and start likewise, or one row [columns] for all where
 * its step is 0, or nothing where it is nullptr. `writePanel(n, column, width, panel)` packs up to 32 columns of b's matrix
 * `n`, starting at `column`.
 */
template <typename WritePanel>
void multiplyMatrices(const MatMulSizes& sizes, const float* a, WritePanel writePanel, Rows<const float> start,
                      float* y) {
  const int64_t rows = sizes.rows, depth = sizes.depth, columns = sizes.columns, ofPanel = depth * tileColumns;
  // Where there are fewer rows than columns, threads share the columns, so that none packs what another does.
  const int64_t panels = ceilDiv(columns, tileColumns), shares = rows < columns ? 2 * threadPool().size() : 1;
  const int64_t fit = std::max<int64_t>(1, panelBlock / std::max<int64_t>(1, ofPanel));
  const int64_t strip = tileColumns * std::min(ceilDiv(panels, shares), fit), strips = ceilDiv(columns, strip);
  const int64_t all = std::max<int64_t>(1, sizes.batch * strips);
  const int64_t height = tileRows * ceilDiv(rows, tileRows * ceilDiv(2 * threadPool().size(), all)),
                pieces = ceilDiv(rows, height);
  const int64_t least = ceilDiv(minProductsPerThread, std::max<int64_t>(1, height * depth * std::min(columns, strip)));
  threadPool().parallelFor(sizes.batch * strips * pieces, least, [&](int64_t begin, int64_t end) {
    static thread_local Workspace forPanels, forRest;
    float *packed = forPanels.reserve(strip * depth), *rest = forRest.reserve(rowBlock * tileColumns);
    const bool hasBias = start.data && start.step == 0, hasStart = start.data && start.step > 0;
    for (int64_t task = begin; task < end; task++) {
      const int64_t n = task / (strips * pieces), top = task % pieces * height, bottom = std::min(rows, top + height);
      const int64_t left = task / pieces % strips * strip, right = std::min(columns, left + strip);
      if (task == begin || task % pieces == 0)
        for (int64_t column = left; column < right; column += tileColumns)
          writePanel(n, column, std::min(tileColumns, right - column), packed + (column - left) * depth);
      for (int64_t row = top; row < bottom; row += rowBlock)
        for (int64_t column = left; column < right; column += tileColumns) {
          const int64_t count = std::min(rowBlock, bottom - row), width = std::min(tileColumns, right - column);
          float first[tileColumns] = {};
          if (hasBias) std::copy_n(start.data + column, width, first);
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
          multiplyPanel({a + (n * rows + row) * depth, depth}, packed + (column - left) * depth, depth, from, to, count,
                        width <= lanes);
          if (!whole)
            for (int64_t i = 0; i < count; i++) std::copy_n(rest + i * tileColumns, width, out + i * columns);
        }
    }
  });
}

/** Blocks of a product of transposes, in rows of the sums, in columns and in depth, so that a core's cache holds them. */
constexpr int64_t mostRows = 8 * tileRows, mostColumns = 4 * tileColumns, mostDepth = 256;

/** Packs columns [0, columns) of x [depth, ..] into tiles [depth, 12], one after the other, padded with zeros. */
inline void packTiles(Rows<const float> x, int64_t depth, int64_t columns, float* tiles) {
  for (int64_t column = 0; column < columns; column += tileRows) {
    const float* from = x.data + column;
    const int64_t count = std::min(tileRows, columns - column);
    if (count < tileRows) std::fill_n(tiles, depth * tileRows, 0.0f);
    for (int64_t k = 0; k < depth; k++, from += x.step, tiles += tileRows) {
      if (count == tileRows) {
        std::memcpy(tiles, from, tileRows * sizeof(float));
      } else {
        std::copy_n(from, count, tiles);
      }
    }
  }
}

/**
 * y = a^T b + bias with a [batch, depth, rows], bias [columns] or nullptr and y [batch, rows, columns]: sums of outer
 * products, as the gradients of weights are. `writePanel(n, first, count, column, width, panel)` packs up to 32 columns of
 * rows [first, first + count) of b's matrix `n`.
 */
template <typename WritePanel>
void multiplyTransposed(const MatMulSizes& sizes, const float* a, WritePanel writePanel, const float* bias, float* y) {
  const int64_t rows = sizes.rows, depth = sizes.depth, columns = sizes.columns, tiles = ceilDiv(rows, tileRows);
  const int64_t strips = ceilDiv(columns, mostColumns), all = std::max<int64_t>(1, sizes.batch * strips);
  const int64_t least = std::max(ceilDiv(rows, mostRows), ceilDiv(threadPool().size(), all));
  const int64_t height = tileRows * ceilDiv(tiles, std::min(tiles, least)), pieces = ceilDiv(rows, height);
  const int64_t work = std::max<int64_t>(1, height * depth * std::min(columns, mostColumns));
  threadPool().parallelFor(
      sizes.batch * strips * pieces, ceilDiv(minProductsPerThread, work), [&](int64_t begin, int64_t end) {
        static thread_local Workspace forTiles, forPanel, forSums;
        float *packed = forTiles.reserve(height * mostDepth), *panel = forPanel.reserve(mostDepth * tileColumns);
        float* sums = forSums.reserve(height * mostColumns);
        for (int64_t task = begin; task < end; task++) {
          const int64_t n = task / (strips * pieces), row = task % pieces * height, count = std::min(height, rows - row);
          const int64_t left = task / pieces % strips * mostColumns, width = std::min(mostColumns, columns - left);
          for (int64_t i = 0; i < count; i++)
            for (int64_t c = 0; c < width; c++) sums[i * mostColumns + c] = bias ? bias[left + c] : 0.0f;
          for (int64_t first = 0; first < depth; first += mostDepth) {
            const int64_t length = std::min(mostDepth, depth - first);
            packTiles({a + (n * depth + first) * rows + row, rows}, length, count, packed);
            for (int64_t column = 0; column < width; column += tileColumns) {
              const int64_t part = std::min(tileColumns, width - column);
              writePanel(n, first, length, left + column, part, panel);
              for (int64_t i = 0; i < count; i += tileRows) {
                const Rows<float> to{sums + i * mostColumns + column, mostColumns};
                multiplyTransposedPanel({packed + i * length, tileRows}, panel, length, {to.data, to.step}, to, tileRows,
                                        part <= lanes);
              }
            }
          }
          for (int64_t i = 0; i < count; i++)
            std::copy_n(sums + i * mostColumns, width, y + (n * rows + row + i) * columns + left);
        }
      });
}

struct MatMulAttributes {
  static constexpr std::initializer_list<const char*> specs{"transpose_a: bool", "transpose_b: bool"};
  const bool transposeA, transposeB;
  explicit MatMulAttributes(AttributeReader& reader)
      : transposeA(reader.readBool("transpose_a")), transposeB(reader.readBool("transpose_b")) {}
};

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
  const auto writeRows = [&](int64_t n, int64_t first, int64_t count, int64_t column, int64_t width, float* panel) {
    const float* matrix = b + n * depth * columns;
    if (attributes.transposeB)
      return transposeToPanel({matrix + column * depth + first, depth}, width, count, panel);
    copyPanel({matrix + first * columns + column, columns}, count, width, panel);
  };
  const MatMulSizes sizes{batch, rows, depth, columns};
  if (attributes.transposeA) return multiplyTransposed(sizes, a, writeRows, bias, y);
  const auto writePanel = [&](int64_t n, int64_t column, int64_t width, float* panel) {
    writeRows(n, 0, depth, column, width, panel);
  };
  multiplyMatrices(sizes, a, writePanel, {bias, 0}, y);
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
