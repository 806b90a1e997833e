import { clipText, clipTextConfig, clipTextShapes } from '../models/clipText.ts';
import { linearPatchAutoencoder } from '../models/linearPatchAutoencoder.ts';
import { unet2DCondition, unetConfig, unetShapes } from '../models/unet2DCondition.ts';
import { randomStream } from '../random.ts';
import {
  add,
  dispose,
  mean,
  mul,
  type Scalar,
  squaredDifference,
  sub,
  type Tensor4D,
  tensor,
  tensor1d,
  tensor4d,
  tidy,
} from '../tf.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { drawScene } from '../world/drawScene.ts';
import { sampleScene, sceneSize } from '../world/scene.ts';
import type { ParameterLayout } from './flatParameters.ts';
import { type PatchBasis, patchBasis } from './patchBasis.ts';
import { textToImageConfigs as configs } from './textToImage.ts';
import type { Training } from './trainStep.ts';

export interface TextToImageSettings {
  readonly seed: number;
  readonly batch: number;
  /** Share of captions replaced by the empty prompt, for classifier-free guidance. Source: arXiv 2207.12598. */
  readonly captionDropout: number;
}

/**
 * The built-in text-to-image model: text encoder and U-Net learn together to predict v on fresh scenes of the world.
 * Source: arXiv 2202.00512, equation 11: v = sqrt(abar) eps - sqrt(1 - abar) x0, loss = mean |v - v_theta(x_t, t, c)|^2.
 *
 * @param tokenize captions -> ids, [captions][tokens]
 * @param alphasCumprod abar of the 1000 timesteps
 */
export function textToImageTraining(
  { seed, batch, captionDropout }: TextToImageSettings,
  basis: PatchBasis,
  tokenize: (captions: readonly string[]) => number[][],
  alphasCumprod: ArrayLike<number>,
): Training {
  const patches = basisTensors(basis);
  const autoencoder = linearPatchAutoencoder(weightsOf(patches), configs.vae);
  const textConfig = clipTextConfig(configs.textEncoder);
  const unet = unetConfig(configs.unet);

  return {
    layout: [...layoutOf('text_encoder.', clipTextShapes(textConfig)), ...layoutOf('unet.', unetShapes(unet))],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const scenes = Array.from({ length: batch }, () => sampleScene(random));
      const ids = tokenize(scenes.map(({ caption }) => (random.uniform() < captionDropout ? '' : caption)));
      // Timesteps spread evenly over the batch: same expectation, less variance from step to step.
      const shift = random.uniform();
      const timesteps = scenes.map((_, i) => Math.floor((((i + random.uniform()) / batch + shift) % 1) * 1000));
      const signal = timesteps.map((t) => Math.sqrt(alphasCumprod[t]!));
      const noise = timesteps.map((t) => Math.sqrt(1 - alphasCumprod[t]!));

      const tensors = tidy(() => {
        const latents = autoencoder.encode(drawPixels(scenes)); // [N, 8, 8, 32]
        const epsilon = tensor(Float32Array.from({ length: latents.size }, random.normal), latents.shape) as Tensor4D;
        const [a, s] = [tensor4d(signal, [batch, 1, 1, 1]), tensor4d(noise, [batch, 1, 1, 1])];
        return {
          noisy: add(mul(latents, a), mul(epsilon, s)) as Tensor4D,
          target: sub(mul(epsilon, a), mul(latents, s)) as Tensor4D,
          times: tensor1d(timesteps),
        };
      });
      return {
        loss(weights: Weights): Scalar {
          const context = clipText(weights.at('text_encoder'), textConfig)(ids).lastHiddenState;
          const predicted = unet2DCondition(weights.at('unet'), unet)(tensors.noisy, tensors.times, context);
          return mean(squaredDifference(predicted, tensors.target)) as Scalar;
        },
        dispose: () => dispose(tensors),
      };
    },
    dispose: () => dispose([...patches.values()]),
  };
}

/** Parameters in memory layout (rank 4: OIHW -> HWIO) under a prefix. */
function layoutOf(prefix: string, shapes: ReadonlyMap<string, readonly number[]>): ParameterLayout {
  return [...shapes].map(([name, shape]) => ({
    name: prefix + name,
    shape: shape.length === 4 ? [shape[2]!, shape[3]!, shape[1]!, shape[0]!] : shape,
  }));
}

/** [N, 64, 64, 3] in [-1, 1]. */
function drawPixels(scenes: readonly Parameters<typeof drawScene>[0][]): Tensor4D {
  const values = new Float32Array(scenes.length * sceneSize * sceneSize * 3);
  for (const [i, scene] of scenes.entries()) drawScene(scene, values, i * sceneSize * sceneSize * 3);
  return tensor4d(
    values.map((value) => value * 2 - 1),
    [scenes.length, sceneSize, sceneSize, 3],
  );
}

/** The patch basis of the world's pictures, from `count` scenes. */
export function worldBasis(seed: number, count: number): PatchBasis {
  const random = randomStream(seed);
  const { patch_size: p, latent_channels } = configs.vae;
  const side = sceneSize / p;
  const patches = new Float32Array(count * sceneSize * sceneSize * 3);
  const pixels = new Float32Array(sceneSize * sceneSize * 3);
  let position = 0;
  for (let i = 0; i < count; i++) {
    drawScene(sampleScene(random), pixels);
    for (let patch = 0; patch < side * side; patch++)
      for (let row = 0; row < p; row++) {
        const start = ((Math.floor(patch / side) * p + row) * sceneSize + (patch % side) * p) * 3;
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
