import type { Files } from '../../nodes/files.ts';
import { imageConfigs, imageTraining } from '../../nodes/ml/train/imageTraining.ts';
import { writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './runTraining.ts';
import { trainModel } from './trainModel.ts';

/** Trains the built-in segmentation network. */
export const trainSegmentation = (run: ModelRun, files: Files) => trainImage('segmentation', run, files);

/** Trains the built-in depth network. */
export const trainDepth = (run: ModelRun, files: Files) => trainImage('depth', run, files);

function trainImage(task: keyof typeof imageConfigs, run: ModelRun, files: Files): Promise<void> {
  const config = imageConfigs[task];
  const training = imageTraining(task, run);
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
