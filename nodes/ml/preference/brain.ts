import { stopGradient } from '../nn/stopGradient.ts';
import { div, exp, logSoftmax, mean, mul, type Scalar, sub, sum, type Tensor2D } from '../tf.ts';

/**
 * Distils the posterior of a reward into the model: sum_i a_i (log a_i - log b_i), its mean over lists. Differentiable in ell.
 * Source: BRAIn, arXiv 2402.02479, equation 12, in this closed form
 *
 *   ell, old   [L, K]: log ratios of the model, and of the policy that drew the images (0 where that is the reference)
 *   rewards    [L, K];  gamma their temperature
 *   a, b       softmax(r / gamma - old) and softmax(ell - old) over a list
 */
export function brain(ell: Tensor2D, old: Tensor2D, rewards: Tensor2D, gamma: number): Scalar {
  const logA = stopGradient(() => logSoftmax(sub(div(rewards, gamma), old)) as Tensor2D);
  const logB = logSoftmax(sub(ell, old));
  return mean(sum(mul(exp(logA), sub(logA, logB)), 1));
}
