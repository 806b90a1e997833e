import { UserError } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { isEdm } from '../diffusion/edm.ts';
import { alphasCumprod } from '../diffusion/noiseSchedule.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../diffusion/settings.ts';
import { linearPatchAutoencoder, linearPatchConfig } from '../models/linearPatchAutoencoder.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { loadDescribed } from '../models/load/modelDescription.ts';
import { readConfig } from '../models/load/modelFolder.ts';
import { type PromptEncoder, promptIds } from '../models/promptFeatures.ts';
import type { unet2DCondition } from '../models/unet2DCondition.ts';
import type { Json } from '../models/unetConfig.ts';
import { add, clipByValue, mul, type Tensor3D, type Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/** The generator that a ControlNet is trained for; it stays as it is. */
export interface FrozenGenerator {
  readonly unet: ReturnType<typeof unet2DCondition>;
  /** N prompts -> context [N, T, C]. The caller owns it. */
  encodePrompts(prompts: readonly string[]): Tensor3D;
  /** Images [N, 64, 64, 3] in [-1, 1] -> latents. The caller owns them. */
  encode(pixels: Tensor4D): Tensor4D;
  /** Latents -> images [N, 64, 64, 3] in [0, 1], differentiable. The caller owns them. */
  decode(latents: Tensor4D): Tensor4D;
  /** abar of the timesteps. */
  readonly alphasCumprod: ArrayLike<number>;
}

export interface LoadedFrozenGenerator {
  readonly generator: FrozenGenerator;
  /** The U-Net's config.json and weights, from which a ControlNet begins. */
  readonly unetJson: Json;
  readonly unetWeights: Weights;
  dispose(): void;
}

/** Loads one; it predicts v and has a linear patch autoencoder. Throws UserError `UNSUPPORTED` and what loading throws. */
export async function loadFrozenGenerator(files: Files, location: string): Promise<LoadedFrozenGenerator> {
  const folder = await files.locate(location);
  const unetJson = await readConfig(files, joinPath(folder, 'unet'));
  const vae = linearPatchConfig(await readConfig(files, joinPath(folder, 'vae')));
  const model = await loadDescribed(await describeModel(files, folder), { memory: { recompute: false } });
  const { schedulerConfig, encoders, unet, weights } = model;
  const [encoder] = encoders as readonly [PromptEncoder];
  if (schedulerConfig.prediction_type !== 'v_prediction' || isEdm(schedulerConfig)) {
    model.dispose();
    throw new UserError(
      'UNSUPPORTED',
      `"${location}" predicts "${schedulerConfig.prediction_type}" by ${schedulerConfig._class_name}; ControlNets are trained for models that predict v at timesteps.`,
    );
  }
  const { encode } = linearPatchAutoencoder(weights.autoencoder, vae);
  return {
    generator: {
      unet,
      encode: (pixels) => mul(encode(pixels), vae.scaling_factor),
      decode: (latents) => clipByValue(add(mul(model.decode(latents), 0.5), 0.5), 0, 1),
      encodePrompts: (prompts) => encoder.encode(prompts.map((prompt) => promptIds(prompt, encoder))).lastHiddenState,
      alphasCumprod: alphasCumprod(readSettings(schedulerConfig, trainedDefaults, trainedAllowed)),
    },
    unetJson,
    unetWeights: weights.unet,
    dispose: () => model.dispose(),
  };
}
