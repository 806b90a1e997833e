import { beforeAll, describe, expect, it } from 'vitest';
import { asReward } from '../../../nodes/consistency/asReward.ts';
import { canny } from '../../../nodes/consistency/canny.ts';
import { conditionMap } from '../../../nodes/consistency/conditionMap.ts';
import { depth } from '../../../nodes/consistency/depth.ts';
import { hed } from '../../../nodes/consistency/hed.ts';
import { lineArt } from '../../../nodes/consistency/lineArt.ts';
import { scoreConsistency } from '../../../nodes/consistency/scoreConsistency.ts';
import { segmentation } from '../../../nodes/consistency/segmentation.ts';
import { imageIds } from '../../../nodes/ml/image/imageIds.ts';
import { hedShapes } from '../../../nodes/ml/models/hed.ts';
import { imageUNetConfig, imageUNetShapes } from '../../../nodes/ml/models/imageUNet.ts';
import { lineDrawingShapes } from '../../../nodes/ml/models/lineDrawing.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { type StoredTensor, writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { drawScene } from '../../../nodes/ml/world/drawScene.ts';
import type { Consistency, Images } from '../../../nodes/ports.ts';
import { partsOf } from '../../../nodes/values.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { identified } from '../../support/identified.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { randomFile } from '../../support/randomWeights.ts';
import { truthImages } from '../../support/truthImages.ts';

/** The same file with one tensor made larger or smaller, so that random weights tell one image from another. */
function scaled(file: Map<string, StoredTensor>, name: string, by: number): Map<string, StoredTensor> {
  const tensor = file.get(name)!;
  return file.set(name, { ...tensor, values: tensor.values.map((value) => value * by) });
}

const unet = (task: 'depth' | 'segmentation') => {
  const labels = task === 'depth' ? [] : ['ground', 'one', 'two', 'three'];
  const json = { _class_name: 'ImageUNet', block_out_channels: [8, 16], norm_num_groups: 4, task, labels };
  const config = { ...json, out_channels: labels.length || 1 };
  return {
    [`${task}/config.json`]: JSON.stringify(config),
    [`${task}/model.safetensors`]: writeSafetensors(
      scaled(randomFile(imageUNetShapes(imageUNetConfig(config))), 'conv_out.bias', 0),
    ),
  };
};
const files = memoryFiles({
  'hed.safetensors': writeSafetensors(scaled(randomFile(hedShapes([8, 8, 8, 8, 8])), 'block1.convs.0.weight', 0.02)),
  'line.safetensors': writeSafetensors(randomFile(lineDrawingShapes({ width: 4, blocks: 1 }))),
  ...unet('depth'),
  ...unet('segmentation'),
});
type Given = 'map' | 'image';
const { context } = nodeContext({ files });
const nodes: Record<string, (given: Given) => Promise<Consistency>> = {
  'canny edges': async (given) => (await canny.run({}, { low: 0.1, high: 0.2, given }, context)).consistency,
  'soft edges': async (given) => (await hed.run({}, { model: 'hed.safetensors', given }, context)).consistency,
  'line art': async (given) => (await lineArt.run({}, { model: 'line.safetensors', given }, context)).consistency,
  depth: async (given) => (await depth.run({}, { model: 'depth', given }, context)).consistency,
  segmentation: async (given) => (await segmentation.run({}, { model: 'segmentation', given }, context)).consistency,
};

/** Images of the built-in world. */
function randomImages(count: number, seed: number): Images {
  const scenes = truthImages(count, seed).map(({ scene }) => scene);
  const values = new Float32Array(scenes.flatMap((scene) => [...drawScene(scene)]));
  return { pixels: tf.tensor4d(values, [count, 64, 64, 3]), labels: scenes.map((_, seed) => ({ seed })) };
}

