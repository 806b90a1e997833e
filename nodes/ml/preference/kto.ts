import { stopGradient } from '../nn/stopGradient.ts';
import { add, maximum, mean, mul, type Scalar, sigmoid, sub, type Tensor1D } from '../tf.ts';

/**
 * Likes and dislikes without pairs: mean w (1 - sigmoid(+-beta (ell - z))), + where liked, z = max(0, mean ell of the batch)
 * without a gradient. ell [N]; liked [N], 1 or 0, both in a batch. Differentiable.
 * Source: Diffusion-KTO, arXiv 2404.04465, equation 8, with its sigmoid utility
 */
export function kto(
  ell: Tensor1D,
  liked: Tensor1D,
  {
    beta,
    likedWeight = 1,
    dislikedWeight = 1,
  }: { readonly beta: number; readonly likedWeight?: number; readonly dislikedWeight?: number },
): Scalar {
  const reference = stopGradient(() => maximum(mean(ell), 0) as Scalar);
  const signs = sub<Tensor1D>(mul(liked, 2), 1);
  const weights = add(mul(liked, likedWeight), mul(sub(1, liked), dislikedWeight));
  const gain = sigmoid(mul(signs, mul(sub(ell, reference), beta)));
  return mean(mul(weights, sub(1, gain)));
}
