// 3x3 convolutions with stride 1 and one pixel of zero padding. Small images go through im2col and one matrix product. Larger
// ones use Winograd's minimal filtering F(4x4, 3x3), which needs 36 multiplications for 16 pixels rather than 144.
// Source: arXiv 1509.09308, section 4, but with the interpolation points 0, +-3/4, +-3/2 and infinity, which lose less
// precision than its 0, +-1, +-2 (see arXiv 1803.10986): the mean error is 1e-6 of the values, five times that of direct sums.
#pragma once
#include "matMul.h"

namespace {

// ---- Winograd's transforms -------------------------------------------------------------------------------------------

/** The interpolation points; the side of a tile of outputs, and of the pixels that it depends on. */
constexpr float inner = 0.75f, outer = 1.5f, inner2 = inner * inner, outer2 = outer * outer;
/** Factors of the filter transform. */
constexpr float ofZero = 1 / (inner2 * outer2);
constexpr float ofInner = 1 / (2 * inner2 * (inner2 - outer2)), ofOuter = 1 / (2 * outer2 * (outer2 - inner2));
constexpr int64_t tileSide = 4, readSide = 6, points = readSide * readSide;

/** The input transform v = B^T d of six pixels, `step` apart */
template <int step>
INLINE void transformInput(const Vector16* d, Vector16* v) {
  const Vector16 d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Vector16 evenInner = d4 - outer2 * d2, oddInner = inner * (d3 - outer2 * d1);
  const Vector16 evenOuter = d4 - inner2 * d2, oddOuter = outer * (d3 - inner2 * d1);
  v[0] = d4 - (inner2 + outer2) * d2 + inner2 * outer2 * d0;
  v[step] = evenInner + oddInner;
  v[2 * step] = evenInner - oddInner;
  v[3 * step] = evenOuter + oddOuter;
  v[4 * step] = evenOuter - oddOuter;
  v[5 * step] = d5 - (inner2 + outer2) * d3 + inner2 * outer2 * d1;
}

/** The output transform y = A^T m of six products to four pixels */
template <int step>
INLINE void transformOutput(const Vector16* m, Vector16* y) {
  const Vector16 evenInner = m[step] + m[2 * step], oddInner = inner * (m[step] - m[2 * step]);
  const Vector16 evenOuter = m[3 * step] + m[4 * step], oddOuter = outer * (m[3 * step] - m[4 * step]);
  y[0] = m[0] + evenInner + evenOuter;
  y[step] = oddInner + oddOuter;
  y[2 * step] = inner2 * evenInner + outer2 * evenOuter;
  y[3 * step] = inner2 * oddInner + outer2 * oddOuter + m[5 * step];
}

/** The filter transform u = G g of three taps */
template <int step>
INLINE void transformFilter(const Vector16* g, Vector16* u) {
  const Vector16 evenInner = ofInner * (g[0] + inner2 * g[2 * step]), oddInner = ofInner * inner * g[step];
  const Vector16 evenOuter = ofOuter * (g[0] + outer2 * g[2 * step]), oddOuter = ofOuter * outer * g[step];
  u[0] = ofZero * g[0];
  u[step] = evenInner + oddInner;
  u[2 * step] = evenInner - oddInner;
  u[3 * step] = evenOuter + oddOuter;
  u[4 * step] = evenOuter - oddOuter;
  u[5 * step] = g[2 * step];
}

// ---- Convolutions ------------------------------------------------------------------------------------------------------

struct ConvolutionSizes {
  /** Channels are multiples of 16. */
  int64_t images, height, width, inputs, outputs;
  /** Computes the gradient with respect to the input: kernels are [3, 3, outputs, inputs] and rotated by 180 degrees. */
  bool inputGradient;

