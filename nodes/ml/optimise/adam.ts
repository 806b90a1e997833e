import { add, div, mul, sqrt, square, tidy, zerosLike } from '../tf.ts';
import type { Optimiser } from './optimiser.ts';

interface AdamSettings {
  readonly learningRate: number;
  /** Decay of the first and of the second moment, in [0, 1). */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the second moment; PyTorch's default is 1e-8, ReNO's 1e-2. */
  readonly epsilon: number;
}

/**
 * Adam without weight decay, in PyTorch's form (which is AdamW's with a decay of 0).
 * Source: arXiv 1412.6980, algorithm 1; PyTorch torch.optim.Adam.
 *
 * g gradient, t step from 1: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * step = -lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
 */
export function adam({ learningRate, beta1, beta2, epsilon }: AdamSettings): Optimiser {
  return {
    init: (variable) => ({ steps: 0, moments: [zerosLike(variable), zerosLike(variable)] }),
    update(gradient, { steps, moments: [oldM, oldV] }) {
      const t = steps + 1;
      const [step, m, v] = tidy(() => {
        const m = add(mul(oldM!, beta1), mul(gradient, 1 - beta1));
        const v = add(mul(oldV!, beta2), mul(square(gradient), 1 - beta2));
        const root = add(mul(sqrt(v), 1 / Math.sqrt(1 - beta2 ** t)), epsilon);
        return [div(mul(m, -learningRate / (1 - beta1 ** t)), root), m, v] as const;
      });
      return { step, state: { steps: t, moments: [m, v] } };
    },
  };
}
