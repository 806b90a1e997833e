// Products of matrices, by tiles whose sums stay in a processor's registers.
#pragma once
#include "processor.h"

namespace {

/** Sums of a tile; a panel is a matrix [depth, 32], row after row, beginning at a line of the cache. */
constexpr int64_t tileRows = 12, tileColumns = 32;

/** A matrix in memory: its first number, and how many lie from one row to the next. */
template <typename T>
struct Rows {
  T* data;
  int64_t step;
};

// ---- A tile ----------------------------------------------------------------------------------------------------------

/** to[rows][vectors] = start + from[rows][depth] panel[depth][vectors], from row `row` and column `column` on */
template <typename Vector, int rows, int vectors>
INLINE void multiplyPart(const float* const* from, const float* panel, int64_t depth, const float* const* start,
                         float* const* to, int64_t row, int64_t column) {
  constexpr int64_t length = sizeof(Vector) / sizeof(float);
  Vector sums[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
    for (int j = 0; j < vectors; j++) std::memcpy(&sums[i][j], start[row + i] + column + j * length, sizeof(Vector));
  panel += column;
  for (int64_t k = 0; k < depth; k++, panel += tileColumns) {
    Vector line[vectors];
#pragma GCC unroll 16
    for (int j = 0; j < vectors; j++) std::memcpy(&line[j], panel + j * length, sizeof(Vector));
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
      for (int j = 0; j < vectors; j++) sums[i][j] += from[row + i][k] * line[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
    for (int j = 0; j < vectors; j++) std::memcpy(to[row + i] + column + j * length, &sums[i][j], sizeof(Vector));
}

/** The whole tile, or of a `narrow` one only its first 16 columns, in parts of as many sums as a processor has room for. */
template <typename Vector, int rows, int vectors>
INLINE void multiplyTile(const float* const* from, const float* panel, int64_t depth, const float* const* start,
                         float* const* to, bool narrow) {
  constexpr int64_t columns = vectors * sizeof(Vector) / sizeof(float);
  for (int64_t row = 0; row < tileRows; row += rows)
    for (int64_t column = 0; column < (narrow ? lanes : tileColumns); column += columns)
      multiplyPart<Vector, rows, vectors>(from, panel, depth, start, to, row, column);
}

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef void (*Tile)(const float* const*, const float*, int64_t, const float* const*, float* const*, bool);

inline void tileOf4(const float* const* from, const float* panel, int64_t depth, const float* const* start,
                    float* const* to, bool narrow) {
  multiplyTile<Vector4, 6, 2>(from, panel, depth, start, to, narrow);
}

#if defined(__x86_64__) && !defined(_WIN32)
__attribute__((target("avx2,fma"))) inline void tileOf8(const float* const* from, const float* panel, int64_t depth,
                                                        const float* const* start, float* const* to, bool narrow) {
  multiplyTile<Vector8, 6, 2>(from, panel, depth, start, to, narrow);
}
__attribute__((target("avx512f"))) inline void tileOf16(const float* const* from, const float* panel, int64_t depth,
                                                        const float* const* start, float* const* to, bool narrow) {
  if (narrow) return multiplyTile<Wide, 12, 1>(from, panel, depth, start, to, narrow);
  multiplyTile<Wide, 12, 2>(from, panel, depth, start, to, narrow);
}
inline Tile chooseTile() {
  if (__builtin_cpu_supports("avx512f")) return tileOf16;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? tileOf8 : tileOf4;
}
#else
inline Tile chooseTile() { return tileOf4; }
#endif
const Tile tile = chooseTile();

// ---- Panels ----------------------------------------------------------------------------------------------------------

alignas(64) const float zeros[tileColumns] = {};

/**
 * to [rows, 32] = start + from [rows, depth] times a panel; only the first 16 columns where `narrow`. A start of nullptr
 * is zeros; it may be `to`.
 */
inline void multiplyPanel(Rows<const float> from, const float* panel, int64_t depth, Rows<const float> start,
                          Rows<float> to, int64_t rows, bool narrow = false) {
  float beyond[tileColumns];
  const float *read[tileRows], *begin[tileRows];
  float* write[tileRows];
  for (int64_t row = 0; row < rows; row += tileRows) {
    for (int64_t i = 0; i < tileRows; i++) {
      const bool inside = row + i < rows;
      read[i] = from.data + std::min(row + i, rows - 1) * from.step;
      begin[i] = inside && start.data ? start.data + (row + i) * start.step : zeros;
      write[i] = inside ? to.data + (row + i) * to.step : beyond;
    }
    tile(read, panel, depth, begin, write, narrow);
  }
}

/** x [16, 16] -> y, its transposed: each of four steps moves one bit of a number's row to its column. */
FOR_EACH_PROCESSOR
void turnSquare(const float* x, int64_t fromStep, float* y, int64_t toStep) {
  Wide rows[2][lanes];
  for (int64_t i = 0; i < lanes; i++) rows[0][i] = LOAD(x + i * fromStep);
  for (int64_t step = 0; step < 4; step++) {
    const Wide* from = rows[step % 2];
    Wide* to = rows[1 - step % 2];
    for (int64_t i = 0; i < lanes / 2; i++) {
      to[2 * i] = PICK(from[i], from[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      to[2 * i + 1] = PICK(from[i], from[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
  for (int64_t i = 0; i < lanes; i++) STORE(y + i * toStep, rows[0][i]);
}

/** x [rows, columns] -> y [columns, rows] */
inline void turn(Rows<const float> x, int64_t rows, int64_t columns, Rows<float> y) {
  const int64_t wholeRows = rows / lanes * lanes, wholeColumns = columns / lanes * lanes;
  for (int64_t row = 0; row < wholeRows; row += lanes)
    for (int64_t column = 0; column < wholeColumns; column += lanes)
      turnSquare(x.data + row * x.step + column, x.step, y.data + column * y.step + row, y.step);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = row < wholeRows ? wholeColumns : 0; column < columns; column++)
      y.data[column * y.step + row] = x.data[row * x.step + column];
}

/** x [rows, columns <= 32] -> a panel, with zeros to the right */
inline void copyPanel(Rows<const float> x, int64_t rows, int64_t columns, float* panel) {
  for (int64_t row = 0; row < rows; row++, panel += tileColumns) {
    std::copy_n(x.data + row * x.step, columns, panel);
    std::fill(panel + columns, panel + tileColumns, 0.0f);
  }
}

/** x [rows <= 32, columns] -> its transposed as a panel, with zeros to the right */
inline void turnPanel(Rows<const float> x, int64_t rows, int64_t columns, float* panel) {
  turn(x, rows, columns, {panel, tileColumns});
  if (rows < tileColumns)
    for (int64_t row = 0; row < columns; row++)
      std::fill(panel + row * tileColumns + rows, panel + (row + 1) * tileColumns, 0.0f);
}

// ---- Products --------------------------------------------------------------------------------------------------------

/** Products of numbers below which a second thread costs more than it brings. */
constexpr int64_t worthAThread = 1 << 20;

struct Product {
  int64_t batch, rows, depth, columns;
};

/**
 * a [batch, rows, depth], bias [columns] or nullptr -> y = a b + bias [batch, rows, columns]. `panelOf` writes up to 32
 * columns of the second matrix of a pair, from `column` on, into a panel.
 */
template <typename PanelOf>
void multiply(const Product& product, const float* a, PanelOf panelOf, const float* bias, float* y) {
  const int64_t rows = product.rows, depth = product.depth, columns = product.columns;
  const int64_t panels = up(columns, tileColumns), all = std::max<int64_t>(1, product.batch * panels);
  const int64_t height = tileRows * up(rows, tileRows * up(2 * threads().count(), all)), pieces = up(rows, height);
  const int64_t least = up(worthAThread, std::max<int64_t>(1, height * depth * tileColumns));
  threads().loop(product.batch * panels * pieces, least, [&](int64_t begin, int64_t end) {
    static thread_local Scratch forPanel, forRest;
    float *panel = forPanel.take(depth * tileColumns), *rest = forRest.take(height * tileColumns);
    float first[tileColumns] = {};
    for (int64_t task = begin; task < end; task++) {
      const int64_t n = task / (panels * pieces), row = task % pieces * height, count = std::min(height, rows - row);
      const int64_t column = task / pieces % panels * tileColumns, width = std::min(tileColumns, columns - column);
      if (task == begin || task % pieces == 0) {
        panelOf(n, column, width, panel);
        if (bias) std::copy_n(bias + column, width, first);
      }
      float* out = y + (n * rows + row) * columns + column;
      const bool whole = width % lanes == 0;
      multiplyPanel({a + (n * rows + row) * depth, depth}, panel, depth, {first, 0},
                    whole ? Rows<float>{out, columns} : Rows<float>{rest, tileColumns}, count, width <= lanes);
      if (!whole)
        for (int64_t i = 0; i < count; i++) std::copy_n(rest + i * tileColumns, width, out + i * columns);
    }
  });
}

}  // namespace