describe('consistency', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  describe.each(Object.entries(nodes))('%s', (name, load) => {
    it('finds an image consistent with itself, and less so with others', async () => {
      const [consistency, images] = [await load('image'), randomImages(3, 4)];
      const first: Images = { pixels: tf.slice(images.pixels, 0, 1), labels: [{}] };
      const { scores } = await scoreConsistency.run({ images, reference: first, consistency }, {}, context);
      expect(scores.names).toEqual([`${name} loss`, `${name} ${consistency.metric.name}`]);
      expect(scores.labels).toEqual(images.labels);
      const [self, ...others] = scores.values as [number[], ...number[][]];
      const lowest = consistency.metric.best === 'lowest';
      if (name !== 'segmentation') expect(self[0]).toBeCloseTo(0, 6); // cross-entropy is 0 for certain answers only
      expect(self[1]).toBeCloseTo(lowest ? 0 : 1, 4);
      for (const other of others) {
        expect(other[0]).toBeGreaterThan(self[0]!);
        expect(lowest ? -other[1]! : other[1]).toBeLessThan(self[1]! - 0.001);
      }
      tf.dispose([images.pixels, first.pixels]);
      consistency.dispose();
    });

    it('makes condition images that say the same as the images', async () => {
      const [consistency, images] = [await load('map'), randomImages(2, 9)];
      const maps = await conditionMap.run({ images, consistency }, {}, context);
      expect(maps.images.pixels.shape).toEqual([2, 64, 64, 3]);
      expect(maps.images.labels).toEqual(identified(images.labels));
      expect(maps.images.labels.map(({ id }) => id)).toEqual(await imageIds(maps.images.pixels));
      const values = await maps.images.pixels.data();
      expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      const { scores } = await scoreConsistency.run({ images, reference: maps.images, consistency }, {}, context);
      for (const [, metric] of scores.values)
        expect(metric).toBeCloseTo(consistency.metric.best === 'lowest' ? 0 : 1, 2);
      tf.dispose([images.pixels, maps.images.pixels]);
      consistency.dispose();
    });

    it('as a reward rises along its gradient, and keeps the model that it uses', async () => {
      const [consistency, images] = [await load('image'), randomImages(2, 7)];
      const condition: Images = { pixels: tf.slice(images.pixels, 0, 1), labels: [{}] };
      const image = tf.slice(images.pixels, 1, 1);
      const { reward } = await asReward.run({ consistency, reference: condition }, { by: 'loss' }, context);
      expect(partsOf('reward', reward).functions).toEqual([reward, consistency]);
      const [before, after] = tf.tidy(() => {
        const score = (x: tf.Tensor) => tf.sum(reward.score(x as tf.Tensor4D, [''])) as tf.Scalar;
        const gradient = tf.grad(score)(image);
        const length = tf.norm(gradient);
        return [score(image), score(tf.add(image, tf.mul(gradient, tf.div(1e-2, length))))];
      }) as [tf.Scalar, tf.Scalar];
      expect((await after.data())[0]).toBeGreaterThan((await before.data())[0]!);
      const byMetric = await asReward.run({ consistency, reference: condition }, { by: 'metric' }, context);
      expect(byMetric.reward.differentiable).toBe(false);
      const scores = byMetric.reward.score(images.pixels, ['', '']);
      const [self, other] = await scores.data();
      expect(self).toBeGreaterThan(other!);
      tf.dispose([images.pixels, condition.pixels, image, before, after, scores]);
      for (const each of [reward, byMetric.reward, consistency]) each.dispose();
    });
  });

  it('refuses a condition image that does not fit', async () => {
    const { consistency } = await canny.run({}, { low: 0.1, high: 0.2, given: 'map' }, context);
    const [three, two, small] = [tf.zeros([3, 16, 16, 3]), tf.zeros([2, 16, 16, 3]), tf.zeros([1, 8, 12, 3])] as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    expect(() => consistency.loss(three, small)).toThrow(/12x8 and the images are 16x16; make them of one size/);
    expect(() => consistency.measure(three, two)).toThrow(/2 condition images for 3 images/);
    tf.dispose([three, two, small]);
  });

  it('refuses thresholds out of order, and a model that was trained for something else', async () => {
    expect(() => canny.run({}, { low: 0.5, high: 0.2, given: 'map' }, context)).toThrow(/low \(0\.5\) is above high/);
    const wrong = depth.run({}, { model: 'segmentation', given: 'map' }, context) as Promise<unknown>;
    await expect(wrong).rejects.toThrow(/was trained for segmentation, not for depth/);
  });
});
