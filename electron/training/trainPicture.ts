import type { Files } from '../../nodes/files.ts';
import { pictureConfigs, pictureTraining } from '../../nodes/ml/train/pictureTraining.ts';
import { writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './training.ts';
import { trainModel } from './trainModel.ts';

/** Trains the built-in segmentation network. */
export const trainSegmentation = (run: ModelRun, files: Files) => trainPicture('segmentation', run, files);

/** Trains the built-in depth network. */
export const trainDepth = (run: ModelRun, files: Files) => trainPicture('depth', run, files);

function trainPicture(task: keyof typeof pictureConfigs, run: ModelRun, files: Files): Promise<void> {
  const config = pictureConfigs[task];
  const training = pictureTraining(task, run);
  const model = {
    name: task,
    config,
    training,
    warmUp: 30,
    async write(folder: string, parameters: Float32Array) {
      await writeText(folder, 'config.json', config);
      await writeWeights(folder, 'model.safetensors', training.layout, parameters);
    },
  };
  return trainModel(model, run, files);
}
