import type { Files } from '../../nodes/files.ts';
import { clipConfig, clipShapes } from '../../nodes/ml/models/clip.ts';
import { loadImageUNet } from '../../nodes/ml/models/load/loadDetector.ts';
import { findWeights } from '../../nodes/ml/models/load/modelFolder.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { dispose, neg, tensor1d, tidy } from '../../nodes/ml/tf.ts';
import { clipTraining } from '../../nodes/ml/train/clipTraining.ts';
import { loadFrozenGenerator } from '../../nodes/ml/train/frozenGenerator.ts';
import type { GeneratedWorld } from '../../nodes/ml/train/generatedImages.ts';
import { preferenceTraining } from '../../nodes/ml/train/preferenceTraining.ts';
import { startFrom } from '../../nodes/ml/train/startFrom.ts';
import { normalLatents } from '../../nodes/ml/train/textToImageTraining.ts';
import type { Training } from '../../nodes/ml/train/trainStep.ts';
import { worldClip } from '../../nodes/ml/train/worldClip.ts';
import { loadWeights } from '../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../nodes/ml/weights/weights.ts';
import { writeClipTokenizer, writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './runTraining.ts';
import { type TrainableModel, trainModel } from './trainModel.ts';

/** Trains the built-in CLIP and writes it as a folder of transformers. */
export const trainClip = (run: ModelRun, files: Files) =>
  trainModel(worldClipModel('clip', clipTraining(run)), run, files);

/** Trains the built-in preference model, which starts as a copy of `run.from`, a CLIP, and writes it likewise. */
export const trainPreference = (run: ModelRun, files: Files): Promise<void> =>
  trainFrom(worldClipModel('preference', preferenceTraining(run)), run, files);

/** Trains on a CLIP, `run.from`, on images of the built-in one-step generator besides drawn ones. */
export const trainClipOnGenerated = (run: ModelRun, files: Files): Promise<void> =>
  onGenerated(files, (generated) =>
    trainFrom(worldClipModel('clip-generated', clipTraining({ ...run, generated })), run, files),
  );

/** The same for a preference model. */
export const trainPreferenceOnGenerated = (run: ModelRun, files: Files): Promise<void> =>
  onGenerated(files, (generated) =>
    trainFrom(worldClipModel('preference-generated', preferenceTraining({ ...run, generated })), run, files),
  );

async function trainFrom(model: TrainableModel, run: ModelRun, files: Files): Promise<void> {
  const folder = await files.locate(run.from ?? 'builtin:world-clip');
  const tensors = await loadWeights(await openCheckpoint(files, await findWeights(files, folder)));
  const start = await startFrom(model.training.layout, weightsOf(tensors), randomStream(run.seed));
  dispose([...tensors.values()]);
  const config = { ...model.config, start: await files.fingerprint(folder) };
  await trainModel({ ...model, config, start, warmUp: 30 }, run, files);
}

/** Trains with the built-in one-step generator, and the segmentation network that sees what it drew. */
async function onGenerated(files: Files, train: (world: GeneratedWorld) => Promise<void>): Promise<void> {
  const { generator, dispose: disposeGenerator } = await loadFrozenGenerator(files, 'builtin:world-one-step');
  const detector = await loadImageUNet(files, 'builtin:world-segmentation');
  try {
    await train({
      draw: (prompts, random) =>
        tidy(() => {
          const times = tensor1d(prompts.map(() => 999));
          const v = generator.unet(normalLatents(random, prompts.length), times, generator.encodePrompts(prompts));
          return generator.decode(neg(v)); // at the last timestep no signal is left
        }),
      segment: detector.detect,
    });
  } finally {
    detector.dispose();
    disposeGenerator();
  }
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
