import { add, mul, type Tensor, tidy, zerosLike } from '../tf.ts';
import type { Optimiser } from './optimiser.ts';

interface SgdSettings {
  readonly learningRate: number;
  /** In [0, 1). */
  readonly momentum: number;
  readonly nesterov: boolean;
}

/**
 * Stochastic gradient descent with momentum in PyTorch's form, without dampening and weight decay.
 * Source: PyTorch torch.optim.SGD; Nesterov's momentum as in Sutskever et al. 2013.
 *
 * g gradient, b buffer (0 before the first step, so that it is g after it), m momentum, lr learning rate:
 * b = m b + g; step = -lr (g + m b) with Nesterov, -lr b without.
 */
export function sgd({ learningRate, momentum, nesterov }: SgdSettings): Optimiser {
  return {
    init: (variable) => ({ steps: 0, moments: [zerosLike(variable)] }),
    update(gradient, { steps, moments: [buffer] }) {
      const next: Tensor = tidy(() => add(mul(buffer!, momentum), gradient));
      const step: Tensor = tidy(() => mul(nesterov ? add(gradient, mul(next, momentum)) : next, -learningRate));
      return { step, state: { steps: steps + 1, moments: [next] } };
    },
  };
}
