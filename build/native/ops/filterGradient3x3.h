// The gradient of a 3x3 convolution with stride 1 and one pixel of zero padding with respect to its filter: the adjoint of
// Winograd's minimal filtering F(4x4, 3x3), dg = G^T (sum over tiles of (B^T d B) * (A dy A^T)) G, which needs 36
// multiplications for 16 pixels rather than 144. Source: arXiv 1509.09308, section 4.1, with the points of convolution3x3.h
#pragma once
#include "convolution3x3.h"

namespace {

/** The adjoint of the output transform: m = A y, four pixels to six products, `step` apart */
template <int step>
INLINE void transformOutputGradient(const Vector16* y, Vector16* m) {
  const Vector16 evenInner = y[0] + inner2 * y[2 * step], oddInner = inner * (y[step] + inner2 * y[3 * step]);
  const Vector16 evenOuter = y[0] + outer2 * y[2 * step], oddOuter = outer * (y[step] + outer2 * y[3 * step]);
  m[0] = y[0];
  m[step] = evenInner + oddInner;
  m[2 * step] = evenInner - oddInner;
  m[3 * step] = evenOuter + oddOuter;
  m[4 * step] = evenOuter - oddOuter;
  m[5 * step] = y[3 * step];
}

/** The adjoint of the filter transform: g = G^T u, six values to three taps */
template <int step>
INLINE void transformFilterGradient(const Vector16* u, Vector16* g) {
  const Vector16 evenInner = ofInner * (u[step] + u[2 * step]), oddInner = ofInner * inner * (u[step] - u[2 * step]);
  const Vector16 evenOuter = ofOuter * (u[3 * step] + u[4 * step]), oddOuter = ofOuter * outer * (u[3 * step] - u[4 * step]);
  g[0] = ofZero * u[0] + evenInner + evenOuter;
  g[step] = oddInner + oddOuter;
  g[2 * step] = inner2 * evenInner + outer2 * evenOuter + u[5 * step];
}

/** One tile of dy -> m [outputs] per point in panels [.., 32] that are `ofPanel` elements apart, as points are by `apart` */
MULTIVERSION
void transformGradientTile(const ConvolutionSizes& c, const float* image, int64_t top, int64_t left, float* m,
                           int64_t ofPanel, int64_t apart) {
  constexpr int64_t pixels = tileSide * tileSide;
  const Vector16 nothing = LOAD(zeros);
  Vector16 y[pixels], half[tileSide * readSide], d[points];
  for (int64_t channel = 0; channel < c.outputs; channel += lanes) {
    for (int64_t p = 0; p < pixels; p++) {
      const int64_t row = top + p / tileSide, column = left + p % tileSide;
      const bool inside = row < c.height && column < c.width;
      y[p] = inside ? LOAD(image + (row * c.width + column) * c.outputs + channel) : nothing;
    }
    for (int64_t i = 0; i < tileSide; i++) transformOutputGradient<1>(y + tileSide * i, half + readSide * i);
    for (int64_t j = 0; j < readSide; j++) transformOutputGradient<readSide>(half + j, d + j);
    float* to = m + channel / tileColumns * ofPanel + channel % tileColumns;
    for (int64_t p = 0; p < points; p++) STORE(to + p * apart, d[p]);
  }
}

/** u [inputs, ..] per point -> the kernels' gradient [3, 3, inputs, outputs] of inputs [begin, end) */
MULTIVERSION
void transformFilterGradients(const ConvolutionSizes& c, const float* u, int64_t step, int64_t apart, int64_t begin,
                              int64_t end, float* kernels) {
  Vector16 d[points], half[3 * readSide], g[9];
  for (int64_t input = begin; input < end; input++)
    for (int64_t output = 0; output < c.outputs; output += lanes) {
      for (int64_t p = 0; p < points; p++) d[p] = LOAD(u + p * apart + input * step + output);
      for (int64_t j = 0; j < readSide; j++) transformFilterGradient<readSide>(d + j, half + j);
      for (int64_t i = 0; i < 3; i++) transformFilterGradient<1>(half + readSide * i, g + 3 * i);
      for (int64_t tap = 0; tap < 9; tap++) STORE(kernels + (tap * c.inputs + input) * c.outputs + output, g[tap]);
    }
}

/** Floats of transformed pixels that are held at once, for the last-level cache. */
constexpr int64_t gradientBlock = 1 << 20;

/** x [N, H, W, inputs], dy [N, H, W, outputs] -> the kernels' gradient [3, 3, inputs, outputs] */
inline void computeFilterGradient(const ConvolutionSizes& c, const float* x, const float* dy, float* kernels) {
  const int64_t tiles = c.images * c.down() * c.across(), panels = ceilDiv(c.outputs, tileColumns);
  // One cache line of padding, so that rows do not all map to the same cache sets, and rows of sums in whole tiles.
  const int64_t wide = c.inputs + lanes, rows = tileRows * ceilDiv(c.inputs, tileRows), step = panels * tileColumns;
  const int64_t atOnce = std::min(tiles, std::max<int64_t>(1, gradientBlock / (points * (wide + step))));
  const int64_t ofV = atOnce * wide + lanes, ofPanel = atOnce * tileColumns, ofM = panels * ofPanel + lanes;
  const int64_t ofU = rows * step;
  static thread_local Workspace forPixels, forGradients, forSums;
  float *v = forPixels.reserve(points * ofV), *m = forGradients.reserve(points * ofM);
  float* u = forSums.reserve(points * ofU);
  const std::vector<float> outside(c.inputs, 0.0f);
  for (int64_t first = 0; first < tiles; first += atOnce) {
    const int64_t count = std::min(atOnce, tiles - first);
    threadPool().parallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        const int64_t at = first + t, pixel = at / (c.down() * c.across()) * c.height * c.width;
        const int64_t top = at / c.across() % c.down() * tileSide, left = at % c.across() * tileSide;
        transformInputTile(c, x + pixel * c.inputs, top, left, outside.data(), v + t * wide, ofV);
        transformGradientTile(c, dy + pixel * c.outputs, top, left, m + t * tileColumns, ofPanel, ofM);
      }
    });
    threadPool().parallelFor(points * panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t p = i / panels, panel = i % panels;
        const Rows<float> sums{u + p * ofU + panel * tileColumns, step};
        multiplyTransposedPanel({v + p * ofV, wide}, m + p * ofM + panel * ofPanel, count,
                                {first > 0 ? sums.data : nullptr, first > 0 ? step : 0}, sums, rows,
                                c.outputs - panel * tileColumns <= lanes);
      }
    });
  }
  threadPool().parallelFor(c.inputs, minRowsPerThread(points * c.outputs), [&](int64_t begin, int64_t end) {
    transformFilterGradients(c, u, step, ofU, begin, end, kernels);
  });
}

/** x [N, H, W, C], dy [N, H, W, D] -> [3, 3, C, D]; C and D are multiples of 16. */
inline void filterGradient3x3(const NoAttributes&, Call& call) {
  const float *x = call.input(0), *dy = call.input(1);
  const Shape shape = call.shape(0);
  const int64_t outputs = call.shape(1)[3];
  float* kernels = call.output(0, {3, 3, shape[3], outputs});
  computeFilterGradient({shape[0], shape[1], shape[2], shape[3], outputs, false}, x, dy, kernels);
}

}  // namespace
