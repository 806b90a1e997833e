import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { badCheckpoint, type Checkpoint } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/writeSafetensors.ts';
import type { AdamWState } from './adamW.ts';

/** Everything that a training needs to go on as if it had never stopped. */
export interface TrainingState {
  readonly optimiser: AdamWState;
  /** Loss of every step so far. */
  readonly losses: readonly number[];
}

/** The bytes of a training checkpoint (safetensors). `identity` says what is trained, with which settings. */
export function writeTrainingState({ optimiser, losses }: TrainingState, identity: string): Uint8Array {
  const vectors = { parameters: optimiser.parameters, m: optimiser.m, v: optimiser.v, average: optimiser.average };
  const tensors = new Map(
    Object.entries({ losses: Float32Array.from(losses), ...vectors }).map(([name, values]) => [
      name,
      { dtype: 'F32' as const, shape: [values.length], values },
    ]),
  );
  return writeSafetensors(tensors, { step: String(optimiser.step), identity });
}

/**
 * Throws UserError `FOREIGN_CHECKPOINT` when the checkpoint is of another model, other settings or other parameters, and
 * `BAD_CHECKPOINT` when it was not written by `writeTrainingState`.
 */
export async function readTrainingState(
  checkpoint: Checkpoint,
  identity: string,
  parameters: number,
): Promise<TrainingState> {
  const found = checkpoint.metadata.get('identity');
  if (found !== identity)
    throw new UserError(
      'FOREIGN_CHECKPOINT',
      `${checkpoint.path} belongs to another training: it says ${found ?? 'nothing'}, this one is ${identity}. ` +
        'Start without --resume in another folder, or use the settings of the checkpoint.',
    );
  const held = checkpoint.entry('parameters').shape[0];
  if (held !== parameters)
    throw new UserError(
      'FOREIGN_CHECKPOINT',
      `${checkpoint.path} holds ${held} parameters, and this training has ${parameters}: the model has changed. Start without --resume in another folder.`,
    );
  const step = Number(checkpoint.metadata.get('step') ?? Number.NaN);
  if (!Number.isSafeInteger(step) || step < 0)
    throw badCheckpoint(checkpoint.path, `its step is ${quote(checkpoint.metadata.get('step') ?? null)}`);
  const vector = async (name: string, size?: number) => {
    const { dtype, shape } = checkpoint.entry(name);
    if (dtype !== 'float32' || shape.length !== 1 || (size !== undefined && shape[0] !== size))
      throw badCheckpoint(
        checkpoint.path,
        `${quote(name)} is ${dtype} [${shape.join(', ')}], where a training has float32 [${size ?? 'steps'}]`,
      );
    return (await checkpoint.read(name)) as Float32Array<ArrayBuffer>;
  };
  return {
    optimiser: {
      step,
      parameters: await vector('parameters', parameters),
      m: await vector('m', parameters),
      v: await vector('v', parameters),
      average: await vector('average', parameters),
    },
    losses: [...(await vector('losses'))],
  };
}
