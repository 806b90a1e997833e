// Elementwise functions that compilers vectorise.
#pragma once
#include "simd.h"

namespace {

/** e^x to about 1e-7 of it; 0 from -87 down, bounded above 88. */
INLINE float fastExp(float x) {
  const float bounded = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;  // std::min would not be inlined into each version
  const float whole = (bounded * 1.44269504f + 12582912.0f) - 12582912.0f;  // rounds to a whole number
  const float r = (bounded - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(whole) + 127) << 23;
  return p * __builtin_bit_cast(float, bits);
}

INLINE float sigmoid(float x) { return 1.0f / (1.0f + fastExp(-x)); }

/** The normal distribution function, to 1e-7. Source: Abramowitz and Stegun 7.1.26 */
INLINE float normalCdf(float x, float bell) {
  const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * (x < 0 ? -x : x));
  const float tail = 0.5f * bell * t *
                     (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  return x < 0 ? tail : 1.0f - tail;
}

INLINE float gelu(float x) { return x * normalCdf(x, fastExp(-0.5f * x * x)); }

/** d gelu / dx = Phi + x phi */
INLINE float geluDerivative(float x) {
  const float bell = fastExp(-0.5f * x * x);
  return normalCdf(x, bell) + x * bell * 0.39894228f;
}

/** x sigmoid(c x) and its derivative. */
INLINE float swish(float x, float c) { return x * sigmoid(c * x); }
INLINE float swishDerivative(float x, float c) {
  const float s = sigmoid(c * x);
  return s + c * x * s * (1.0f - s);
}

}  // namespace
