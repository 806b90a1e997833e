import type { Tensor } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/** Weights of which some are computed anew at each use, by their full names; `compute` gives undefined for all others. */
export function computedWeights(base: Weights, compute: (weight: string) => Tensor | undefined, prefix = ''): Weights {
  return {
    get: (name) => compute(prefix + name) ?? base.get(name),
    has: (name) => base.has(name),
    names: () => base.names(),
    at: (name) => computedWeights(base.at(name), compute, `${prefix}${name}.`),
  };
}
