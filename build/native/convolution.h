// Convolutions with kernels of 3x3 and a pixel of zeros around: of few pixels as a product of matrices; of many in tiles of
// 4x4 pixels by Winograd's minimal filtering F(4x4, 3x3), with 36 products for 16 pixels where plain sums need 144.
// Source: arXiv 1509.09308, section 4, at the points 0, +-3/4, +-3/2 and infinity: they lose less precision than the 0, +-1,
// +-2 there (see arXiv 1803.10986). Errors are 1e-6 of the values on average, five times those of plain sums.
#pragma once
#include "multiply.h"

namespace {

// ---- Winograd's transformations -------------------------------------------------------------------------------------------

/** The points, and pixels of a tile and pixels that it depends on, on one side. */
constexpr float inner = 0.75f, outer = 1.5f, inner2 = inner * inner, outer2 = outer * outer;
constexpr int64_t tileSide = 4, readSide = 6, points = readSide * readSide;

/** v = B^T d: six pixels, `step` from each other */
template <int step>
INLINE void spread(const Wide* d, Wide* v) {
  const Wide d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Wide evenInner = d4 - outer2 * d2, oddInner = inner * (d3 - outer2 * d1);
  const Wide evenOuter = d4 - inner2 * d2, oddOuter = outer * (d3 - inner2 * d1);
  v[0] = d4 - (inner2 + outer2) * d2 + inner2 * outer2 * d0;
  v[step] = evenInner + oddInner;
  v[2 * step] = evenInner - oddInner;
  v[3 * step] = evenOuter + oddOuter;
  v[4 * step] = evenOuter - oddOuter;
  v[5 * step] = d5 - (inner2 + outer2) * d3 + inner2 * outer2 * d1;
}

/** y = A^T m: six products to four pixels */
template <int step>
INLINE void gather(const Wide* m, Wide* y) {
  const Wide evenInner = m[step] + m[2 * step], oddInner = inner * (m[step] - m[2 * step]);
  const Wide evenOuter = m[3 * step] + m[4 * step], oddOuter = outer * (m[3 * step] - m[4 * step]);
  y[0] = m[0] + evenInner + evenOuter;
  y[step] = oddInner + oddOuter;
  y[2 * step] = inner2 * evenInner + outer2 * evenOuter;
  y[3 * step] = inner2 * oddInner + outer2 * oddOuter + m[5 * step];
}

/** u = G g: three taps of a kernel */
template <int step>
INLINE void weigh(const Wide* g, Wide* u) {
  constexpr float ofZero = 1 / (inner2 * outer2);
  constexpr float ofInner = 1 / (2 * inner2 * (inner2 - outer2)), ofOuter = 1 / (2 * outer2 * (outer2 - inner2));
  const Wide evenInner = ofInner * (g[0] + inner2 * g[2 * step]), oddInner = ofInner * inner * g[step];
  const Wide evenOuter = ofOuter * (g[0] + outer2 * g[2 * step]), oddOuter = ofOuter * outer * g[step];
  u[0] = ofZero * g[0];
  u[step] = evenInner + oddInner;
  u[2 * step] = evenInner - oddInner;
  u[3 * step] = evenOuter + oddOuter;
  u[4 * step] = evenOuter - oddOuter;
  u[5 * step] = g[2 * step];
}

// ---- Convolutions ------------------------------------------------------------------------------------------------------

struct Convolution {
  /** Channels are multiples of 16. */
  int64_t images, height, width, inputs, outputs;
  /** Whether kernels are those of the convolution whose gradient this is: [3, 3, outputs, inputs], and turned by 180 degrees. */
  bool gradient;

