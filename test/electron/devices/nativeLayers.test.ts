import { beforeAll, describe, expect, it } from 'vitest';
import { devices } from '../../../electron/devices/devices.ts';
import { openDevice } from '../../../nodes/ml/device.ts';
import { geglu, gelu, quickGelu, silu } from '../../../nodes/ml/nn/activations.ts';
import { attention } from '../../../nodes/ml/nn/attention.ts';
import { groupNorm } from '../../../nodes/ml/nn/groupNorm.ts';
import { layerNorm } from '../../../nodes/ml/nn/layerNorm.ts';
import { linear, project } from '../../../nodes/ml/nn/linear.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../nodes/ml/weights/weights.ts';
import { expectClose, slopePair } from '../../support/closeness.ts';
import { guardLeaks } from '../../support/devices.ts';

const opened = await openDevice('native', devices).catch((error: Error) => error);
const hasLayers = !(opened instanceof Error) && tf.getKernel('NoiseloomGroupNorm', 'tensorflow') !== undefined;
const isRequired = process.env.NOISELOOM_REQUIRE?.split(',').includes('native') ?? false;

type Layer = (x: tf.Tensor) => tf.Tensor;
const random = (shape: number[], mean: number, deviation: number, seed: number) =>
  tf.randomNormal(shape, mean, deviation, 'float32', seed);
const of = (weight: tf.Tensor, bias: tf.Tensor) =>
  weightsOf(
    new Map([
      ['weight', weight],
      ['bias', bias],
    ]),
  );

function normalised(x: tf.Tensor, axes: number[]): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
}
const phi: Layer = (x) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/** Tensors large enough for several threads, with numbers that are hard to add up, to raise to a power, or both. */
const cases: Record<string, { x: () => tf.Tensor; ours: Layer; plain: Layer; tolerance?: number }> = {
  'group normalisation far from 0, two pictures, then SiLU': {
    x: () => random([2, 30, 31, 64], 50, 1, 1),
    ours: (x) => groupNorm(x as tf.Tensor4D, of(random([64], 1, 1, 2), random([64], 0, 1, 3)), 16, 1e-5, 'silu'),
    plain(x) {
      const normal = tf.reshape(normalised(tf.reshape(x, [2, 930, 16, 4]), [1, 3]), [2, 30, 31, 64]);
      const z = tf.add(tf.mul(normal, random([64], 1, 1, 2)), random([64], 0, 1, 3));
      return tf.mul(z, tf.sigmoid(z));
    },
    tolerance: 1e-4,
  },
  'layer normalisation far from 0': {
    x: () => random([3, 70, 321], -20, 1, 4),
    ours: (x) => layerNorm(x, of(random([321], 1, 1, 5), random([321], 0, 1, 6)), 1e-5),
    plain: (x) => tf.add(tf.mul(normalised(x, [2]), random([321], 1, 1, 5)), random([321], 0, 1, 6)),
    tolerance: 1e-4,
  },
  SiLU: { x: () => random([123, 457], 0, 40, 7), ours: silu, plain: (x) => tf.mul(x, tf.sigmoid(x)) },
  'quick GELU': {
    x: () => random([123, 457], 0, 40, 8),
    ours: quickGelu,
    plain: (x) => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702))),
  },
  GELU: { x: () => random([123, 457], 0, 3, 9), ours: gelu, plain: (x) => tf.mul(x, phi(x)) },
  GEGLU: {
    x: () => random([5, 41, 500], 0, 3, 10),
    ours: geglu,
    plain(x) {
      const [value, gate] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
      return tf.mul(value, tf.mul(gate, phi(gate)));
    },
  },
  'attention of narrow heads, to itself': {
    x: () => random([2, 203, 24], 0, 2, 14),
    ours: (x) => attention(x as tf.Tensor3D, tf.mul(x, 1.5) as tf.Tensor3D, tf.sin(x) as tf.Tensor3D, { heads: 3 }),
    plain(x) {
      const [q, k, v] = [x, tf.mul(x, 1.5), tf.sin(x)].map((each) =>
        tf.transpose(tf.reshape(each, [2, 203, 3, 8]), [0, 2, 1, 3]),
      ) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(8));
      const e = tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
      const y = tf.matMul(tf.div(e, tf.sum(e, -1, true)), v);
      return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [2, 203, 24]);
    },
  },
  'a linear layer of rows': {
    x: () => random([123, 45], 0, 1, 15),
    ours: (x) => linear(x, of(random([67, 45], 0, 1, 16), random([67], 0, 1, 17))),
    plain: (x) => tf.add(tf.matMul(x, random([67, 45], 0, 1, 16), false, true), random([67], 0, 1, 17)),
    tolerance: 1e-4,
  },
  'a linear layer of pictures, without a bias': {
    x: () => random([2, 9, 5, 45], 0, 1, 18),
    ours: (x) => project({ x, weight: random([45, 67], 0, 1, 19) as tf.Tensor2D }, { transposed: false }),
    plain: (x) => tf.reshape(tf.matMul(tf.reshape(x, [90, 45]), random([45, 67], 0, 1, 19)), [2, 9, 5, 67]),
    tolerance: 1e-4,
  },
  'softmax of large and of masked numbers': {
    x: () =>
      tf.sub(random([4, 90, 333], 0, 30, 11), tf.mul(tf.cast(tf.greater(tf.range(0, 333), 300), 'float32'), 1e30)),
    ours: (x) => tf.softmax(x),
    plain(x) {
      const e = tf.exp(tf.sub(x, tf.max(x, -1, true)));
      return tf.div(e, tf.sum(e, -1, true));
    },
  },
};

describe.skipIf(!hasLayers && !isRequired)('layers of native TensorFlow that are single operations', () => {
  beforeAll(() => expect(hasLayers, 'run "npm run setup:native"').toBe(true));
  guardLeaks();

  it.each(Object.entries(cases))('%s: as made of plain operations, and so its gradient', (_, testCase) =>
    expectClose(() => {
      const { x: make, ours, plain, tolerance = 1e-5 } = testCase;
      const x = make();
      const [got, expected] = [ours(x), plain(x)];
      const dy = random(got.shape, 0, 1, 12);
      return [
        [got, expected, tolerance],
        [tf.grad(ours)(x, dy), tf.grad(plain)(x, dy), tolerance],
      ];
    }),
  );

  it('numbers that are none stay none', async () => {
    const results = tf.tidy(() => {
      const x = tf.tensor2d([[1, Number.NaN, 2]]);
      const ones = tf.ones([3]);
      return [silu(x), gelu(x), tf.softmax(x), layerNorm(x, of(ones, ones), 1e-5)];
    });
    for (const result of results) expect((await result.data())[1]).toBeNaN();
    tf.dispose(results);
  });

  it('a gradient of a gradient is what finite differences give', () =>
    expectClose(() => {
      const x = random([3, 5], 0, 1, 13);
      const loss = (y: tf.Tensor) => tf.sum(tf.square(tf.grad(silu)(y)));
      return [slopePair(loss, x, tf.grad(loss)(x), 1e-2)];
    }));
});
