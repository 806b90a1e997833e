import { type ControlNetConfig, controlNet, controlNetShapes } from '../models/controlNet.ts';
import type { Json } from '../models/unetConfig.ts';
import { type RandomStream, randomStream } from '../random.ts';
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
  tidy,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { type ConditionKind, conditionImage, conditionKinds } from '../world/conditionImage.ts';
import { drawScene } from '../world/drawScene.ts';
import { type Scene, sampleScene } from '../world/scene.ts';
import { layoutOf } from './flatParameters.ts';
import type { FrozenGenerator } from './frozenGenerator.ts';
import { imageTensor } from './imageTensor.ts';
import { type NoiseLevels, noiseLevels, spreadTimesteps } from './noiseLevels.ts';
import type { Training } from './trainStep.ts';

export interface ControlNetSettings {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
}

/** Share of prompts left empty, so that the condition is learned without them. Source: arXiv 2302.05543, section 3.4 */
const PROMPT_DROPOUT = 0.5;

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

/** config.json of the ControlNet of a U-Net whose latents are a quarter of the image's side: two halvings. */
export function controlNetJson(unet: Json): Json {
  const copied = shared.filter((field) => unet[field] !== undefined).map((field) => [field, unet[field]]);
  return {
    _class_name: 'ControlNetModel',
    ...Object.fromEntries(copied),
    conditioning_channels: 3,
    conditioning_embedding_out_channels: [16, 32, 64],
  };
}

/** What a ControlNet is shown in a step, [N, ...] each. */
export interface ControlBatch extends NoiseLevels {
  readonly noisy: Tensor4D;
  /** The v that is to be predicted. */
  readonly target: Tensor4D;
  readonly context: Tensor3D;
  /** The condition images. */
  readonly image: Tensor4D;
}

/** What is shown of scenes with their exact condition images, of kinds that are drawn where none are given. */
export function controlBatch(
  random: RandomStream,
  { scenes, prompts, timesteps, kinds }: ControlExamples,
  generator: FrozenGenerator,
): ControlBatch {
  return tidy(() => {
    const latents = generator.encode(sub(mul(imageTensor(scenes.map((scene) => drawScene(scene))), 2), 1));
    const epsilon = tensor(Float32Array.from({ length: latents.size }, random.normal), latents.shape);
    const levels = noiseLevels(generator.alphasCumprod, timesteps);
    const { a, s } = levels;
    const kindOf = (i: number) => kinds?.[i] ?? conditionKinds[random.integer(conditionKinds.length)]!;
    return {
      ...levels,
      noisy: add(mul(latents, a), mul(epsilon, s)) as Tensor4D,
      target: sub(mul(epsilon, a), mul(latents, s)) as Tensor4D,
      context: generator.encodePrompts(prompts),
      image: imageTensor(scenes.map((scene, i) => conditionImage(kindOf(i), scene))),
    };
  });
}

interface ControlExamples {
  readonly scenes: readonly Scene[];
  readonly prompts: readonly string[];
  readonly timesteps: readonly number[];
  readonly kinds?: readonly ConditionKind[];
}

/** The v of the generator as a ControlNet steers it. The caller owns the result. */
export function predictSteered(
  weights: Weights,
  config: ControlNetConfig,
  { unet }: FrozenGenerator,
  { noisy, times, context, image }: ControlBatch,
): Tensor4D {
  const { down, mid } = controlNet(weights, config)({ sample: noisy, timesteps: times, context, image });
  return unet(noisy, times, context, { downResiduals: down, midResidual: mid });
}

/** Captions of scenes, some left empty. */
export function pickPrompts(random: RandomStream, scenes: readonly Scene[]): string[] {
  return scenes.map(({ caption }) => (random.uniform() < PROMPT_DROPOUT ? '' : caption));
}

/**
 * A ControlNet of the built-in generator: it learns to predict v of fresh scenes whose exact condition image it sees, of
 * any of `conditionKinds`, which look so different that one network serves them all. It starts as a copy of the U-Net (see
 * `startFrom`), with zeros in the layers that the U-Net hears (see `initialise`).
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
      const prompts = pickPrompts(random, scenes);
      const timesteps = spreadTimesteps(random, batch);
      const shown = controlBatch(random, { scenes, prompts, timesteps }, generator);
      return {
        loss: (weights) =>
          mean(squaredDifference(predictSteered(weights, config, generator, shown), shown.target)) as Scalar,
        dispose: () => dispose(Object.values(shown)),
      };
    },
    dispose: () => {},
  };
}
