import { div, max, maximum, mean, mul, sqrt, squaredDifference, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';

/**
 * Depth maps, each divided by its own largest value, so that the nearest point is 1. [N, H, W, 1] of 0 and up ->
 * [N, H, W, 1] in [0, 1]; the caller owns the result. Source: arXiv 2404.07987, its depth loss
 */
export function nearestAtOne(depth: Tensor4D): Tensor4D {
  return tidy(() => div(depth, maximum(max(depth, [1, 2, 3], true), 1e-6)));
}

/**
 * Root mean squared difference of maps on a scale of 255, lower is better. Maps and reference [1 or N, H, W, 1] in [0, 1]
 * -> [N] in [0, 255]; the caller owns the result. Source: arXiv 2404.07987, section 4.1 (depth)
 */
export function mapRmse(maps: Tensor4D, reference: Tensor4D): Tensor1D {
  return tidy(() => mul(sqrt(mean(squaredDifference(maps, reference), [1, 2, 3])), 255) as Tensor1D);
}
