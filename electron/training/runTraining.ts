import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../../nodes/errors.ts';
import type { Files } from '../../nodes/files.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { type AdamWSettings, cosineRate, startAdamW } from '../../nodes/ml/train/adamW.ts';
import { type AdamWTensors, disposeAdamW, fromDevice, toDevice } from '../../nodes/ml/train/adamWOnDevice.ts';
import { parameterCount } from '../../nodes/ml/train/flatParameters.ts';
import { initialise } from '../../nodes/ml/train/initialise.ts';
import { lossCurve } from '../../nodes/ml/train/lossCurve.ts';
import { readTrainingState, type TrainingState, writeTrainingState } from '../../nodes/ml/train/trainingState.ts';
import { type Training, trainStep } from '../../nodes/ml/train/trainStep.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { explainDiskError, makeFolder, writeAtomic } from '../files/disk.ts';

export interface TrainingRun {
  /** What is trained with which settings; a checkpoint with another identity is refused. */
  readonly identity: string;
  readonly folder: string;
  readonly seed: number;
  /** Parameters to start from; fresh ones from the seed by default. */
  readonly start?: Float32Array<ArrayBuffer>;
  readonly steps: number;
  readonly warmUp: number;
  readonly optimiser: AdamWSettings;
  /** Seconds between checkpoints. */
  readonly saveEvery: number;
  readonly signal: AbortSignal;
  onStep(step: number, loss: number): void;
}

/** What the caller of a model's training chooses. */
export interface ModelRun extends Pick<TrainingRun, 'folder' | 'seed' | 'steps' | 'signal' | 'onStep'> {
  /** Images a step. */
  readonly batch: number;
  /** Of AdamW after warm-up. */
  readonly learningRate: number;
  /** The model whose weights it starts with (see `Files.locate`), where it starts with a model's. */
  readonly from?: string;
}

/**
 * Trains to `steps`, going on from the folder's checkpoint where there is one, and writes a checkpoint, and the curve of
 * its losses beside it, now and then, at the end and when aborted. The same seed and settings give the same losses,
 * interrupted or not. Throws UserError `FOREIGN_CHECKPOINT`, and `WRITE_FAILED`, where the checkpoint before is kept.
 */
export async function runTraining(training: Training, run: TrainingRun, files: Files): Promise<TrainingState> {
  const path = join(run.folder, 'training.safetensors');
  await makeFolder(run.folder);
  const { optimiser: start, losses: earlier } = existsSync(path)
    ? await readTrainingState(await openCheckpoint(files, path), run.identity, parameterCount(training.layout))
    : { optimiser: startAdamW(run.start ?? initialise(training.layout, randomStream(run.seed))), losses: [] };
  const losses = [...earlier];
  const optimiser = toDevice(start, training.layout);
  const save = async (): Promise<TrainingState> => {
    const state = { optimiser: await fromDevice(optimiser), losses };
    try {
      await writeAtomic(path, writeTrainingState(state, run.identity));
      await writeAtomic(join(run.folder, 'loss.svg'), lossCurve(losses));
    } catch (error) {
      throw writeFailed(run.folder, optimiser.step, error);
    }
    return state;
  };
  try {
    await trainUpTo(training, run, { optimiser, losses }, save);
    return await save();
  } finally {
    disposeAdamW(optimiser);
  }
}

/** Steps to `run.steps`, or until it is aborted. */
async function trainUpTo(
  training: Training,
  run: TrainingRun,
  { optimiser, losses }: { readonly optimiser: AdamWTensors; readonly losses: number[] },
  save: () => Promise<unknown>,
): Promise<void> {
  let saved = performance.now();
  while (optimiser.step < run.steps && !run.signal.aborted) {
    const rate = run.optimiser.learningRate * cosineRate(optimiser.step, run.warmUp, run.steps);
    const loss = await trainStep(training, optimiser, { ...run.optimiser, learningRate: rate });
    losses.push(loss);
    run.onStep(optimiser.step, loss);
    await setImmediate(); // an interrupt is heard between steps only
    if (performance.now() - saved > run.saveEvery * 1000) {
      await save();
      saved = performance.now();
    }
  }
}

function writeFailed(folder: string, step: number, cause: unknown): unknown {
  if (!(cause instanceof UserError)) return cause;
  return new UserError(
    'WRITE_FAILED',
    `The checkpoint of step ${step} cannot be written to "${folder}": ${explainDiskError(cause)}. What was there before is whole; make room and go on with --resume.`,
    { cause },
  );
}