  int64_t down() const { return up(height, tileSide); }
  int64_t across() const { return up(width, tileSide); }
};

/** Kernels of 16 inputs and of a panel of outputs from `first` on -> u, a panel [16, 32] for each point, `apart` from each other */
FOR_EACH_PROCESSOR
void weighKernels(const Convolution& c, const float* kernels, int64_t input, int64_t first, float* u, int64_t apart) {
  const int64_t columns = std::min(tileColumns, c.outputs - first);
  alignas(64) float taps[9][lanes * tileColumns];
  for (int64_t tap = 0; tap < 9; tap++) {
    const float* matrix = kernels + (c.gradient ? 8 - tap : tap) * c.inputs * c.outputs;
    if (c.gradient) {
      turnPanel({matrix + first * c.inputs + input, c.inputs}, columns, lanes, taps[tap]);
    } else {
      copyPanel({matrix + input * c.outputs + first, c.outputs}, lanes, columns, taps[tap]);
    }
  }
  Wide g[9], half[18], all[points];
  for (int64_t at = 0; at < lanes * tileColumns; at += lanes) {
    for (int64_t tap = 0; tap < 9; tap++) g[tap] = LOAD(taps[tap] + at);
    for (int64_t j = 0; j < 3; j++) weigh<3>(g + j, half + j);
    for (int64_t i = 0; i < readSide; i++) weigh<1>(half + 3 * i, all + readSide * i);
    for (int64_t p = 0; p < points; p++) STORE(u + p * apart + at, all[p]);
  }
}

/** One tile of an image, and `outside` [inputs] around that -> v [inputs] for each point, `apart` from each other */
FOR_EACH_PROCESSOR
void spreadTile(const Convolution& c, const float* image, int64_t top, int64_t left, const float* outside, float* v,
                int64_t apart) {
  const float* pixels[points];
  for (int64_t p = 0; p < points; p++) {
    const int64_t row = top - 1 + p / readSide, column = left - 1 + p % readSide;
    const bool inside = row >= 0 && row < c.height && column >= 0 && column < c.width;
    pixels[p] = inside ? image + (row * c.width + column) * c.inputs : outside;
  }
  Wide d[points], half[points];
  for (int64_t channel = 0; channel < c.inputs; channel += lanes) {
    for (int64_t p = 0; p < points; p++) d[p] = LOAD(pixels[p] + channel);
    for (int64_t j = 0; j < readSide; j++) spread<readSide>(d + j, half + j);
    for (int64_t i = 0; i < readSide; i++) spread<1>(half + readSide * i, d + readSide * i);
    for (int64_t p = 0; p < points; p++) STORE(v + p * apart + channel, d[p]);
  }
}

/** m [columns] for each point, `apart` from each other, and the bias -> one tile of y's channels from `channel` on */
FOR_EACH_PROCESSOR
void gatherTile(const Convolution& c, const float* m, int64_t apart, const float* bias, int64_t channel, int64_t top,
                int64_t left, float* image) {
  Wide d[points], half[tileSide * readSide], y[tileSide * tileSide];
  for (int64_t column = 0; column < std::min(tileColumns, c.outputs - channel); column += lanes) {
    const Wide added = LOAD(bias ? bias + channel + column : zeros);
    for (int64_t p = 0; p < points; p++) d[p] = LOAD(m + p * apart + column);
    for (int64_t j = 0; j < readSide; j++) gather<readSide>(d + j, half + j);
    for (int64_t i = 0; i < tileSide; i++) gather<1>(half + readSide * i, y + tileSide * i);
    for (int64_t i = 0; i < std::min(tileSide, c.height - top); i++)
      for (int64_t j = 0; j < std::min(tileSide, c.width - left); j++)
        STORE(image + ((top + i) * c.width + left + j) * c.outputs + channel + column, y[tileSide * i + j] + added);
  }
}

/** Numbers of transformed kernels at once, which the last cache should hold, and of transformed tiles, for a core's cache. */
constexpr int64_t kernelsAtOnce = 1 << 22, tilesAtOnce = 1 << 16;

/** The convolution by Winograd's way. */
inline void convolveTiles(const Convolution& c, const float* x, const float* kernels, const float* bias, float* y) {
  const int64_t tiles = c.images * c.down() * c.across(), panels = up(c.outputs, tileColumns);
  const int64_t fit = tileRows * std::max<int64_t>(1, tilesAtOnce / (points * c.inputs) / tileRows);
  const int64_t rows = std::min(fit, tileRows * up(tiles, tileRows * threads().count()));
  // A line more than is needed, so that the points do not all fall on the same places of the cache.
  const int64_t ofU = (c.inputs + 1) * tileColumns, ofV = rows * c.inputs + lanes, ofM = rows * tileColumns + lanes;
  const int64_t atOnce = std::min(panels, std::max<int64_t>(1, kernelsAtOnce / (points * ofU)));
  static thread_local Scratch own;
  float* u = own.take(atOnce * points * ofU);
  const std::vector<float> outside(c.inputs, 0.0f);
  for (int64_t first = 0; first < panels; first += atOnce) {
    const int64_t count = std::min(atOnce, panels - first);
    threads().loop(c.inputs / lanes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t input = begin * lanes; input < end * lanes; input += lanes)
        for (int64_t panel = 0; panel < count; panel++)
          weighKernels(c, kernels, input, (first + panel) * tileColumns,
                       u + panel * points * ofU + input * tileColumns, ofU);
    });
    threads().loop(up(tiles, rows), 1, [&](int64_t begin, int64_t end) {
      static thread_local Scratch scratch;
      float *v = scratch.take(points * (ofV + ofM)), *m = v + points * ofV;
      for (int64_t block = begin; block < end; block++) {
        const int64_t start = block * rows, used = std::min(rows, tiles - start);
        const auto eachTile = [&](auto body) {
          for (int64_t t = 0; t < used; t++) {
            const int64_t at = start + t, image = at / (c.down() * c.across());
            body(t, image * c.height * c.width, at / c.across() % c.down() * tileSide, at % c.across() * tileSide);
          }
        };
        eachTile([&](int64_t t, int64_t pixel, int64_t top, int64_t left) {
          spreadTile(c, x + pixel * c.inputs, top, left, outside.data(), v + t * c.inputs, ofV);
        });
        for (int64_t panel = 0; panel < count; panel++) {
          for (int64_t p = 0; p < points; p++)
            multiplyPanel({v + p * ofV, c.inputs}, u + (panel * points + p) * ofU, c.inputs, {nullptr, 0},
                          {m + p * ofM, tileColumns}, used);
          const int64_t channel = (first + panel) * tileColumns;
          eachTile([&](int64_t t, int64_t pixel, int64_t top, int64_t left) {
            gatherTile(c, m + t * tileColumns, ofM, bias, channel, top, left, y + pixel * c.outputs);
          });
        }
      }
    });
  }
}

