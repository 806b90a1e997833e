import { type ControlNetConfig, controlNet, controlNetShapes } from '../models/controlNet.ts';
import type { unet2DCondition } from '../models/unet2DCondition.ts';
import type { Json } from '../models/unetConfig.ts';
import { randomStream } from '../random.ts';
import {
  add,
  dispose,
  mean,
  mul,
  type Scalar,
  squaredDifference,
  sub,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor1d,
  tidy,
} from '../tf.ts';
import { conditionKinds, conditionPicture } from '../world/conditionPicture.ts';
import { drawScene } from '../world/drawScene.ts';
import { sampleScene } from '../world/scene.ts';
import { layoutOf } from './flatParameters.ts';
import { noiseLevels, spreadTimesteps } from './textToImageTraining.ts';
import type { Training } from './trainStep.ts';
import { pictureTensor } from './worldClip.ts';

/** The generator that a ControlNet is trained for; it stays as it is. */
export interface FrozenGenerator {
  readonly unet: ReturnType<typeof unet2DCondition>;
  /** N prompts -> context [N, T, C]. The caller owns it. */
  encodePrompts(prompts: readonly string[]): Tensor3D;
  /** Pictures [N, 64, 64, 3] in [-1, 1] -> latents. The caller owns them. */
  encode(pixels: Tensor4D): Tensor4D;
  /** abar of the timesteps. */
  readonly alphasCumprod: ArrayLike<number>;
}

export interface ControlNetSettings {
  readonly seed: number;
  /** Pictures a step. */
  readonly batch: number;
}

/** Share of prompts left empty, so that the condition is learned without them. Source: arXiv 2302.05543, section 3.4 */
const promptDropout = 0.5;

/** Fields of a U-Net's config that its ControlNet has too. */
const shared = [
  'in_channels',
  'block_out_channels',
  'down_block_types',
  'mid_block_type',
  'layers_per_block',
  'attention_head_dim',
  'cross_attention_dim',
  'addition_embed_type',
  'addition_embed_type_num_heads',
  'norm_num_groups',
  'use_linear_projection',
  'flip_sin_to_cos',
  'freq_shift',
] as const;

/** config.json of the ControlNet of a U-Net whose latents are a quarter of the picture's side: two halvings. */
export function controlNetJson(unet: Json): Json {
  const copied = shared.filter((field) => unet[field] !== undefined).map((field) => [field, unet[field]]);
  return {
    _class_name: 'ControlNetModel',
    ...Object.fromEntries(copied),
    conditioning_channels: 3,
    conditioning_embedding_out_channels: [16, 32, 64],
  };
}

/**
 * A ControlNet of the built-in generator: it learns to predict v of fresh scenes whose exact condition picture it sees, of
 * any of `conditionKinds`, which look so different that one network serves them all. It starts as a copy of the U-Net (see `startFrom`), with zeros in the layers that the U-Net hears (see `initialise`).
 * Source: arXiv 2302.05543, section 3.1 and equation 5, with v (arXiv 2202.00512) in place of the noise.
 */
export function controlNetTraining(
  { seed, batch }: ControlNetSettings,
  config: ControlNetConfig,
  generator: FrozenGenerator,
): Training {
  return {
    layout: layoutOf(controlNetShapes(config)),
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const scenes = Array.from({ length: batch }, () => sampleScene(random));
      const prompts = scenes.map(({ caption }) => (random.uniform() < promptDropout ? '' : caption));
      const timesteps = spreadTimesteps(random, batch);
      const tensors = tidy(() => {
        const latents = generator.encode(sub(mul(pictureTensor(scenes.map((scene) => drawScene(scene))), 2), 1));
        const epsilon = tensor(Float32Array.from({ length: latents.size }, random.normal), latents.shape);
        const { a, s } = noiseLevels(generator.alphasCumprod, timesteps);
        return {
          noisy: add(mul(latents, a), mul(epsilon, s)) as Tensor4D,
          target: sub(mul(epsilon, a), mul(latents, s)) as Tensor4D,
          times: tensor1d(timesteps),
          context: generator.encodePrompts(prompts),
          image: pictureTensor(
            scenes.map((scene) => conditionPicture(conditionKinds[random.integer(conditionKinds.length)]!, scene)),
          ),
        };
      });
      return {
        loss(weights) {
          const { noisy, target, times, context, image } = tensors;
          const given = { sample: noisy, timesteps: times, context, image };
          const { down, mid } = controlNet(weights, config)(given);
          const predicted = generator.unet(noisy, times, context, { downResiduals: down, midResidual: mid });
          return mean(squaredDifference(predicted, target)) as Scalar;
        },
        dispose: () => dispose(tensors),
      };
    },
    dispose: () => {},
  };
}
