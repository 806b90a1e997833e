import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { devices } from '../../../../electron/devices/devices.ts';
import { openDevice } from '../../../../nodes/ml/device.ts';
import { geglu, gelu, quickGelu, silu } from '../../../../nodes/ml/nn/activations.ts';
import { attention } from '../../../../nodes/ml/nn/attention.ts';
import { conv2d } from '../../../../nodes/ml/nn/conv2d.ts';
import { groupNorm } from '../../../../nodes/ml/nn/groupNorm.ts';
import { layerNorm } from '../../../../nodes/ml/nn/layerNorm.ts';
import { addProduct, linear, project } from '../../../../nodes/ml/nn/linear.ts';
import { addPerImage } from '../../../../nodes/ml/nn/residual.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { expectClose, gradientPair } from '../../../support/closeness.ts';
import { guardLeaks } from '../../../support/devices.ts';

const opened = await openDevice('native', devices).catch((error: Error) => error);
const hasOps = !(opened instanceof Error) && tf.getKernel('NoiseloomGroupNorm', 'tensorflow') !== undefined;
const isRequired = process.env.NOISELOOM_REQUIRE?.split(',').includes('native') ?? false;

type Layer = (x: tf.Tensor) => tf.Tensor;
interface Case {
  readonly x: () => tf.Tensor;
  readonly ours: Layer;
  readonly plain: Layer;
  /** In units of the largest value. */
  readonly tolerance?: number;
}
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
/** Products of [.., M, K] and [.., K, N], added up one by one: by none of the ops under test. */
const product = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(tf.expandDims(a, -1), tf.expandDims(b, -3)), -2);
const transposed = (x: tf.Tensor) => tf.transpose(x, [...x.shape.keys()].toSpliced(-2, 2, x.rank - 1, x.rank - 2));

function plainAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, heads: number): tf.Tensor {
  const [n, queries, channels] = q.shape as [number, number, number];
  const apart = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [n, -1, heads, channels / heads]), [0, 2, 1, 3]);
  const scores = tf.div(product(apart(q), transposed(apart(k))), Math.sqrt(channels / heads));
  const e = tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
  const y = product(tf.div(e, tf.sum(e, -1, true)), apart(v));
  return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [n, queries, channels]);
}
/** Of queries, keys and values one below the other, so that all are differentiated. */
function attentionCase(n: number, queries: number, keys: number, heads: number, width: number): Case {
  const parts = (x: tf.Tensor) => tf.split(x, [queries, keys, keys], 1) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return {
    x: () => random([n, queries + 2 * keys, heads * width], 0.3, 1.5, 22),
    ours: (x) => attention(...parts(x), { heads }),
    plain: (x) => plainAttention(...parts(x), heads),
  };
}

