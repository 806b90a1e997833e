import { beforeAll, describe, expect, it } from 'vitest';
import { clipVision, clipVisionConfig, clipVisionShapes } from '../../../../nodes/ml/models/clipVision.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { expectClose, gradientPair } from '../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const json = {
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  image_size: 9,
  patch_size: 4, // one row and column of pixels is not looked at
  projection_dim: 5,
};

describe('clipVision', () => {
  it.each(['gelu', 'quick_gelu'])('with %s has the gradient that finite differences give', async (hidden_act) => {
    const config = clipVisionConfig({ ...json, hidden_act });
    const { tensors, weights } = randomWeights(clipVisionShapes(config));
    const encode = clipVision(weights, config, { recompute: true });
    const keeping = clipVision(weights, config);
    await expectClose(() => {
      const pixels = tf.randomNormal([2, 9, 9, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const weight = tf.randomNormal([2, 5], 0, 1, 'float32', 2);
      const loss = (x: tf.Tensor) => tf.sum(tf.mul(encode(x as tf.Tensor4D).imageEmbeds, weight));
      const gradient = tf.grad(loss)(pixels);
      const plain = tf.grad((x) => tf.sum(tf.mul(keeping(x as tf.Tensor4D).imageEmbeds, weight)))(pixels);
      const unseen = tf.slice(gradient, [0, 8, 0, 0], [2, 1, 9, 3]);
      return [
        gradientPair(loss, pixels, gradient, 0.02),
        [gradient, plain, 1e-5],
        [unseen, tf.zerosLike(unseen), 1e-9],
      ];
    });
    tf.dispose([...tensors.values()]);
  });

  it('sees each image of a batch alone', async () => {
    const config = clipVisionConfig(json);
    const { tensors, weights } = randomWeights(clipVisionShapes(config));
    const encode = clipVision(weights, config);
    await expectClose(() => {
      const pixels = tf.randomNormal([2, 9, 9, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const both = encode(pixels).imageEmbeds;
      const second = encode(tf.slice(pixels, [1, 0, 0, 0], [1, 9, 9, 3])).imageEmbeds;
      return [[tf.slice(both, [1, 0], [1, 5]), second, 1e-5]];
    });
    tf.dispose([...tensors.values()]);
  });

  it('refuses configs it does not know by name and value', () => {
    expect(() => clipVisionConfig({ hidden_act: 'relu' })).toThrow('"hidden_act": "relu"');
    expect(() => clipVisionConfig({ num_channels: 1 })).toThrow('"num_channels": 1');
    expect(() => clipVisionConfig({ patch_size: 300 })).toThrow('"patch_size" is 300, more than the 224 pixels');
    expect(() => clipVisionConfig({ hidden_size: 10, num_attention_heads: 4 })).toThrow('4 heads cannot share evenly');
  });
});
