import { GraphError } from '../../errors.ts';
import { type Tensor1D, tensor1d, zeros } from '../tf.ts';
import type { Checkpoint } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/writeSafetensors.ts';
import type { AdamWState } from './adamW.ts';

/** Everything that a training needs to go on as if it had never stopped. */
export interface TrainingState {
  readonly optimiser: AdamWState;
  /** Loss of every step so far. */
  readonly losses: readonly number[];
}

/** A start from given parameters. The caller owns the tensors of the state. */
export function startState(parameters: Float32Array): TrainingState {
  const vector = () => tensor1d(parameters);
  const zero = () => zeros([parameters.length]) as Tensor1D;
  return { optimiser: { step: 0, parameters: vector(), m: zero(), v: zero(), average: vector() }, losses: [] };
}

/** The bytes of a training checkpoint (safetensors). `identity` says what is trained, with which settings. */
export async function writeTrainingState({ optimiser, losses }: TrainingState, identity: string): Promise<Uint8Array> {
  const vectors = { parameters: optimiser.parameters, m: optimiser.m, v: optimiser.v, average: optimiser.average };
  const tensors = new Map([
    ['losses', { dtype: 'F32' as const, shape: [losses.length], values: Float32Array.from(losses) }],
  ]);
  for (const [name, vector] of Object.entries(vectors))
    tensors.set(name, {
      dtype: 'F32',
      shape: vector.shape,
      values: (await vector.data()) as Float32Array<ArrayBuffer>,
    });
  return writeSafetensors(tensors, { step: String(optimiser.step), identity });
}

/** Throws GraphError `FOREIGN_CHECKPOINT` when the checkpoint is of another model or of other settings. */
export async function readTrainingState(checkpoint: Checkpoint, identity: string): Promise<TrainingState> {
  const found = checkpoint.metadata.get('identity');
  if (found !== identity)
    throw new GraphError(
      'FOREIGN_CHECKPOINT',
      `${checkpoint.path} belongs to another training: it says ${found ?? 'nothing'}, this one is ${identity}. ` +
        'Start without --resume in another folder, or use the settings of the checkpoint.',
    );
  const values = async (name: string) => (await checkpoint.read(name)) as Float32Array;
  const vector = async (name: string) => tensor1d(await values(name));
  const losses = [...(await values('losses'))];
  const step = Number(checkpoint.metadata.get('step'));
  return {
    optimiser: {
      step,
      parameters: await vector('parameters'),
      m: await vector('m'),
      v: await vector('v'),
      average: await vector('average'),
    },
    losses,
  };
}
