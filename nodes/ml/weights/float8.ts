import { float16ToNumber } from './float16.ts';

/** The two kinds of 8-bit floats in files, by the name of torch. */
export type Float8 = 'float8_e4m3fn' | 'float8_e5m2';

/**
 * The float16 bits of each of the 256 values of an 8-bit float, which float16 holds exactly.
 *
 * | kind | sign, exponent (bias), fraction | what has no value |
 * | --- | --- | --- |
 * | e4m3fn | 1, 4 (7), 3 | 0x7f and 0xff are no number; there is no infinity |
 * | e5m2 | 1, 5 (15), 2: the upper half of a float16 | as in float16 |
 *
 * Source: arXiv 2209.05433, table 1
 */
export const float8Halves: Readonly<Record<Float8, Uint16Array>> = {
  float8_e4m3fn: Uint16Array.from({ length: 256 }, (_, bits) => e4m3ToFloat16(bits)),
  float8_e5m2: Uint16Array.from({ length: 256 }, (_, bits) => bits << 8),
};

/** The same as numbers. */
export const float8Values: Readonly<Record<Float8, Float32Array>> = {
  float8_e4m3fn: Float32Array.from(float8Halves.float8_e4m3fn, float16ToNumber),
  float8_e5m2: Float32Array.from(float8Halves.float8_e5m2, float16ToNumber),
};

function e4m3ToFloat16(bits: number): number {
  const sign = (bits & 0x80) << 8;
  const magnitude = bits & 0x7f;
  if (magnitude === 0x7f) return sign | 0x7e00;
  if (magnitude >= 0x08) return sign | ((magnitude << 7) + ((15 - 7) << 10));
  if (magnitude === 0) return sign;
  // Below 2^-6 it counts multiples of 2^-9, which are normal in a float16.
  const exponent = 31 - Math.clz32(magnitude);
  const fraction = (magnitude << (10 - exponent)) & 0x3ff;
  return sign | ((exponent - 9 + 15) << 10) | fraction;
}
