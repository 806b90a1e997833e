// Conversion of 16-bit floats to float32.
#pragma once
#include "op.h"
#include "threadPool.h"

namespace {

MULTIVERSION
void convertFloat16(const uint16_t* halves, float* y, int64_t size) {
  SIMD for (int64_t i = 0; i < size; i++) {
    const uint32_t half = halves[i], magnitude = half & 0x7fff;
    const uint32_t normal = (magnitude << 13) + (magnitude < 0x7c00 ? 112u << 23 : 224u << 23);
    const float small = static_cast<int32_t>(magnitude) * 5.9604645e-8f;  // multiples of 2^-24
    const uint32_t bits = magnitude < 0x400 ? __builtin_bit_cast(uint32_t, small) : normal;
    y[i] = __builtin_bit_cast(float, bits | (half & 0x8000) << 16);
  }
}

MULTIVERSION
void convertBfloat16(const uint16_t* halves, float* y, int64_t size) {
  SIMD for (int64_t i = 0; i < size; i++) y[i] = __builtin_bit_cast(float, static_cast<uint32_t>(halves[i]) << 16);
}

/** Converts kernels [outputs, inputs, taps] of inputs [begin, end) to [taps, inputs, outputs], in cache blocks. */
inline void transposeKernels(const uint16_t* halves, float* y, int64_t outputs, int64_t inputs, int64_t taps,
                             int64_t begin, int64_t end, void (*convert)(const uint16_t*, float*, int64_t)) {
  constexpr int64_t block = 16;
  std::vector<float> values(block * block * taps);
  for (int64_t from = begin; from < end; from += block)
    for (int64_t to = 0; to < outputs; to += block) {
      const int64_t across = std::min(block, end - from), down = std::min(block, outputs - to), row = across * taps;
      for (int64_t o = 0; o < down; o++) convert(halves + ((to + o) * inputs + from) * taps, &values[o * row], row);
      for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t i = 0; i < across; i++) {
          float* out = y + (tap * inputs + from + i) * outputs + to;
          for (int64_t o = 0; o < down; o++) out[o] = values[o * row + i * taps + tap];
        }
    }
}

struct ToFloat32Attributes {
  static constexpr std::initializer_list<const char*> specs{"count: int", "is_bfloat16: bool", "taps: int"};
  const int64_t count;
  const bool isBfloat16;
  const int64_t taps;
  explicit ToFloat32Attributes(AttributeReader& reader)
      : count(reader.readInt("count")), isBfloat16(reader.readBool("is_bfloat16")), taps(reader.readInt("taps")) {}
};

/**
 * [..], two 16-bit values in the bits of each float -> [count]. With `taps` > 0 the input is [outputs, ..], its values are
 * kernels [outputs, inputs, taps], and the result is [taps, inputs, outputs].
 */
inline void toFloat32(const ToFloat32Attributes& attributes, Call& call) {
  const auto* halves = reinterpret_cast<const uint16_t*>(call.input(0));
  const Shape shape = call.shape(0);
  const auto convert = attributes.isBfloat16 ? convertBfloat16 : convertFloat16;
  const int64_t count = std::min(attributes.count, 2 * countElements(shape)), taps = attributes.taps;
  if (taps == 0) {
    float* y = call.output(0, {count});
    threadPool().parallelFor(count, minElementsPerThread,
                             [&](int64_t begin, int64_t end) { convert(halves + begin, y + begin, end - begin); });
    return;
  }
  const int64_t outputs = shape[0], inputs = count / (outputs * taps);
  float* y = call.output(0, {taps, inputs, outputs});
  threadPool().parallelFor(inputs, minRowsPerThread(outputs * taps), [&](int64_t begin, int64_t end) {
    transposeKernels(halves, y, outputs, inputs, taps, begin, end, convert);
  });
}

}  // namespace
