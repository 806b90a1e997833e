import { add, div, equal, maximum, mul, onesLike, sum, type Tensor1D, type Tensor4D, tidy, where } from '../tf.ts';

/**
 * How well the edges of images agree with reference edges: F1 = 2 TP / (2 TP + FP + FN), 1 where both have none.
 * Edges [N, H, W, 1] of 0 and 1, reference [1 or N, H, W, 1] -> [N] in [0, 1]; the caller owns the result. No gradient.
 * Source: van Rijsbergen 1979; arXiv 2404.07987, section 4.1 (canny)
 */
export function edgeF1(edges: Tensor4D, reference: Tensor4D): Tensor1D {
  return tidy(() => {
    const total = (x: Tensor4D) => sum(x, [1, 2, 3]);
    const both = total(mul(edges, reference)); // TP
    const either = add(total(edges), total(reference)); // 2 TP + FP + FN
    return where(equal(either, 0), onesLike(either), div(mul(both, 2), maximum(either, 1))) as Tensor1D;
  });
}
