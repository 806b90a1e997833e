import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { geglu, gelu, quickGelu, silu } from '../../../../nodes/ml/nn/activations.ts';
import { attention } from '../../../../nodes/ml/nn/attention.ts';
import { conv2d } from '../../../../nodes/ml/nn/conv2d.ts';
import { embedding } from '../../../../nodes/ml/nn/embedding.ts';
import { groupNorm } from '../../../../nodes/ml/nn/groupNorm.ts';
import { layerNorm } from '../../../../nodes/ml/nn/layerNorm.ts';
import { linear } from '../../../../nodes/ml/nn/linear.ts';
import { keepActivationsWithin, recompute } from '../../../../nodes/ml/nn/recompute.ts';
import { residual } from '../../../../nodes/ml/nn/residual.ts';
import { timestepEmbedding } from '../../../../nodes/ml/nn/timestepEmbedding.ts';
import { upsampleNearest2x } from '../../../../nodes/ml/nn/upsampleNearest2x.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { type Weights, weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { expectClose, gradientPair, type Pair } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';

type Layer = (...inputs: tf.Tensor[]) => tf.Tensor;
interface Spec {
  /** Shapes of the inputs that are differentiated. */
  shapes: number[][];
  ours: Layer;
  /** The same in plain TensorFlow.js operations, differentiated by TensorFlow.js. */
  plain: Layer;
  /** Inputs whose gradient needs the convolution filter's, which WebAssembly lacks. */
  filters?: number[];
}

const weights = (tensors: Record<string, tf.Tensor | undefined>): Weights =>
  weightsOf(new Map(Object.entries(tensors).filter((entry): entry is [string, tf.Tensor] => entry[1] !== undefined)));
const t4 = (x: tf.Tensor | undefined) => x as tf.Tensor4D;
const t3 = (x: tf.Tensor | undefined) => x as tf.Tensor3D;

function plainNorm(x: tf.Tensor, axes: number[], eps: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, eps)));
}

function plainAttention([q, k, v]: tf.Tensor[], heads: number, mask?: tf.Tensor): tf.Tensor {
  const [n, t, c] = t3(q).shape;
  const apart = (x: tf.Tensor | undefined) =>
    tf.transpose(tf.reshape(x as tf.Tensor, [n, -1, heads, c / heads]), [0, 2, 1, 3]);
  const scores = tf.div(tf.matMul(apart(q), apart(k), false, true), Math.sqrt(c / heads));
  const p = tf.softmax(mask ? tf.add(scores, mask) : scores);
  return tf.reshape(tf.transpose(tf.matMul(p, apart(v)), [0, 2, 1, 3]), [n, t, c]);
}

const convolution = (
  size: [number, number],
  kernel: number,
  stride: number,
  sides: [number, number, number, number],
  activation?: 'relu',
): Spec => ({
  shapes: [[2, ...size, 3], [kernel, kernel, 3, 4], [4]],
  filters: [1],
  ours: (x, weight, bias) =>
    conv2d(t4(x), weights({ weight, bias }), { stride, padding: sides, ...(activation && { activation }) }),
  plain: (x, w, bias) => {
    const [top, bottom, left, right] = sides;
    const padded = tf.pad(t4(x), [[0, 0], [top, bottom], [left, right], [0, 0]]); // biome-ignore format: one line
    const y = tf.add(tf.conv2d(t4(padded), t4(w), stride, 'valid'), bias as tf.Tensor);
    return activation ? tf.relu(y) : y;
  },
});

const attending = (heads: number, queries: number, keys: number, sliceBytes?: number): Spec => ({
  shapes: [
    [2, queries, 12],
    [2, keys, 12],
    [2, keys, 12],
  ],
  ours: (q, k, v) => attention(t3(q), t3(k), t3(v), { heads, ...(sliceBytes !== undefined && { sliceBytes }) }),
  plain: (...inputs) => plainAttention(inputs, heads),
});

