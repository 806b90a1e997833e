import { describe, expect, it } from 'vitest';
import { imageUNet, imageUNetConfig, imageUNetShapes } from '../../../../nodes/ml/models/imageUNet.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { expectClose, gradientPair } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

const segmentation = {
  _class_name: 'ImageUNet',
  out_channels: 3,
  block_out_channels: [8, 16, 16],
  norm_num_groups: 4,
  task: 'segmentation',
  labels: ['background', 'circle', 'square'],
};
const depth = { ...segmentation, out_channels: 1, task: 'depth', labels: [] };

await describeOnDevices('imageUNet', () => {
  guardLeaks();

  it('has the gradients of its finite differences in pixels and weights', async () => {
    const config = imageUNetConfig(segmentation);
    const { tensors, weights } = randomWeights(imageUNetShapes(config));
    await expectClose(() => {
      const pixels = tf.randomUniform([2, 8, 12, 3], 0, 1, 'float32', 5) as tf.Tensor4D;
      const chosen = tf.randomNormal([2, 8, 12, 3], 0, 1, 'float32', 6);
      const loss = (x: tf.Tensor, w = weights) =>
        tf.sum(tf.mul(imageUNet(w, config)(x as tf.Tensor4D), chosen)) as tf.Scalar;
      const kernel = tensors.get('up_blocks.0.upsamplers.0.conv.weight')!;
      const replaced = (w: tf.Tensor) =>
        loss(pixels, weightsOf(new Map([...tensors, ['up_blocks.0.upsamplers.0.conv.weight', w]])));
      return [
        gradientPair(loss, pixels, tf.grad((x) => loss(x))(pixels), 1e-2),
        gradientPair(replaced, kernel, tf.grad(replaced)(kernel), 1e-2),
      ];
    });
    tf.dispose([...tensors.values()]);
  });

  it('sees the whole image, keeps its size, and gives depth between 0 and 1', async () => {
    const config = imageUNetConfig(depth);
    const { tensors, weights } = randomWeights(imageUNetShapes(config));
    const pixels = tf.randomUniform([1, 16, 32, 3], 0, 1, 'float32', 5) as tf.Tensor4D;
    const corner = (x: tf.Tensor) => tf.sum(tf.slice(imageUNet(weights, config)(x as tf.Tensor4D), 0, [1, 1, 1, 1]));
    const reach = tf.grad((x) => corner(x) as tf.Scalar)(pixels);
    const map = imageUNet(weights, config)(pixels);
    const values = await map.data();
    expect(map.shape).toEqual([1, 16, 32, 1]);
    for (const value of values) expect(value).toSatisfy((x: number) => x > 0 && x < 1);
    expect((await reach.data()).slice(-3).some((value) => value !== 0)).toBe(true);
    tf.dispose([pixels, reach, map, ...tensors.values()]);
  });

  it('refuses sides that cannot be halved', () => {
    const config = imageUNetConfig(depth);
    const { tensors, weights } = randomWeights(imageUNetShapes(config));
    const pixels = tf.zeros([1, 10, 16, 3]) as tf.Tensor4D;
    expect(() => imageUNet(weights, config)(pixels)).toThrow(/16x10; both sides must be multiples of 4/);
    tf.dispose([pixels, ...tensors.values()]);
  });
});

describe('imageUNetConfig', () => {
  it.each([
    [{ _class_name: 'UNet2DModel' }, /"_class_name": "UNet2DModel"/],
    [{ task: 'poses' }, /"task": "poses"/],
    [{ labels: ['circle'] }, /"labels" has 1 entries, and 3 are needed for segmentation/],
    [{ out_channels: 0 }, /"out_channels" is 0/],
    [{ norm_num_groups: 3 }, /3, which does not divide the 8 channels/],
    [{ task: 'depth', labels: [] }, /"out_channels" is 3, and 1 is needed for depth/],
  ])('refuses %j', (change, message) => {
    expect(() => imageUNetConfig({ ...segmentation, ...change })).toThrow(message);
  });
});