  int64_t down() const { return ceilDiv(height, tileSide); }
  int64_t across() const { return ceilDiv(width, tileSide); }
};

/** The filters of 16 inputs and a panel of outputs from `first` -> u, one panel [16, 32] per point, `apart` elements apart */
MULTIVERSION
void transformFilters(const ConvolutionSizes& c, const float* kernels, int64_t input, int64_t first, float* u,
                      int64_t apart) {
  const int64_t columns = std::min(tileColumns, c.outputs - first);
  alignas(64) float taps[9][lanes * tileColumns];
  for (int64_t tap = 0; tap < 9; tap++) {
    const float* matrix = kernels + (c.inputGradient ? 8 - tap : tap) * c.inputs * c.outputs;
    if (c.inputGradient) {
      transposeToPanel({matrix + first * c.inputs + input, c.inputs}, columns, lanes, taps[tap]);
    } else {
      copyPanel({matrix + input * c.outputs + first, c.outputs}, lanes, columns, taps[tap]);
    }
  }
  Vector16 g[9], half[18], all[points];
  for (int64_t at = 0; at < lanes * tileColumns; at += lanes) {
    for (int64_t tap = 0; tap < 9; tap++) g[tap] = LOAD(taps[tap] + at);
    for (int64_t j = 0; j < 3; j++) transformFilter<3>(g + j, half + j);
    for (int64_t i = 0; i < readSide; i++) transformFilter<1>(half + 3 * i, all + readSide * i);
    for (int64_t p = 0; p < points; p++) STORE(u + p * apart + at, all[p]);
  }
}

/** One tile of an image, surrounded by `outside` [inputs] -> v [inputs] per point, `apart` elements apart */
MULTIVERSION
void transformInputTile(const ConvolutionSizes& c, const float* image, int64_t top, int64_t left, const float* outside,
                        float* v, int64_t apart) {
  const float* pixels[points];
  for (int64_t p = 0; p < points; p++) {
    const int64_t row = top - 1 + p / readSide, column = left - 1 + p % readSide;
    const bool inside = row >= 0 && row < c.height && column >= 0 && column < c.width;
    pixels[p] = inside ? image + (row * c.width + column) * c.inputs : outside;
  }
  Vector16 d[points], half[points];
  for (int64_t channel = 0; channel < c.inputs; channel += lanes) {
    for (int64_t p = 0; p < points; p++) d[p] = LOAD(pixels[p] + channel);
    for (int64_t j = 0; j < readSide; j++) transformInput<readSide>(d + j, half + j);
    for (int64_t i = 0; i < readSide; i++) transformInput<1>(half + readSide * i, d + readSide * i);
    for (int64_t p = 0; p < points; p++) STORE(v + p * apart + channel, d[p]);
  }
}

/** m [columns] per point, `apart` elements apart, plus the bias -> one tile of y's channels from `channel` */
MULTIVERSION
void transformOutputTile(const ConvolutionSizes& c, const float* m, int64_t apart, const float* bias, int64_t channel,
                         int64_t top, int64_t left, float* image) {
  Vector16 d[points], half[tileSide * readSide], y[tileSide * tileSide];
  for (int64_t column = 0; column < std::min(tileColumns, c.outputs - channel); column += lanes) {
    const Vector16 added = LOAD(bias ? bias + channel + column : zeros);
    for (int64_t p = 0; p < points; p++) d[p] = LOAD(m + p * apart + column);
    for (int64_t j = 0; j < readSide; j++) transformOutput<readSide>(d + j, half + j);
    for (int64_t i = 0; i < tileSide; i++) transformOutput<1>(half + readSide * i, y + tileSide * i);
    for (int64_t i = 0; i < std::min(tileSide, c.height - top); i++)
      for (int64_t j = 0; j < std::min(tileSide, c.width - left); j++)
        STORE(image + ((top + i) * c.width + left + j) * c.outputs + channel + column, y[tileSide * i + j] + added);
  }
}

/** Cache blocks in floats: of transformed filters, for the last-level cache, and of transformed tiles, for a core's cache. */
constexpr int64_t filterBlock = 1 << 22, tileBlock = 1 << 16;

/** By Winograd's algorithm. */
inline void convolveWinograd(const ConvolutionSizes& c, const float* x, const float* kernels, const float* bias,
                             float* y) {
  const int64_t tiles = c.images * c.down() * c.across(), panels = ceilDiv(c.outputs, tileColumns);
  const int64_t fit = tileRows * std::max<int64_t>(1, tileBlock / (points * c.inputs) / tileRows);
  const int64_t rows = std::min(fit, tileRows * ceilDiv(tiles, tileRows * threadPool().size()));
  // One cache line of padding each, so that the points do not all map to the same cache sets.
  const int64_t ofU = (c.inputs + 1) * tileColumns, ofV = rows * c.inputs + lanes, ofM = rows * tileColumns + lanes;
  const int64_t atOnce = std::min(panels, std::max<int64_t>(1, filterBlock / (points * ofU)));
  static thread_local Workspace own;
  float* u = own.reserve(atOnce * points * ofU);
  const std::vector<float> outside(c.inputs, 0.0f);
  for (int64_t first = 0; first < panels; first += atOnce) {
    const int64_t count = std::min(atOnce, panels - first);
    threadPool().parallelFor(c.inputs / lanes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t input = begin * lanes; input < end * lanes; input += lanes)
        for (int64_t panel = 0; panel < count; panel++)
          transformFilters(c, kernels, input, (first + panel) * tileColumns,
                           u + panel * points * ofU + input * tileColumns, ofU);
    });
    threadPool().parallelFor(ceilDiv(tiles, rows), 1, [&](int64_t begin, int64_t end) {
      static thread_local Workspace scratch;
      float *v = scratch.reserve(points * (ofV + ofM)), *m = v + points * ofV;
      for (int64_t block = begin; block < end; block++) {
        const int64_t start = block * rows, used = std::min(rows, tiles - start);
        const auto eachTile = [&](auto body) {
          for (int64_t t = 0; t < used; t++) {
            const int64_t at = start + t, image = at / (c.down() * c.across());
            body(t, image * c.height * c.width, at / c.across() % c.down() * tileSide, at % c.across() * tileSide);
          }
        };
        eachTile([&](int64_t t, int64_t pixel, int64_t top, int64_t left) {
          transformInputTile(c, x + pixel * c.inputs, top, left, outside.data(), v + t * c.inputs, ofV);
        });
        for (int64_t panel = 0; panel < count; panel++) {
          for (int64_t p = 0; p < points; p++)
            multiplyPanel({v + p * ofV, c.inputs}, u + (panel * points + p) * ofU, c.inputs, {nullptr, 0},
                          {m + p * ofM, tileColumns}, used);
          const int64_t channel = (first + panel) * tileColumns;
          eachTile([&](int64_t t, int64_t pixel, int64_t top, int64_t left) {
            transformOutputTile(c, m + t * tileColumns, ofM, bias, channel, top, left, y + pixel * c.outputs);
          });
        }
      }
    });
  }
}

