import type { Files } from '../../nodes/files.ts';
import { controlNetConfig } from '../../nodes/ml/models/controlNet.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { controlNetJson, controlNetTraining } from '../../nodes/ml/train/controlNetTraining.ts';
import { loadFrozenGenerator } from '../../nodes/ml/train/frozenGenerator.ts';
import { startFrom } from '../../nodes/ml/train/startFrom.ts';
import { writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './runTraining.ts';
import { trainModel } from './trainModel.ts';

/** The generator that the ControlNet is for. */
const GENERATOR_MODEL = 'builtin:world';

/** Trains the ControlNet of the built-in generator and writes it as diffusers does. */
export async function trainControlNet(run: ModelRun, files: Files): Promise<void> {
  const { generator, unetJson, unetWeights, dispose } = await loadFrozenGenerator(files, GENERATOR_MODEL);
  try {
    const json = controlNetJson(unetJson);
    const training = controlNetTraining(run, controlNetConfig(json), generator);
    await trainModel(
      {
        name: 'controlnet',
        config: { ...json, generator: await files.fingerprint(await files.locate(GENERATOR_MODEL)) },
        training,
        start: await startFrom(training.layout, unetWeights, randomStream(run.seed)),
        warmUp: 100,
        async write(to, parameters) {
          await writeText(to, 'config.json', json);
          await writeWeights(to, 'diffusion_pytorch_model.safetensors', training.layout, parameters);
        },
      },
      run,
      files,
    );
  } finally {
    dispose();
  }
}
