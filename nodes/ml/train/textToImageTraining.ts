import { clipText, clipTextConfig, clipTextShapes } from '../models/clipText.ts';
import { linearPatchAutoencoder } from '../models/linearPatchAutoencoder.ts';
import { unet2DCondition, unetConfig, unetShapes } from '../models/unet2DCondition.ts';
import { type RandomStream, randomStream } from '../random.ts';
import {
  add,
  dispose,
  mean,
  mul,
  type Scalar,
  squaredDifference,
  sub,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor4d,
  tidy,
} from '../tf.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { drawScene } from '../world/drawScene.ts';
import { SCENE_SIZE, type Scene, sampleScene } from '../world/scene.ts';
import { layoutOf } from './flatParameters.ts';
import { noiseLevels, spreadTimesteps } from './noiseLevels.ts';
import { type PatchBasis, patchBasis } from './patchBasis.ts';
import { textToImageConfigs as configs } from './textToImage.ts';
import type { Training } from './trainStep.ts';

interface TextToImageSettings {
  readonly seed: number;
  readonly batch: number;
  /** Share of captions replaced by the empty prompt, for classifier-free guidance. Source: arXiv 2207.12598. */
  readonly captionDropout: number;
}

/** What the trainings of the text-to-image model share: the world as latents and token ids, and the noise levels. */
export interface WorldLatents {
  readonly basis: PatchBasis;
  /** Captions -> ids, [captions][tokens]. */
  readonly tokenize: (captions: readonly string[]) => number[][];
  /** abar of the 1000 timesteps. */
  readonly alphasCumprod: ArrayLike<number>;
}

/**
 * The built-in text-to-image model: text encoder and U-Net learn together to predict v on fresh scenes of the world.
 * Source: arXiv 2202.00512, equation 11: v = sqrt(abar) eps - sqrt(1 - abar) x0, loss = mean |v - v_theta(x_t, t, c)|^2.
 */
export function textToImageTraining(
  { seed, batch, captionDropout }: TextToImageSettings,
  { basis, tokenize, alphasCumprod }: WorldLatents,
): Training {
  const sampler = sceneLatents(basis);
  return {
    layout: [...textLayout, ...unetLayout],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const { captions, latents } = sampler.draw(random, batch);
      const ids = tokenize(captions.map((caption) => (random.uniform() < captionDropout ? '' : caption)));
      const timesteps = spreadTimesteps(random, batch);
      const tensors = tidy(() => {
        const epsilon = normalLatents(random, batch);
        const { a, s, times } = noiseLevels(alphasCumprod, timesteps);
        return {
          noisy: add(mul(latents, a), mul(epsilon, s)) as Tensor4D,
          target: sub(mul(epsilon, a), mul(latents, s)) as Tensor4D,
          times,
        };
      });
      latents.dispose();
      return {
        loss(weights: Weights): Scalar {
          const predicted = predictV(weights, tensors.noisy, tensors.times, encodeText(weights, ids));
          return mean(squaredDifference(predicted, tensors.target)) as Scalar;
        },
        dispose: () => dispose(tensors),
      };
    },
    dispose: sampler.dispose,
  };
}

const textConfig = clipTextConfig(configs.textEncoder);
const config = unetConfig(configs.unet);

/** Names and shapes of the text encoder, under `text_encoder.`, and of the U-Net, under `unet.`. */
export const textLayout = layoutOf(clipTextShapes(textConfig), 'text_encoder.');
export const unetLayout = layoutOf(unetShapes(config), 'unet.');

/** Token ids -> what cross-attention reads, [N, tokens, width]. The caller owns the result. */
export function encodeText(weights: Weights, ids: number[][]): Tensor3D {
  return tidy(() => clipText(weights.at('text_encoder'), textConfig)(ids).lastHiddenState);
}

/** The U-Net's v of noisy latents [N, 16, 16, 12] at timesteps [N]. The caller owns the result. */
export function predictV(weights: Weights, noisy: Tensor4D, times: Tensor1D, context: Tensor3D): Tensor4D {
  return unet2DCondition(weights.at('unet'), config)(noisy, times, context);
}

/** Standard normal latents [N, 16, 16, 12]. The caller owns the result. */
export function normalLatents(random: RandomStream, batch: number): Tensor4D {
  const { sample_size: side, in_channels: channels } = configs.unet;
  const values = new Float32Array(batch * side * side * channels).map(random.normal);
  return tensor4d(values, [batch, side, side, channels]);
}

/** Draws scenes of the world as latents [N, 16, 16, 12] with their captions. The caller owns the latents. */
export function sceneLatents(basis: PatchBasis) {
  const patches = basisTensors(basis);
  const autoencoder = linearPatchAutoencoder(weightsOf(patches), configs.vae);
  return {
    draw(random: RandomStream, batch: number): { captions: string[]; latents: Tensor4D } {
      const scenes = Array.from({ length: batch }, () => sampleScene(random));
      return {
        captions: scenes.map(({ caption }) => caption),
        latents: tidy(() => autoencoder.encode(drawPixels(scenes))),
      };
    },
    dispose: () => dispose([...patches.values()]),
  };
}

/** [N, 64, 64, 3] in [-1, 1]. Call it in a tidy. */
function drawPixels(scenes: readonly Scene[]): Tensor4D {
  const values = new Float32Array(scenes.length * SCENE_SIZE * SCENE_SIZE * 3);
  for (const [i, scene] of scenes.entries()) drawScene(scene, values, i * SCENE_SIZE * SCENE_SIZE * 3);
  return sub(mul(tensor4d(values, [scenes.length, SCENE_SIZE, SCENE_SIZE, 3]), 2), 1);
}

/** The patch basis of the world's images, from `count` scenes. */
export function worldBasis(seed: number, count: number): PatchBasis {
  const random = randomStream(seed);
  const { patch_size: p, latent_channels } = configs.vae;
  const side = SCENE_SIZE / p;
  const patches = new Float32Array(count * SCENE_SIZE * SCENE_SIZE * 3);
  const pixels = new Float32Array(SCENE_SIZE * SCENE_SIZE * 3);
  let position = 0;
  for (let i = 0; i < count; i++) {
    drawScene(sampleScene(random), pixels);
    for (let patch = 0; patch < side * side; patch++)
      for (let row = 0; row < p; row++) {
        const start = ((Math.floor(patch / side) * p + row) * SCENE_SIZE + (patch % side) * p) * 3;
        for (let k = 0; k < p * 3; k++) patches[position++] = pixels[start + k]! * 2 - 1;
      }
  }
  return patchBasis(patches, p * p * 3, latent_channels);
}

function basisTensors({ encoder, decoder }: PatchBasis): Map<string, ReturnType<typeof tensor>> {
  const [components, size] = [encoder.bias.length, decoder.bias.length];
  return new Map([
    ['encoder.weight', tensor(encoder.weight, [components, size])],
    ['encoder.bias', tensor(encoder.bias)],
    ['decoder.weight', tensor(decoder.weight, [size, components])],
    ['decoder.bias', tensor(decoder.bias)],
  ]);
}
