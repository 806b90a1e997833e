import { div, log, mul, reshape, square, sub, type Tensor, type Tensor1D, tidy } from '../tf.ts';
import { rowNorms } from './rowNorms.ts';

/**
 * How unlikely the norm of noise is, and the gradient of that: what ReNO adds to its loss, times a weight.
 * It depends on the norm alone. Smallest where |e| = sqrt(d - 1).
 * Source: arXiv 2406.04312, section 3.2 (after Samuel et al. 2023); the density of the chi distribution.
 *
 * | here     | there        |                                                                    |
 * |----------|--------------|--------------------------------------------------------------------|
 * | e        | epsilon      | noise of one image, d numbers                                    |
 * | penalty  | -K(epsilon)  | |e|^2 / 2 - (d - 1) ln |e|; K is the log-density without a constant |
 * | gradient |              | (|e| - (d - 1) / |e|) e / |e| = (1 - (d - 1) / |e|^2) e            |
 *
 * @param noise [N, ...], float32; @returns penalty [N] and gradient [N, ...]. The caller owns them.
 */
export function noiseNorm(noise: Tensor): { readonly penalty: Tensor1D; readonly gradient: Tensor } {
  return tidy(() => {
    const d = countPerRow(noise);
    const norm = rowNorms(noise);
    const penalty: Tensor1D = reshape(sub(mul(square(norm), 0.5), mul(log(norm), d - 1)), [-1]);
    const gradient: Tensor = mul(noise, sub(1, div(d - 1, square(norm))));
    return { penalty, gradient };
  });
}

/** Moves noise back to the length that noise has: e sqrt(d) / |e|. noise [N, ...] -> the same shape; the caller owns it. */
export function toNoiseRadius(noise: Tensor): Tensor {
  return tidy(() => mul(noise, div(Math.sqrt(countPerRow(noise)), rowNorms(noise))));
}

function countPerRow(x: Tensor): number {
  return x.size / (x.shape[0] ?? 1);
}
