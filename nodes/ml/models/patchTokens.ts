import { conv2d } from '../nn/conv2d.ts';
import { add, concat, reshape, type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tile } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/**
 * Images as a vision transformer reads them: a token for the whole image, then one for each square patch, row by row,
 * each with its position added. pixels [N, S, S, 3], `patches` a convolution whose stride is its size p, classToken [C] or
 * [1, 1, C], positions [T, C] or [1, T, C], T = (S / p)^2 + 1 -> [N, T, C]. The caller owns the result.
 * Source: arXiv 2010.11929, equation 1
 */
export function patchTokens(pixels: Tensor4D, patches: Weights, classToken: Tensor, positions: Tensor): Tensor3D {
  const [patch, , , width] = (patches.get('weight') as Tensor4D).shape;
  const [count] = pixels.shape;
  const squares = reshape(conv2d(pixels, patches, { stride: patch }), [count, -1, width]); // [N, T - 1, C]
  const whole = tile(reshape(classToken, [1, 1, width]), [count, 1, 1]);
  return add(concat([whole, squares], 1), reshape(positions, [-1, width]) as Tensor2D) as Tensor3D;
}
