import { UserError } from '../../errors.ts';
import { dispose, type Scalar, tidy, valueAndGrads, zerosLike } from '../tf.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { type AdamWSettings, type AdamWState, adamWStep } from './adamW.ts';
import { flatten, type ParameterLayout, unflatten } from './flatParameters.ts';

/** What is trained: named parameters, and a loss of them for the batch of a step. */
export interface Training {
  readonly layout: ParameterLayout;
  /** Draws the batch of that step (from the step number and the seed alone) and returns the loss as a function. */
  batch(step: number): TrainingBatch;
  /** Frees what all batches share. */
  dispose(): void;
}

interface TrainingBatch {
  loss(weights: Weights): Scalar;
  /** Whether the loss has a gradient with respect to a parameter; by default it has one for each. */
  trains?(name: string): boolean;
  dispose(): void;
}

/**
 * Forward, backward, update of `state` in place. Returns the loss.
 * Throws UserError `NOT_FINITE` (and leaves the state as it was) when the loss is not a number.
 */
export async function trainStep(training: Training, state: AdamWState, settings: AdamWSettings): Promise<number> {
  const { layout } = training;
  const batch = training.batch(state.step);
  const parameters = unflatten(state.parameters, layout);
  const weights = weightsOf(new Map(parameters.map((parameter, i) => [layout[i]!.name, parameter])));
  const trained = parameters.filter((_, i) => batch.trains?.(layout[i]!.name) ?? true);
  try {
    const { value, grads } = valueAndGrads(() => batch.loss(weights))(trained);
    const gradient = tidy(() => {
      const gradientOf = new Map(trained.map((parameter, i) => [parameter, grads[i]!]));
      return flatten(parameters.map((parameter) => gradientOf.get(parameter) ?? zerosLike(parameter)));
    });
    const loss = (await value.data())[0]!;
    const g = (await gradient.data()) as Float32Array;
    dispose([value, gradient, ...grads]);
    if (!Number.isFinite(loss))
      throw new UserError('NOT_FINITE', `Step ${state.step}: the loss is ${loss}. Lower the learning rate.`);
    adamWStep(state, g, settings);
    return loss;
  } finally {
    dispose(parameters);
    batch.dispose();
  }
}
