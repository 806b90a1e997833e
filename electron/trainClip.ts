import type { Files } from '../nodes/files.ts';
import { clipConfig, clipShapes } from '../nodes/ml/models/clip.ts';
import { clipTraining } from '../nodes/ml/train/clipTraining.ts';
import { preferenceTraining } from '../nodes/ml/train/preferenceTraining.ts';
import type { Training } from '../nodes/ml/train/trainStep.ts';
import { worldClip } from '../nodes/ml/train/worldClip.ts';
import { writeClipTokenizer, writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './training.ts';
import { trainModel } from './trainModel.ts';

/** Trains the built-in CLIP and writes it as a folder of transformers. */
export const trainClip = (run: ModelRun, files: Files) => trainWorldClip('clip', clipTraining(run), run, files);

/** Trains the built-in preference model and writes it likewise. */
export const trainPreference = (run: ModelRun, files: Files) =>
  trainWorldClip('preference', preferenceTraining(run), run, files);

function trainWorldClip(name: string, training: Training, run: ModelRun, files: Files): Promise<void> {
  const { vocabulary, config, preprocessor } = worldClip;
  const shapes = clipShapes(clipConfig(config));
  const model = {
    name,
    config,
    training,
    warmUp: 100,
    async write(folder: string, parameters: Float32Array) {
      await writeText(folder, 'config.json', config);
      await writeText(folder, 'preprocessor_config.json', preprocessor);
      await writeClipTokenizer(folder, vocabulary, config.text_config.max_position_embeddings);
      const stored = (each: string) => (shapes.has(each) ? each : undefined);
      await writeWeights(folder, 'model.safetensors', training.layout, parameters, stored);
    },
  };
  return trainModel(model, run, files);
}
