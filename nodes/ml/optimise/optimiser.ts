import type { Tensor } from '../tf.ts';

/** All that an optimiser remembers between steps. */
export interface OptimiserState {
  /** Steps done. */
  readonly steps: number;
  /** Of the variable's shape; what each is, only the optimiser knows. */
  readonly moments: readonly Tensor[];
}

/**
 * An optimiser that minimises, as a pure pair. Every element of the variable is on its own, so that the rows of a batch
 * are independent. It disposes of nothing it is given; what it returns is the caller's.
 */
export interface Optimiser {
  init(variable: Tensor): OptimiserState;
  /** The step to add to the variable, for the gradient of what is minimised, and the next state. */
  update(gradient: Tensor, state: OptimiserState): { readonly step: Tensor; readonly state: OptimiserState };
}
