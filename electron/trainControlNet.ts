import { GraphError } from '../nodes/errors.ts';
import { type Files, joinPath } from '../nodes/files.ts';
import { alphasCumprod } from '../nodes/ml/diffusion/noiseSchedule.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../nodes/ml/diffusion/settings.ts';
import { controlNetConfig } from '../nodes/ml/models/controlNet.ts';
import { linearPatchAutoencoder, linearPatchConfig } from '../nodes/ml/models/linearPatchAutoencoder.ts';
import { describeModel } from '../nodes/ml/models/load/loadGenerator.ts';
import { type LoadedModel, loadDescribed } from '../nodes/ml/models/load/modelDescription.ts';
import { readConfig } from '../nodes/ml/models/load/modelFolder.ts';
import { type PromptEncoder, promptIds } from '../nodes/ml/models/promptFeatures.ts';
import { randomStream } from '../nodes/ml/random.ts';
import { mul } from '../nodes/ml/tf.ts';
import { controlNetJson, controlNetTraining, type FrozenGenerator } from '../nodes/ml/train/controlNetTraining.ts';
import { startFrom } from '../nodes/ml/train/startFrom.ts';
import { writeText, writeWeights } from './modelFolder.ts';
import type { ModelRun } from './training.ts';
import { trainModel } from './trainModel.ts';

/** The generator that the ControlNet is for. */
const generatorModel = 'builtin:world';

/** Trains the ControlNet of the built-in generator and writes it as diffusers does. */
export async function trainControlNet(run: ModelRun, files: Files): Promise<void> {
  const folder = await files.locate(generatorModel);
  const json = controlNetJson(await readConfig(files, joinPath(folder, 'unet')));
  const vae = linearPatchConfig(await readConfig(files, joinPath(folder, 'vae')));
  const model = await loadDescribed(await describeModel(files, folder), { memory: { recompute: false } });
  try {
    const config = controlNetConfig(json);
    const { encode } = linearPatchAutoencoder(model.weights.autoencoder, vae);
    const generator = frozen(model, (pixels) => mul(encode(pixels), vae.scaling_factor));
    const training = controlNetTraining(run, config, generator);
    await trainModel(
      {
        name: 'controlnet',
        config: { ...json, generator: await files.fingerprint(folder) },
        training,
        start: await startFrom(training.layout, model.weights.unet, randomStream(run.seed)),
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
    model.dispose();
  }
}

function frozen(model: LoadedModel, encode: FrozenGenerator['encode']): FrozenGenerator {
  const { schedulerConfig, encoders, unet } = model;
  const [encoder] = encoders as readonly [PromptEncoder];
  if (schedulerConfig.prediction_type !== 'v_prediction')
    throw new GraphError(
      'UNSUPPORTED',
      `"${generatorModel}" predicts "${schedulerConfig.prediction_type}"; ControlNets are trained for models that predict v.`,
    );
  return {
    unet,
    encode,
    encodePrompts: (prompts) => encoder.encode(prompts.map((prompt) => promptIds(prompt, encoder))).lastHiddenState,
    alphasCumprod: alphasCumprod(readSettings(schedulerConfig, trainedDefaults, trainedAllowed)),
  };
}
