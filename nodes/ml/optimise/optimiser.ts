import type { Tensor } from '../tf.ts';

/** All that an optimiser keeps between steps. */
export interface OptimiserState {
  /** Steps done. */
  readonly steps: number;
  /** Of the variable's shape; their meaning is private to the optimiser. */
  readonly moments: readonly Tensor[];
}

/**
 * An optimiser that minimises, as two pure functions. It treats every element of the variable by itself, so that the rows of
 * a batch are independent. It disposes of none of its arguments; the caller owns the results.
 */
export interface Optimiser {
  init(variable: Tensor): OptimiserState;
  /** The step to add to the variable, for the gradient of what is minimised, and the next state. */
  update(gradient: Tensor, state: OptimiserState): { readonly step: Tensor; readonly state: OptimiserState };
}
