import { join } from 'node:path';
import type { Files } from '../../nodes/files.ts';
import type { Training } from '../../nodes/ml/train/trainStep.ts';
import { type ModelRun, runTraining } from './runTraining.ts';

/** A built-in model ready to be trained. */
export interface TrainableModel {
  readonly name: string;
  /** What is trained; a checkpoint of another config is refused. */
  readonly config: object;
  readonly training: Training;
  /** Parameters to start from; fresh ones from the seed by default. */
  readonly start?: Float32Array<ArrayBuffer>;
  /** Steps until the learning rate is reached. */
  readonly warmUp: number;
  /** Writes the trained model from the parameters, in the training's layout, into a folder. */
  write(folder: string, parameters: Float32Array): Promise<void>;
}

/**
 * Trains a model in the run's folder, going on from its checkpoint where there is one, and writes the moving average of its
 * parameters to `model` in it.
 */
export async function trainModel(model: TrainableModel, run: ModelRun, files: Files): Promise<void> {
  const { seed, batch, learningRate } = run;
  const { name, config, training, warmUp, start } = model;
  try {
    const { optimiser } = await runTraining(
      training,
      {
        ...run,
        identity: JSON.stringify({ name, seed, batch, learningRate, config }),
        warmUp,
        ...(start && { start }),
        optimiser: {
          learningRate,
          beta1: 0.9,
          beta2: 0.99,
          epsilon: 1e-8,
          weightDecay: 0.01,
          clipNorm: 1,
          averageDecay: 0.99,
        },
        saveEvery: 60,
      },
      files,
    );
    await model.write(join(run.folder, 'model'), optimiser.average);
  } finally {
    training.dispose();
  }
}
