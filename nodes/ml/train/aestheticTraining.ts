import { unitRows } from '../models/clip.ts';
import { linear } from '../nn/linear.ts';
import { type RandomStream, randomStream } from '../random.ts';
import {
  dispose,
  mean,
  reshape,
  type Scalar,
  squaredDifference,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tidy,
} from '../tf.ts';
import { alterComposition } from '../world/alterScene.ts';
import { appeal } from '../world/appeal.ts';
import { blemish, blemishes } from '../world/blemish.ts';
import { drawScene } from '../world/drawScene.ts';
import { sampleScene } from '../world/scene.ts';
import { imageTensor } from './imageTensor.ts';
import type { Training } from './trainStep.ts';
import { worldClip } from './worldClip.ts';

interface AestheticTrainingSettings {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
}

/**
 * The built-in aesthetic head: one affine layer on the unit image embedding of the built-in CLIP, which stays as it is,
 * fitted to `appeal` by least squares. Images are fresh, half of them with another composition, half of them spoiled.
 * Source: LAION's aesthetic predictor, whose layers have no activation between them, so that one says all that they can.
 *
 * @param encode images [N, 64, 64, 3] in [0, 1] -> embeddings [N, P]
 */
export function aestheticTraining(
  { seed, batch }: AestheticTrainingSettings,
  encode: (pixels: Tensor4D) => Tensor2D,
): Training {
  const width = worldClip.config.projection_dim;
  return {
    layout: [
      { name: 'layers.0.weight', shape: [1, width] },
      { name: 'layers.0.bias', shape: [1] },
    ],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const shown = Array.from({ length: batch }, () => sampleAppeal(random));
      const { embeddings, targets } = tidy(() => ({
        embeddings: unitRows(encode(imageTensor(shown.map(({ pixels }) => pixels)))),
        targets: tensor1d(shown.map(({ value }) => value)),
      }));
      return {
        loss: (weights) =>
          mean(squaredDifference(reshape(linear(embeddings, weights.at('layers.0')), [batch]), targets)) as Scalar,
        dispose: () => dispose([embeddings, targets]),
      };
    },
    dispose: () => {},
  };
}

/** An image with its appeal. */
export function sampleAppeal(random: RandomStream): { readonly pixels: Float32Array; readonly value: number } {
  const plain = sampleScene(random);
  const scene = random.uniform() < 0.5 ? alterComposition(plain, random) : plain;
  const severity = random.uniform() < 0.5 ? 0 : random.uniform();
  const pixels = blemish(drawScene(scene), blemishes[random.integer(blemishes.length)]!, severity, random);
  return { pixels, value: appeal(scene, severity) };
}