/** By im2col: a product of every pixel's neighbourhood [pixels, 9 inputs] with the kernels. */
inline void convolveIm2col(const ConvolutionSizes& c, const float* x, const float* kernels, const float* bias,
                           float* y) {
  const int64_t pixels = c.images * c.height * c.width, depth = 9 * c.inputs;
  static thread_local Workspace own;
  float* patches = own.reserve(pixels * depth);
  threadPool().parallelFor(pixels, ceilDiv(minElementsPerThread, depth), [&](int64_t begin, int64_t end) {
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
  const auto writePanel = [&](int64_t, int64_t column, int64_t width, float* panel) {
    if (!c.inputGradient) return copyPanel({kernels + column, c.outputs}, depth, width, panel);
    for (int64_t tap = 0; tap < 9; tap++)
      transposeToPanel({kernels + ((8 - tap) * c.outputs + column) * c.inputs, c.inputs}, width, c.inputs,
                       panel + tap * c.inputs * tileColumns);
  };
  multiplyMatrices({1, pixels, depth, c.outputs}, patches, writePanel, {bias, 0}, y);
}

/** x [N, H, W, inputs], kernels, bias [outputs] or nullptr -> y [N, H, W, outputs] */
inline void convolve(const ConvolutionSizes& c, const float* x, const float* kernels, const float* bias, float* y) {
  if (c.images * c.down() * c.across() >= 16) {  // fewer tiles do not repay transforming the filters at every call
    convolveWinograd(c, x, kernels, bias, y);
  } else {
    convolveIm2col(c, x, kernels, bias, y);
  }
}

struct ConvolutionAttributes {
  static constexpr std::initializer_list<const char*> specs{"input_gradient: bool"};
  const bool inputGradient;
  explicit ConvolutionAttributes(AttributeReader& reader) : inputGradient(reader.readBool("input_gradient")) {}
};

/**
 * x [N, H, W, C], kernels [3, 3, C, D], bias [D] if there is one -> [N, H, W, D]; C and D are multiples of 16. With
 * `input_gradient`, dy [N, H, W, D] and the same kernels -> dx.
 */
inline void convolution3x3(const ConvolutionAttributes& attributes, Call& call) {
  const bool hasBias = call.countInputs() > 2;
  const float *x = call.input(0), *kernels = call.input(1), *bias = hasBias ? call.input(2) : nullptr;
  Shape shape = call.shape(0);
  const int64_t inputs = shape[3], outputs = call.shape(1)[attributes.inputGradient ? 2 : 3];
  const ConvolutionSizes sizes{shape[0], shape[1], shape[2], inputs, outputs, attributes.inputGradient};
  shape[3] = outputs;
  float* y = call.output(0, shape);
  if (countElements(shape) > 0) convolve(sizes, x, kernels, bias, y);
}

}  // namespace
