import { customGrad, type Tensor } from '../tf.ts';

/**
 * The result of `compute` as a constant: no gradient flows through it, and no activations inside are kept for one.
 * The caller owns the result.
 */
export function stopGradient<T extends Tensor>(compute: () => T): T {
  return customGrad(() => ({ value: compute(), gradFunc: () => [] }))() as T;
}
