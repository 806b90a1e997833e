import { concat, cos, mul, reshape, sin, type Tensor1D, type Tensor2D, tensor2d, tidy } from '../tf.ts';

interface TimestepEmbeddingOptions {
  /** [cos, sin] rather than [sin, cos]. */
  readonly flipSinToCos: boolean;
  /** Subtracted from the number of frequencies in the exponent. */
  readonly freqShift: number;
}

/**
 * Sinusoids of a timestep. N timesteps, any real numbers -> [N, width]; an odd width ends in a zero column. Numbers are
 * more exact than a tensor: the sines of some graphics cards are good to 2e-4 only. The caller owns the result.
 * Source: arXiv 1706.03762, section 3.5; order and shift as in diffusers
 *
 *   f_i = 10000^(-i / (h - shift)),  h = floor(width / 2),  i = 0 .. h - 1
 */
export function timestepEmbedding(
  timesteps: Tensor1D | readonly number[],
  width: number,
  { flipSinToCos, freqShift }: TimestepEmbeddingOptions,
): Tensor2D {
  const half = Math.floor(width / 2);
  const frequencies = Array.from({ length: half }, (_, i) => 10000 ** (-i / (half - freqShift)));
  const rest = width % 2 ? [0] : [];
  if (Array.isArray(timesteps)) {
    const rows = timesteps.map((time: number) => {
      const [sines, cosines] = [Math.sin, Math.cos].map((wave) => frequencies.map((f) => wave(time * f)));
      return [...((flipSinToCos ? cosines : sines) ?? []), ...((flipSinToCos ? sines : cosines) ?? []), ...rest];
    });
    return tensor2d(rows, [timesteps.length, width]);
  }
  return tidy(() => {
    const times = reshape(timesteps as Tensor1D, [-1, 1]);
    const angles = mul(times, tensor2d(frequencies, [1, half])) as Tensor2D; // [N, h]
    const waves = flipSinToCos ? [cos(angles), sin(angles)] : [sin(angles), cos(angles)];
    if (rest.length) waves.push(mul(times, 0) as Tensor2D);
    return concat(waves, 1) as Tensor2D;
  });
}