/** A convolution with zeros around, by TensorFlow; the gradients of those without a padding of their own stay TensorFlow's. */
function convolutionCase(shape: [n: number, h: number, w: number, c: number], outputs: number, hasBias = true) {
  const [, , , inputs] = shape;
  const weight = () => random([3, 3, inputs, outputs], 0, 1 / Math.sqrt(9 * inputs), 30) as tf.Tensor4D;
  const bias = () => random([outputs], 0, 1, 31);
  return {
    x: () => random(shape, 0, 1, 32),
    ours(x: tf.Tensor) {
      const weights = hasBias ? of(weight(), bias()) : weightsOf(new Map([['weight', weight()]]));
      return conv2d(x as tf.Tensor4D, weights, { padding: 1 });
    },
    plain(x: tf.Tensor) {
      const around = [0, 1, 1, 0].map((each) => [each, each] as [number, number]);
      const y = tf.conv2d(tf.pad(x, around) as tf.Tensor4D, weight(), 1, 'valid');
      return hasBias ? tf.add(y, bias()) : y;
    },
    tolerance: 2e-5,
  };
}
/** The same with its filter for x, so that the gradient is the filter's. */
function filterCase(shape: [n: number, h: number, w: number, c: number], outputs: number): Case {
  const image = () => random(shape, 0, 1, 33) as tf.Tensor4D;
  const bias = () => random([outputs], 0, 1, 34);
  return {
    x: () => random([3, 3, shape[3], outputs], 0, 1 / Math.sqrt(9 * shape[3]), 35),
    ours: (filter) => conv2d(image(), of(filter, bias()), { padding: 1 }),
    plain(filter) {
      const around = [0, 1, 1, 0].map((each) => [each, each] as [number, number]);
      return tf.add(tf.conv2d(tf.pad(image(), around) as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'), bias());
    },
    tolerance: 2e-5,
  };
}
/** Scale and offset, one below the other, for x. */
function groupNormWeights(images: number, activation: 'linear' | 'silu'): Case {
  const image = () => random([images, 13, 11, 32], 3, 2, 50) as tf.Tensor4D;
  const parts = (x: tf.Tensor) => tf.split(x, 2).map((part) => tf.reshape(part, [32])) as [tf.Tensor, tf.Tensor];
  return {
    x: () => random([2, 32], 1, 1, 51),
    ours: (x) => groupNorm(image(), of(...parts(x)), 8, 1e-5, activation),
    plain(x) {
      const normal = normalised(tf.reshape(image(), [images, 143, 8, 4]), [1, 3]);
      const [scale, offset] = parts(x);
      const z = tf.add(tf.mul(tf.reshape(normal, [images, 13, 11, 32]), scale), offset);
      return activation === 'silu' ? tf.mul(z, tf.sigmoid(z)) : z;
    },
    tolerance: 2e-5,
  };
}
/** Products of matrices, some of them transposed. */
function productCase(
  batch: number[],
  rows: number,
  depth: number,
  columns: number,
  transposeA: boolean,
  transposeB: boolean,
) {
  const b = () => random([...batch, ...(transposeB ? [columns, depth] : [depth, columns])], 0, 1, 41);
  return {
    x: () => random([...batch, ...(transposeA ? [depth, rows] : [rows, depth])], 0, 1, 40),
    ours: (x: tf.Tensor) => tf.matMul(x, b(), transposeA, transposeB),
    plain: (x: tf.Tensor) => product(transposeA ? transposed(x) : x, transposeB ? transposed(b()) : b()),
  };
}
/** A product added to a matrix; of both and of the sum's start one beside the other, so that all are differentiated. */
function addedCase(rows: number, depth: number, columns: number): Case {
  const parts = (x: tf.Tensor) => {
    const [start, a, b] = tf.split(x, [rows * columns, rows * depth, depth * columns]) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    return {
      start: tf.reshape(start, [rows, columns]) as tf.Tensor2D,
      a: tf.reshape(a, [rows, depth]) as tf.Tensor2D,
      b: tf.reshape(b, [depth, columns]) as tf.Tensor2D,
    };
  };
  return {
    x: () => random([rows * columns + rows * depth + depth * columns], 0, 1, 42),
    ours: (x) => addProduct(parts(x)),
    plain(x) {
      const { start, a, b } = parts(x);
      return tf.add(start, product(a, b));
    },
  };
}
function sumCase(shape: number[], axes: number[], keepDims: boolean): Case {
  return {
    x: () => random(shape, 1, 1, 54),
    ours: (x) => tf.sum(x, axes, keepDims),
    plain(x) {
      const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
      const rows = tf.reshape(x, [kept.slice(0, axes[0]).reduce((a, b) => a * b, 1), -1, kept.at(-1)!]);
      const order = tf.transpose(rows, [0, 2, 1]); // the last axis is summed by TensorFlow
      return tf.reshape(tf.sum(order, 2), keepDims ? kept : shape.filter((_, axis) => !axes.includes(axis)));
    },
  };
}
const phi: Layer = (x) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/** Tensors large enough for several threads, with numbers that are hard to add up, to raise to a power, or both. */
const cases: Record<string, Case> = {
  'group normalisation far from 0, two images, then SiLU': {
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
  'scale and offset of a group normalisation of many images, then SiLU': groupNormWeights(9, 'silu'),
  'scale and offset of a group normalisation of one image': groupNormWeights(1, 'linear'),
  'scale and offset of a layer normalisation': {
    x: () => random([2, 45], 1, 1, 52),
    ours(x) {
      const [scale, offset] = tf.split(x, 2).map((part) => tf.reshape(part, [45])) as [tf.Tensor, tf.Tensor];
      return layerNorm(random([5, 41, 45], 3, 2, 53), of(scale, offset), 1e-5);
    },
    plain(x) {
      const [scale, offset] = tf.split(x, 2) as [tf.Tensor, tf.Tensor];
      return tf.add(tf.mul(normalised(random([5, 41, 45], 3, 2, 53), [2]), scale), offset);
    },
    tolerance: 2e-5,
  },
  'a sum over leading axes': sumCase([7, 31, 50, 33], [0, 1, 2], false),
  'a sum over axes in the middle': sumCase([4, 31, 50, 16], [1, 2], true),
  'a sum over an axis of length 1': sumCase([5, 1, 9], [1], false),
  'a number a channel added to each image': {
    x: () => random([6, 19, 23, 40], 0, 1, 55),
    ours: (x) =>
      addPerImage(x as tf.Tensor4D, tf.reshape(tf.slice(x, [0, 3, 4, 0], [6, 1, 1, 40]), [6, 40]) as tf.Tensor2D),
    plain: (x) => tf.add(x, tf.slice(x, [0, 3, 4, 0], [6, 1, 1, 40])),
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
    plain: (x) => plainAttention(x, tf.mul(x, 1.5), tf.sin(x), 3),
  },
  'attention of one wide head, in several pieces': attentionCase(1, 150, 40, 1, 56),
  'attention of heads of an odd width, to few keys': attentionCase(2, 33, 3, 3, 19),
  'attention of one query': attentionCase(1, 1, 70, 2, 40),
  'a 3x3 convolution of many pixels, in tiles of which some are cut': convolutionCase([2, 18, 21, 32], 48),
  'a 3x3 convolution of many pixels and channels, without a bias': convolutionCase([1, 25, 24, 400], 336, false),
  'a 3x3 convolution to 16 channels': convolutionCase([1, 17, 32, 16], 16),
  'a 3x3 convolution of few pixels': convolutionCase([2, 7, 5, 64], 80),
  'a 3x3 convolution of one pixel': convolutionCase([1, 1, 1, 16], 32, false),
  'the filter of a 3x3 convolution, in tiles of which some are cut': filterCase([2, 18, 21, 32], 48),
  'the filter of a 3x3 convolution of many channels': filterCase([5, 8, 8, 144], 80),
  'the filter of a 3x3 convolution of very many pixels': filterCase([3, 130, 140, 64], 64),
  'the filter of a 3x3 convolution of few pixels': filterCase([2, 7, 5, 64], 80),
  'a product': productCase([], 130, 37, 100, false, false),
  'products, the first transposed': productCase([3], 70, 50, 33, true, false),
  'products of many rows, the first transposed': productCase([], 200, 700, 150, true, false),
  'products, the second transposed': productCase([2, 3], 5, 61, 32, false, true),
  'products, both transposed': productCase([2], 29, 40, 16, true, true),
  'a product of a row and a column': productCase([], 1, 1000, 1, false, false),
  'a product added to a matrix of whole tiles': addedCase(130, 37, 96),
  'a product added to a matrix of tiles that are cut': addedCase(29, 61, 75),
  'a linear layer of rows': {
    x: () => random([123, 45], 0, 1, 15),
    ours: (x) => linear(x, of(random([67, 45], 0, 1, 16), random([67], 0, 1, 17))),
    plain: (x) => tf.add(product(x, transposed(random([67, 45], 0, 1, 16))), random([67], 0, 1, 17)),
  },
  'a linear layer of images, without a bias': {
    x: () => random([2, 9, 5, 45], 0, 1, 18),
    ours: (x) => project({ x, weight: random([45, 67], 0, 1, 19) as tf.Tensor2D }, { transposed: false }),
    plain: (x) => product(x, random([45, 67], 0, 1, 19)),
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

const count = (most: number) => fc.integer({ min: 1, max: most });
const channels = count(5).map((sixteens) => 16 * sixteens);
const anySize: Record<string, fc.Arbitrary<Case>> = {
  '3x3 convolutions': fc
    .tuple(count(3), count(30), count(30), channels, channels, fc.boolean())
    .map(([n, height, width, from, to, hasBias]) => convolutionCase([n, height, width, from], to, hasBias)),
  'filters of 3x3 convolutions': fc
    .tuple(count(3), count(30), count(30), channels, channels)
    .map(([n, height, width, from, to]) => filterCase([n, height, width, from], to)),
  products: fc
    .tuple(fc.array(count(3), { maxLength: 2 }), count(70), count(70), count(70), fc.boolean(), fc.boolean())
    .map((sizes) => productCase(...sizes)),
  'products that are added': fc.tuple(count(70), count(70), count(70)).map((sizes) => addedCase(...sizes)),
  attention: fc
    .tuple(count(2), count(70), fc.integer({ min: 2, max: 70 }), count(3), count(70))
    .map((sizes) => attentionCase(...sizes)),
};

async function expectAsPlain({ x: make, ours, plain, tolerance = 1e-5 }: Case): Promise<void> {
  await expectClose(() => {
    const x = make();
    const [got, expected] = [ours(x), plain(x)];
    const dy = random(got.shape, 0, 1, 12);
    return [
      [got, expected, tolerance],
      [tf.grad(ours)(x, dy), tf.grad(plain)(x, dy), tolerance],
    ];
  });
}

describe.skipIf(!hasOps && !isRequired)('ops of our own for native TensorFlow', () => {
  beforeAll(() => expect(hasOps, 'run "npm run setup:native"').toBe(true));
  guardLeaks();

  it.each(Object.entries(cases))('%s: as made of plain operations, and so its gradient', (_, testCase) =>
    expectAsPlain(testCase),
  );

  it.each(Object.entries(anySize))('%s of any size: as made of plain operations, and so their gradients', (_, sizes) =>
    fc.assert(fc.asyncProperty(sizes, expectAsPlain), { seed: 8, numRuns: 25 }),
  );

  it('NaN stays NaN', async () => {
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
      return [gradientPair(loss, x, tf.grad(loss)(x), 1e-2)];
    }));
});
