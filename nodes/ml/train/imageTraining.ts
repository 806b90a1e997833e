import { type ImageUNetConfig, imageUNet, imageUNetConfig, imageUNetShapes } from '../models/imageUNet.ts';
import { randomStream } from '../random.ts';
import {
  dispose,
  logSoftmax,
  mean,
  mul,
  neg,
  type Scalar,
  squaredDifference,
  sum,
  type Tensor,
  type Tensor4D,
  tensor4d,
} from '../tf.ts';
import { blemish, blemishes } from '../world/blemish.ts';
import { classMap } from '../world/conditionImage.ts';
import { drawScene } from '../world/drawScene.ts';
import { SCENE_SIZE, type Scene, sampleScene } from '../world/scene.ts';
import { depthMap, objectMasks } from '../world/sceneLabels.ts';
import { shapes } from '../world/words.ts';
import { layoutOf } from './flatParameters.ts';
import { imageTensor } from './imageTensor.ts';
import type { Training } from './trainStep.ts';

const network = { _class_name: 'ImageUNet', in_channels: 3, block_out_channels: [8, 16, 32, 48], norm_num_groups: 8 };

/** Configurations of the networks that read an image of the built-in world pixel by pixel. */
export const imageConfigs = {
  segmentation: {
    ...network,
    task: 'segmentation',
    out_channels: shapes.length + 1,
    labels: ['background', ...shapes],
  },
  depth: { ...network, task: 'depth', out_channels: 1 },
} as const;

interface ImageTrainingSettings {
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
}

/**
 * The built-in segmentation and depth networks: fresh scenes, half of them spoiled, with their exact labels. Loss:
 * cross-entropy of the shape that covers each pixel, or the mean squared error of inverse depth.
 */
export function imageTraining(task: ImageUNetConfig['task'], { seed, batch }: ImageTrainingSettings): Training {
  const config = imageUNetConfig(imageConfigs[task]);
  return {
    layout: layoutOf(imageUNetShapes(config)),
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const scenes = Array.from({ length: batch }, () => sampleScene(random));
      const pixels = imageTensor(
        scenes.map((scene) => {
          const clean = drawScene(scene);
          if (random.uniform() < 0.5) return clean;
          return blemish(clean, blemishes[random.integer(blemishes.length)]!, 0.5 * random.uniform(), random);
        }),
      );
      const target = targets[task](scenes);
      return {
        loss: (weights) => losses[task](imageUNet(weights, config)(pixels), target),
        dispose: () => dispose([pixels, target]),
      };
    },
    dispose: () => {},
  };
}

/** What the network shall give: [N, 64, 64, classes] one-hot, or [N, 64, 64, 1] inverse depths. */
const targets: Record<ImageUNetConfig['task'], (scenes: readonly Scene[]) => Tensor4D> = {
  segmentation(scenes) {
    const classes = shapes.length + 1;
    const values = new Float32Array(scenes.length * SCENE_SIZE ** 2 * classes);
    for (const [i, scene] of scenes.entries())
      for (const [pixel, each] of classMap(scene).entries()) values[(i * SCENE_SIZE ** 2 + pixel) * classes + each] = 1;
    return tensor4d(values, [scenes.length, SCENE_SIZE, SCENE_SIZE, classes]);
  },
  depth(scenes) {
    const values = new Float32Array(scenes.length * SCENE_SIZE ** 2);
    for (const [i, { objects }] of scenes.entries())
      values.set(depthMap(objectMasks(objects), objects), i * SCENE_SIZE ** 2);
    return tensor4d(values, [scenes.length, SCENE_SIZE, SCENE_SIZE, 1]);
  },
};

const losses: Record<ImageUNetConfig['task'], (output: Tensor, target: Tensor4D) => Scalar> = {
  segmentation: (logits, target) => neg(mean(sum(mul(logSoftmax(logits), target), 3))) as Scalar,
  depth: (depths, target) => mean(squaredDifference(depths, target)) as Scalar,
};