/** The convolution as a product of what each pixel depends on [pixels, 9 inputs] with the kernels. */
inline void convolvePatches(const Convolution& c, const float* x, const float* kernels, const float* bias, float* y) {
  const int64_t pixels = c.images * c.height * c.width, depth = 9 * c.inputs;
  static thread_local Scratch own;
  float* patches = own.take(pixels * depth);
  threads().loop(pixels, up(grain, depth), [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; pixel++)
      for (int64_t tap = 0; tap < 9; tap++) {
        const int64_t row = pixel / c.width % c.height + tap / 3 - 1, column = pixel % c.width + tap % 3 - 1;
        const bool inside = row >= 0 && row < c.height && column >= 0 && column < c.width;
        const float* from = x + (pixel + (tap / 3 - 1) * c.width + tap % 3 - 1) * c.inputs;
        float* to = patches + pixel * depth + tap * c.inputs;
        if (inside) {
          std::copy_n(from, c.inputs, to);
        } else {
          std::fill_n(to, c.inputs, 0.0f);
        }
      }
  });
  const auto panelOf = [&](int64_t, int64_t column, int64_t width, float* panel) {
    if (!c.gradient) return copyPanel({kernels + column, c.outputs}, depth, width, panel);
    for (int64_t tap = 0; tap < 9; tap++)
      turnPanel({kernels + ((8 - tap) * c.outputs + column) * c.inputs, c.inputs}, width, c.inputs,
                panel + tap * c.inputs * tileColumns);
  };
  multiply({1, pixels, depth, c.outputs}, patches, panelOf, bias, y);
}

/** x [N, H, W, inputs], kernels, bias [outputs] or nullptr -> y [N, H, W, outputs] */
inline void convolve(const Convolution& c, const float* x, const float* kernels, const float* bias, float* y) {
  if (c.images * c.down() * c.across() >= 16) {  // fewer tiles do not pay for the kernels, transformed at every call
    convolveTiles(c, x, kernels, bias, y);
  } else {
    convolvePatches(c, x, kernels, bias, y);
  }
}

}  // namespace
