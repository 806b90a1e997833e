// The micro-kernel of all matrix products: tiles whose sums stay in registers, and panels packed for it.
#pragma once
#include "simd.h"

namespace {

/** The size of a tile of sums. A panel is a row-major matrix [depth, 32] that starts at a cache line. */
constexpr int64_t tileRows = 12, tileColumns = 32;

/** A matrix in memory: its first element, and the elements from one row to the next. */
template <typename T>
struct Rows {
  T* data;
  int64_t step;
};

// ---- Tiles ----------------------------------------------------------------------------------------------------------

/** A tile's rows, each from its own address. */
struct SeparateRows {
  const float* const* rows;
  INLINE float at(int64_t row, int64_t k) const { return rows[row][k]; }
};

/** A tile's rows side by side: they are columns of a matrix [depth, step]. */
struct InterleavedRows {
  const float* data;
  int64_t step;
  INLINE float at(int64_t row, int64_t k) const { return data[k * step + row]; }
};

/** to[rows][vectors] = start + from[rows][depth] panel[depth][vectors], starting at `row` and `column` */
template <typename Vector, int rows, int vectors, typename From>
INLINE void multiplyPart(From from, const float* panel, int64_t depth, const float* const* start, float* const* to,
                         int64_t row, int64_t column) {
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
      for (int j = 0; j < vectors; j++) sums[i][j] += from.at(row + i, k) * line[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
    for (int j = 0; j < vectors; j++) std::memcpy(to[row + i] + column + j * length, &sums[i][j], sizeof(Vector));
}

/** A whole tile, or only its first 16 columns where it is `narrow`, in parts whose sums fit in the registers. */
template <typename Vector, int rows, int vectors, typename From>
INLINE void multiplyTile(From from, const float* panel, int64_t depth, const float* const* start, float* const* to,
                         bool narrow) {
  constexpr int64_t columns = vectors * sizeof(Vector) / sizeof(float);
  for (int64_t row = 0; row < tileRows; row += rows)
    for (int64_t column = 0; column < (narrow ? lanes : tileColumns); column += columns)
      multiplyPart<Vector, rows, vectors>(from, panel, depth, start, to, row, column);
}

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
template <typename From>
using MultiplyTile = void (*)(From, const float*, int64_t, const float* const*, float* const*, bool);

template <typename From>
void multiplyTile4(From from, const float* panel, int64_t depth, const float* const* start, float* const* to,
                   bool narrow) {
  multiplyTile<Vector4, 6, 2>(from, panel, depth, start, to, narrow);
}

#if defined(__x86_64__) && !defined(_WIN32)
template <typename From>
__attribute__((target("avx2,fma"))) void multiplyTile8(From from, const float* panel, int64_t depth,
                                                       const float* const* start, float* const* to, bool narrow) {
  multiplyTile<Vector8, 6, 2>(from, panel, depth, start, to, narrow);
}
template <typename From>
__attribute__((target("avx512f"))) void multiplyTile16(From from, const float* panel, int64_t depth,
                                                       const float* const* start, float* const* to, bool narrow) {
  if (narrow) return multiplyTile<Vector16, 12, 1>(from, panel, depth, start, to, narrow);
  multiplyTile<Vector16, 12, 2>(from, panel, depth, start, to, narrow);
}
template <typename From>
MultiplyTile<From> chooseMultiplyTile() {
  if (__builtin_cpu_supports("avx512f")) return multiplyTile16<From>;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? multiplyTile8<From> : multiplyTile4<From>;
}
#else
template <typename From>
MultiplyTile<From> chooseMultiplyTile() {
  return multiplyTile4<From>;
}
#endif
template <typename From>
const MultiplyTile<From> multiplyBestTile = chooseMultiplyTile<From>();

// ---- Panels ----------------------------------------------------------------------------------------------------------

alignas(64) const float zeros[tileColumns] = {};

/**
 * to [rows, 32] = start + from [rows, depth] times a panel; only the first 16 columns where `narrow`. `start` may be `to`,
 * and nullptr means zeros.
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
    multiplyBestTile<SeparateRows>({read}, panel, depth, begin, write, narrow);
  }
}

/**
 * to [rows, 32] = start + from^T panel with from [depth, rows], panel [depth, 32]; only the first 16 columns where `narrow`.
 * `start` may be `to`, and nullptr means zeros. `rows` is a multiple of 12, and `from` can be read that far.
 */
inline void multiplyTransposedPanel(Rows<const float> from, const float* panel, int64_t depth, Rows<const float> start,
                                    Rows<float> to, int64_t rows, bool narrow) {
  const float* begin[tileRows];
  float* write[tileRows];
  for (int64_t row = 0; row < rows; row += tileRows) {
    for (int64_t i = 0; i < tileRows; i++) {
      begin[i] = start.data ? start.data + (row + i) * start.step : zeros;
      write[i] = to.data + (row + i) * to.step;
    }
    multiplyBestTile<InterleavedRows>({from.data + row, from.step}, panel, depth, begin, write, narrow);
  }
}

/** x [16, 16] -> its transpose y. Each of the four steps moves one bit of an element's row index to its column index. */
MULTIVERSION
void transposeSquare(const float* x, int64_t fromStep, float* y, int64_t toStep) {
  Vector16 rows[2][lanes];
  for (int64_t i = 0; i < lanes; i++) rows[0][i] = LOAD(x + i * fromStep);
  for (int64_t step = 0; step < 4; step++) {
    const Vector16* from = rows[step % 2];
    Vector16* to = rows[1 - step % 2];
    for (int64_t i = 0; i < lanes / 2; i++) {
      to[2 * i] = SHUFFLE(from[i], from[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      to[2 * i + 1] = SHUFFLE(from[i], from[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
  for (int64_t i = 0; i < lanes; i++) STORE(y + i * toStep, rows[0][i]);
}

/** x [rows, columns] -> y [columns, rows] */
inline void transpose(Rows<const float> x, int64_t rows, int64_t columns, Rows<float> y) {
  const int64_t wholeRows = rows / lanes * lanes, wholeColumns = columns / lanes * lanes;
  for (int64_t row = 0; row < wholeRows; row += lanes)
    for (int64_t column = 0; column < wholeColumns; column += lanes)
      transposeSquare(x.data + row * x.step + column, x.step, y.data + column * y.step + row, y.step);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = row < wholeRows ? wholeColumns : 0; column < columns; column++)
      y.data[column * y.step + row] = x.data[row * x.step + column];
}

/** Packs x [rows, columns <= 32] into a panel, padded with zeros on the right. */
inline void copyPanel(Rows<const float> x, int64_t rows, int64_t columns, float* panel) {
  for (int64_t row = 0; row < rows; row++, panel += tileColumns) {
    std::copy_n(x.data + row * x.step, columns, panel);
    std::fill(panel + columns, panel + tileColumns, 0.0f);
  }
}

/** Packs the transpose of x [rows <= 32, columns] into a panel, padded with zeros on the right. */
inline void transposeToPanel(Rows<const float> x, int64_t rows, int64_t columns, float* panel) {
  transpose(x, rows, columns, {panel, tileColumns});
  if (rows < tileColumns)
    for (int64_t row = 0; row < columns; row++)
      std::fill(panel + row * tileColumns + rows, panel + (row + 1) * tileColumns, 0.0f);
}

}  // namespace
