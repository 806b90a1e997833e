import { UserError } from '../../errors.ts';
import { dispose, type Scalar, type Tensor, valueAndGrads, zerosLike } from '../tf.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import type { AdamWSettings } from './adamW.ts';
import { type AdamWTensors, stepOnDevice } from './adamWOnDevice.ts';
import type { ParameterLayout } from './flatParameters.ts';

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
 * Forward, backward, update of `state`, all on the device: only the loss is read, which it returns.
 * Throws UserError `NOT_FINITE` (and leaves the state as it was) when the loss is not a number.
 */
export async function trainStep(training: Training, state: AdamWTensors, settings: AdamWSettings): Promise<number> {
  const { loss, gradients } = lossAndGradients(training, state);
  try {
    const value = (await loss.data())[0]!;
    if (!Number.isFinite(value))
      throw new UserError('NOT_FINITE', `Step ${state.step}: the loss is ${value}. Lower the learning rate.`);
    stepOnDevice(state, gradients, settings);
    return value;
  } finally {
    dispose([loss, ...gradients]);
  }
}

/** The loss of the next step's batch, and its gradients, 0 where the batch does not train. The caller owns them. */
export function lossAndGradients(
  { layout, batch: batchOf }: Training,
  { step, parameters }: AdamWTensors,
): { loss: Scalar; gradients: Tensor[] } {
  const batch = batchOf(step);
  const weights = weightsOf(new Map(parameters.map((parameter, i) => [layout[i]!.name, parameter])));
  const trained = parameters.filter((_, i) => batch.trains?.(layout[i]!.name) ?? true);
  try {
    const { value, grads } = valueAndGrads(() => batch.loss(weights))(trained);
    const gradientOf = new Map(trained.map((parameter, i) => [parameter, grads[i]!]));
    const gradients = parameters.map((parameter) => gradientOf.get(parameter) ?? zerosLike(parameter));
    return { loss: value as Scalar, gradients };
  } finally {
    batch.dispose();
  }
}
