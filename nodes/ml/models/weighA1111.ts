import { div, expandDims, mean, mul, type Tensor3D, tensor2d } from '../tf.ts';

/**
 * What weights do in stable-diffusion-webui, its setting Emphasis:
 *
 * | original | z' = w z, times mean(z) / mean(z'), each a mean over all tokens and features of a chunk |
 * | no norm  | z' = w z                                                                              |
 * | ignore   | weights are read and do nothing                                                       |
 * | none     | weights and BREAK are not read                                                        |
 */
export type Emphasis = 'original' | 'no norm' | 'ignore' | 'none';

/**
 * states and weights of K chunks, [K, T, C] and [K, T] -> [K, T, C]. Differentiable. Call it in a tidy; the caller owns the
 * result. Source: stable-diffusion-webui, modules/sd_emphasis.py
 */
export function weighA1111(states: Tensor3D, weights: readonly (readonly number[])[], emphasis: Emphasis): Tensor3D {
  if (emphasis === 'ignore' || weights.every((row) => row.every((weight) => weight === 1))) return states;
  const factors = expandDims(tensor2d(weights.map((row) => [...row])), 2); // [K, T, 1]
  const weighed = mul<Tensor3D>(states, factors);
  if (emphasis !== 'original') return weighed;
  return mul(weighed, div(mean(states, [1, 2], true), mean(weighed, [1, 2], true)));
}