const specs: Record<string, Spec> = {
  'conv2d 3x3, same': convolution([5, 6], 3, 1, [1, 1, 1, 1]),
  'conv2d 1x1': convolution([5, 6], 1, 1, [0, 0, 0, 0]),
  'conv2d 3x3 stride 2, even sides': convolution([6, 8], 3, 2, [1, 1, 1, 1]),
  'conv2d 3x3 stride 2, odd sides': convolution([5, 7], 3, 2, [1, 1, 1, 1]),
  'conv2d 3x3 stride 2, padded right and bottom': convolution([6, 7], 3, 2, [0, 1, 0, 1]),
  'conv2d 3x3 without padding, relu': convolution([5, 6], 3, 1, [0, 0, 0, 0], 'relu'),
  'conv2d without bias': {
    shapes: [
      [1, 4, 4, 2],
      [3, 3, 2, 3],
    ],
    filters: [1],
    ours: (x, weight) => conv2d(t4(x), weights({ weight }), { padding: 1 }),
    plain: (x, w) => tf.conv2d(t4(x), t4(w), 1, 'same'),
  },
  'linear, rank 2': {
    shapes: [[5, 4], [3, 4], [3]],
    ours: (x, weight, bias) => linear(x as tf.Tensor, weights({ weight, bias })),
    plain: (x, w, b) => tf.add(tf.matMul(x as tf.Tensor, w as tf.Tensor, false, true), b as tf.Tensor),
  },
  'linear, rank 3, no bias': {
    shapes: [
      [2, 5, 4],
      [3, 4],
    ],
    ours: (x, weight) => linear(x as tf.Tensor, weights({ weight })),
    plain: (x, w) => tf.reshape(tf.matMul(tf.reshape(x as tf.Tensor, [10, 4]), w as tf.Tensor, false, true), [2, 5, 3]),
  },
  groupNorm: {
    shapes: [[2, 3, 5, 6], [6], [6]],
    ours: (x, weight, bias) => groupNorm(t4(x), weights({ weight, bias }), 3, 1e-5),
    plain: (x, scale, offset) => {
      const normal = plainNorm(tf.reshape(x as tf.Tensor, [2, 15, 3, 2]), [1, 3], 1e-5);
      return tf.add(tf.mul(tf.reshape(normal, [2, 3, 5, 6]), scale as tf.Tensor), offset as tf.Tensor);
    },
  },
  'groupNorm, SiLU': {
    shapes: [[2, 3, 5, 6], [6], [6]],
    ours: (x, weight, bias) => groupNorm(t4(x), weights({ weight, bias }), 2, 1e-5, 'silu'),
    plain: (x, scale, offset) => {
      const normal = plainNorm(tf.reshape(x as tf.Tensor, [2, 15, 2, 3]), [1, 3], 1e-5);
      const z = tf.add(tf.mul(tf.reshape(normal, [2, 3, 5, 6]), scale as tf.Tensor), offset as tf.Tensor);
      return tf.mul(z, tf.sigmoid(z));
    },
  },
  layerNorm: {
    shapes: [[2, 5, 6], [6], [6]],
    ours: (x, weight, bias) => layerNorm(x as tf.Tensor, weights({ weight, bias }), 1e-5),
    plain: (x, scale, offset) =>
      tf.add(tf.mul(plainNorm(x as tf.Tensor, [2], 1e-5), scale as tf.Tensor), offset as tf.Tensor),
  },
  silu: {
    shapes: [[3, 7]],
    ours: (x) => silu(x as tf.Tensor),
    plain: (x) => tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)),
  },
  quickGelu: {
    shapes: [[3, 7]],
    ours: (x) => quickGelu(x as tf.Tensor),
    plain: (x) => tf.mul(x as tf.Tensor, tf.sigmoid(tf.mul(x as tf.Tensor, 1.702))),
  },
  gelu: {
    shapes: [[3, 7]],
    ours: (x) => gelu(x as tf.Tensor),
    plain: (x) => tf.mul(tf.mul(x as tf.Tensor, 0.5), tf.add(tf.erf(tf.div(x as tf.Tensor, Math.SQRT2)), 1)),
  },
  geglu: {
    shapes: [[2, 3, 8]],
    ours: (x) => geglu(x as tf.Tensor),
    plain: (x) => {
      const [value, gate] = tf.split(x as tf.Tensor, 2, -1) as [tf.Tensor, tf.Tensor];
      return tf.mul(value, tf.mul(tf.mul(gate, 0.5), tf.add(tf.erf(tf.div(gate, Math.SQRT2)), 1)));
    },
  },
  residual: {
    shapes: [
      [2, 3, 4],
      [2, 3, 4],
    ],
    ours: (a, b) => residual(a as tf.Tensor, b as tf.Tensor),
    plain: (a, b) => tf.add(a as tf.Tensor, b as tf.Tensor),
  },
  'residual of a tensor with itself': {
    shapes: [[2, 3]],
    ours: (a) => residual(a as tf.Tensor, residual(a as tf.Tensor, a as tf.Tensor)),
    plain: (a) => tf.mul(a as tf.Tensor, 3),
  },
  upsampleNearest2x: {
    shapes: [[2, 3, 4, 3]],
    ours: (x) => upsampleNearest2x(t4(x)),
    plain: (x) => {
      const tall = tf.tile(tf.reshape(t4(x), [6, 1, 12]), [1, 2, 1]);
      return tf.reshape(tf.tile(tf.reshape(tall, [48, 1, 3]), [1, 2, 1]), [2, 6, 8, 3]);
    },
  },
  'upsampleNearest2x to odd sides': {
    shapes: [[1, 2, 3, 2]],
    ours: (x) => upsampleNearest2x(t4(x), [3, 5]),
    plain: (x) => {
      const rows = tf.tensor2d([[1, 0], [1, 0], [0, 1]]); // biome-ignore format: a matrix
      const columns = tf.tensor2d([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]); // biome-ignore format: a matrix
      const tall = tf.reshape(tf.matMul(rows, tf.reshape(t4(x), [2, 6])), [3, 3, 2]);
      const wide = tf.matMul(columns, tf.reshape(tf.transpose(tall, [1, 0, 2]), [3, 6]));
      return tf.reshape(tf.transpose(tf.reshape(wide, [5, 3, 2]), [1, 0, 2]), [1, 3, 5, 2]);
    },
  },
  'attention, three heads': attending(3, 5, 7),
  'attention, one head': attending(1, 5, 7),
  'attention of rows': {
    ...attending(3, 5, 7),
    shapes: [
      [10, 12],
      [14, 12],
      [14, 12],
    ],
    ours: (q, k, v) =>
      attention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, { heads: 3, batch: 2, sliceBytes: 4 * 7 * 5 }),
    plain: (...inputs) => {
      const [q, k, v] = inputs.map((x) => tf.reshape(x, [2, -1, 12])) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.reshape(plainAttention([q, k, v], 3), [10, 12]);
    },
  },
  'attention, a slice an image': attending(3, 5, 7, 4 * 7 * 5 * 3),
  'attention, two heads a slice': attending(3, 5, 7, 4 * 7 * 5 * 2),
  'attention, two query rows a slice': attending(3, 5, 7, 4 * 7 * 2),
  'attention, a bound smaller than a row': attending(2, 4, 5, 1),
};

