import type { Files } from '../../nodes/files.ts';
import { clipConfig, clipShapes } from '../../nodes/ml/models/clip.ts';
import { findWeights } from '../../nodes/ml/models/load/modelFolder.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { dispose } from '../../nodes/ml/tf.ts';
import { clipTraining } from '../../nodes/ml/train/clipTraining.ts';
import { preferenceTraining } from '../../nodes/ml/train/preferenceTraining.ts';
import { startFrom } from '../../nodes/ml/train/startFrom.ts';
import type { Training } from '../../nodes/ml/train/trainStep.ts';
import { worldClip } from '../../nodes/ml/train/worldClip.ts';
import { loadWeights } from '../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../nodes/ml/weights/weights.ts';
import { writeClipTokenizer, writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './training.ts';
import { type TrainableModel, trainModel } from './trainModel.ts';

/** Trains the built-in CLIP and writes it as a folder of transformers. */
export const trainClip = (run: ModelRun, files: Files) =>
  trainModel(worldClipModel('clip', clipTraining(run)), run, files);

/** Trains the built-in preference model, which starts as a copy of `run.from`, a CLIP, and writes it likewise. */
export async function trainPreference(run: ModelRun, files: Files): Promise<void> {
  const folder = await files.locate(run.from ?? 'builtin:world-clip');
  const tensors = await loadWeights(await openCheckpoint(files, await findWeights(files, folder)));
  const model = worldClipModel('preference', preferenceTraining(run));
  const start = await startFrom(model.training.layout, weightsOf(tensors), randomStream(run.seed));
  dispose([...tensors.values()]);
  const config = { ...model.config, start: await files.fingerprint(folder) };
  await trainModel({ ...model, config, start, warmUp: 30 }, run, files);
}

function worldClipModel(name: string, training: Training): TrainableModel {
  const { vocabulary, config, preprocessor } = worldClip;
  const shapes = clipShapes(clipConfig(config));
  return {
    name,
    config,
    training,
    warmUp: 100,
    async write(folder, parameters) {
      await writeText(folder, 'config.json', config);
      await writeText(folder, 'preprocessor_config.json', preprocessor);
      await writeClipTokenizer(folder, vocabulary, config.text_config.max_position_embeddings);
      const stored = (each: string) => (shapes.has(each) ? each : undefined);
      await writeWeights(folder, 'model.safetensors', training.layout, parameters, stored);
    },
  };
}
