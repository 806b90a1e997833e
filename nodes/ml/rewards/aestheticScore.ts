import { type AffineMap, applyAffine } from '../models/affineHead.ts';
import { div, maximum, sqrt, square, sum, type Tensor1D, type Tensor2D, tidy } from '../tf.ts';

/**
 * LAION's aesthetic score of CLIP features, about 1 to 10: s = W f / |f| + b, where features that are all zero stay so.
 * features [N, P] -> [N]. The caller owns the result.
 * Source: christophschuhmann/improved-aesthetic-predictor, simple_inference.py
 */
export function aestheticScore(features: Tensor2D, head: AffineMap): Tensor1D {
  return tidy(() => {
    const lengths = sqrt(maximum(sum(square(features), 1, true), 1e-30)); // [N, 1]
    return applyAffine(div(features, lengths), head);
  });
}