await describeOnDevices('layers', (device) => {
  guardLeaks();

  describe.each(Object.entries(specs))('%s', (_, { shapes, ours, plain, filters = [] }) => {
    let wanted: number[] = [];
    beforeEach(() => {
      const frozen = device().name === 'wasm' ? filters : [];
      wanted = shapes.map((_, i) => i).filter((i) => !frozen.includes(i));
    });

    const inputsOf = () => shapes.map((shape, i) => tf.randomNormal(shape, 0.3, 1, 'float32', 10 + i));

    it('equals plain operations, and so do its gradients with respect to inputs and weights', () =>
      expectClose(() => {
        const inputs = inputsOf();
        const expected = plain(...inputs);
        const dy = tf.randomNormal(expected.shape, 0, 1, 'float32', 99);
        const got = gradients(ours, inputs, wanted, dy);
        const pairs = gradients(plain, inputs, wanted, dy).map((slope, i): Pair => [got[i] as tf.Tensor, slope, 5e-5]);
        return [[ours(...inputs), expected, 2e-5], ...pairs];
      }));

    it('has the gradient that finite differences show', async ({ skip }) => {
      skip(device().name !== 'native', 'elsewhere the comparison with plain operations has to do');
      await expectClose(() => {
        const inputs = inputsOf();
        const dy = tf.randomNormal(ours(...inputs).shape, 0, 1, 'float32', 98);
        return gradients(ours, inputs, wanted, dy).map((slope, at) => {
          const i = wanted[at] as number;
          const loss = (moved: tf.Tensor) => tf.sum(tf.mul(ours(...inputs.with(i, moved)), dy));
          return gradientPair(loss, inputs[i] as tf.Tensor, slope, 5e-3);
        });
      });
    });

    it('has the same gradient where weights are frozen', () =>
      expectClose(() => {
        const inputs = inputsOf();
        const [[got], [expected]] = [gradients(ours, inputs, [0]), gradients(plain, inputs, [0])];
        return [[got as tf.Tensor, expected as tf.Tensor, 5e-5]];
      }));
  });

  it('attention adds a mask, whole and in slices', () =>
    expectClose(() => {
      const inputs = [0, 1, 2].map((seed) => tf.randomNormal([2, 4, 6], 0, 1, 'float32', seed));
      const causal = tf.sub(tf.linalg.bandPart(tf.ones([4, 4]), -1, 0), 1);
      const masks = [
        tf.reshape(tf.mul(causal, 1e9), [1, 1, 4, 4]),
        tf.randomNormal([2, 1, 1, 4], 0, 1, 'float32', 4),
        tf.randomNormal([2, 3, 4, 4], 0, 1, 'float32', 5),
      ];
      const bounds = [4 * 4 * 3, 4 * 4 * 4 * 2, 2 ** 20];
      return masks.flatMap((mask, i) =>
        (device().name === 'native' ? bounds : bounds.slice(i, i + 1)).flatMap((sliceBytes): Pair[] => {
          const ours: Layer = (a, b, c) => attention(t3(a), t3(b), t3(c), { heads: 3, mask: t4(mask), sliceBytes });
          const plain: Layer = (...qkv) => plainAttention(qkv, 3, mask);
          const expected = gradients(plain, inputs, [0, 1, 2]);
          const pairs = gradients(ours, inputs, [0, 1, 2]).map((dx, i): Pair => [dx, expected[i] as tf.Tensor, 5e-5]);
          return [[ours(...inputs), plain(...inputs), 2e-5], ...pairs];
        }),
      );
    }));

  it('conv2d has the output size and values of the definition for any size, stride and padding', async () => {
    const side = fc.integer({ min: 0, max: 2 });
    const cases = fc.record({
      height: fc.integer({ min: 3, max: 7 }),
      width: fc.integer({ min: 3, max: 7 }),
      kernel: fc.constantFrom(1, 2, 3),
      stride: fc.constantFrom(1, 2, 3),
      padding: fc.tuple(side, side, side, side),
    });
    const property = fc.asyncProperty(cases, ({ height, width, kernel, stride, padding }) => {
      const pixels = noise(height, width, 3);
      const taps = noise(kernel, kernel, 4);
      const [top, bottom, left, right] = padding;
      const rows = Math.floor((height + top + bottom - kernel) / stride) + 1;
      const columns = Math.floor((width + left + right - kernel) / stride) + 1;
      const expected = table(rows, columns, (i, j) => {
        let total = 0;
        for (let a = 0; a < kernel; a++)
          for (let b = 0; b < kernel; b++)
            total += (pixels[i * stride + a - top]?.[j * stride + b - left] ?? 0) * (taps[a]?.[b] ?? Number.NaN);
        return total;
      });
      const image = (values: number[][]) => tf.reshape(tf.tensor2d(values), [1, values.length, -1, 1]) as tf.Tensor4D;
      return expectClose(() => {
        const weight = tf.reshape(tf.tensor2d(taps), [kernel, kernel, 1, 1]);
        return [[conv2d(image(pixels), weights({ weight }), { stride, padding }), image(expected), 1e-5]];
      });
    });
    await fc.assert(property, { seed: 20, numRuns: 30 });
  });

  it('embedding picks rows', () =>
    expectClose(() => {
      const weight = tf.tensor2d([[1, 2], [3, 4], [5, 6]]); // biome-ignore format: a table
      const ids = tf.tensor2d([[2, 0]], [1, 2], 'int32');
      const picked: Pair = [embedding(ids, weights({ weight })), tf.tensor3d([[[5, 6], [1, 2]]]), 1e-6]; // biome-ignore format: a table
      if (device().name === 'wasm') return [picked]; // no UnsortedSegmentSum there: embeddings are trained elsewhere
      const slope = tf.grad((w: tf.Tensor) => tf.sum(embedding(ids, weights({ weight: w }))))(weight);
      return [picked, [slope, tf.tensor2d([[1, 1], [0, 0], [1, 1]]), 1e-6]]; // biome-ignore format: a table
    }));

  it('timestepEmbedding has the frequencies, order and shift asked for', () =>
    expectClose(() => {
      const times = [0, 3, 250.5];
      const cases = [[8, true, 0], [6, false, 1], [7, true, 0]] as const; // biome-ignore format: cases
      return cases.flatMap(([width, flipSinToCos, freqShift]): Pair[] => {
        const half = Math.floor(width / 2);
        const expected = times.map((time) => {
          const angles = Array.from({ length: half }, (_, i) => time * 10000 ** (-i / (half - freqShift)));
          const [sines, cosines] = [angles.map(Math.sin), angles.map(Math.cos)];
          const waves = flipSinToCos ? [...cosines, ...sines] : [...sines, ...cosines];
          return width % 2 ? [...waves, 0] : waves;
        });
        const options = { flipSinToCos, freqShift };
        return [
          [timestepEmbedding(tf.tensor1d(times), width, options), tf.tensor2d(expected), 5e-4],
          [timestepEmbedding(times, width, options), tf.tensor2d(expected), 1e-6],
        ];
      });
    }));

  it('takes tf.Variable weights', async () => {
    const [weight, bias] = tf.tidy(() => [tf.variable(tf.randomNormal([3, 4])), tf.variable(tf.zeros([3]))] as const);
    await expectClose(() => {
      const x = tf.randomNormal([2, 4], 0, 1, 'float32', 2);
      const { grads } = tf.variableGrads(() => tf.sum(linear(x, weights({ weight, bias }))), [weight, bias]);
      return [
        [grads[weight.name] as tf.Tensor, tf.tile(tf.sum(x, 0, true), [3, 1]), 1e-5],
        [grads[bias.name] as tf.Tensor, tf.fill([3], 2), 1e-5],
      ];
    });
    tf.dispose([weight, bias]);
  });

  it('recompute has the gradients of the plain block, for every input, nested too, and keeps no activations', () =>
    expectClose(() => {
      const inputs = [0, 1].map((seed) => tf.randomNormal([3, 4], 0, 1, 'float32', seed));
      const w = weights({ weight: tf.randomNormal([4, 4], 0, 1, 'float32', 5) });
      const block = (x: tf.Tensor, t: tf.Tensor) => {
        let y = tf.add(x, t);
        for (let i = 0; i < 5; i++) y = silu(linear(y, w));
        return residual(x, y);
      };
      let kept = 0;
      const chain =
        (apply: typeof block): Layer =>
        (x, t) => {
          const before = tf.memory().numTensors;
          const y = apply(apply(x as tf.Tensor, t as tf.Tensor), t as tf.Tensor);
          kept = tf.memory().numTensors - before;
          return y;
        };
      const plain = gradients(chain(block), inputs, [0, 1]);
      const plainCount = kept;
      const saving = gradients(
        chain((x, t) => recompute(block, [x, t])),
        inputs,
        [0, 1],
      );
      expect(kept).toBeLessThan(plainCount / 3);
      const within = (room: number) =>
        keepActivationsWithin(room, () =>
          gradients(
            chain((x, t) => recompute(block, [x, t])),
            inputs,
            [0, 1],
          ),
        );
      const partly = within(100); // the first block alone
      const partlyCount = kept;
      expect(partlyCount).toBeLessThan(plainCount / 2);
      const wholly = within(1e6);
      expect(kept).toBeGreaterThan(1.5 * partlyCount);
      const nested = gradients(
        chain((x, t) => recompute((a, b) => recompute(block, [silu(a), b]), [x, t])),
        inputs,
        [0, 1],
      );
      const plainNested = gradients(
        chain((x, t) => block(silu(x), t)),
        inputs,
        [0, 1],
      );
      return [0, 1].flatMap((i): Pair[] => [
        [saving[i] as tf.Tensor, plain[i] as tf.Tensor, 1e-5],
        [partly[i] as tf.Tensor, plain[i] as tf.Tensor, 1e-5],
        [wholly[i] as tf.Tensor, plain[i] as tf.Tensor, 1e-5],
        [nested[i] as tf.Tensor, plainNested[i] as tf.Tensor, 1e-5],
      ]);
    }));
});

/** Gradients of sum(f(inputs) dy) with respect to the inputs of those positions; dy is 1 by default. */
function gradients(f: Layer, inputs: tf.Tensor[], positions: number[], dy?: tf.Tensor): tf.Tensor[] {
  const of = (...xs: tf.Tensor[]) => f(...inputs.map((input, i) => xs[positions.indexOf(i)] ?? input));
  return tf.grads(of)(
    positions.map((i) => inputs[i] as tf.Tensor),
    dy,
  );
}

const table = (rows: number, columns: number, value: (i: number, j: number) => number): number[][] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => value(i, j)));
const noise = (rows: number, columns: number, seed: number) =>
  table(rows, columns, (i, j) => Math.sin(seed + 7.3 * i + 3.1 * j * j));
