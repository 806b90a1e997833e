import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { devices } from '../../../../electron/devices/devices.ts';
import { openDevice } from '../../../../nodes/ml/device.ts';
import { geglu, gelu, quickGelu, silu } from '../../../../nodes/ml/nn/activations.ts';
import { attention } from '../../../../nodes/ml/nn/attention.ts';
import { groupNorm } from '../../../../nodes/ml/nn/groupNorm.ts';
import { layerNorm } from '../../../../nodes/ml/nn/layerNorm.ts';
import { linear } from '../../../../nodes/ml/nn/linear.ts';
import { peakBytes } from '../../../../nodes/ml/optimise/peakBytes.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { expectClose, gradientPair } from '../../../support/closeness.ts';
import { guardLeaks } from '../../../support/devices.ts';

const opened = await openDevice('webgpu', devices).catch((error: Error) => error);
const isRequired = process.env.NOISELOOM_REQUIRE?.split(',').includes('webgpu') ?? false;

/** Shapes of inputs, and what is made of them; all inputs are differentiated. */
interface Case {
  readonly shapes: readonly number[][];
  /** The numbers' mean; their deviation is 1. */
  readonly mean?: number;
  readonly apply: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const of = (weight: tf.Tensor | undefined, bias: tf.Tensor | undefined) =>
  weightsOf(new Map(Object.entries({ weight, bias }) as [string, tf.Tensor][]));
const count = (most: number) => fc.integer({ min: 1, max: most });
const norms = { mean: fc.constantFrom(0, 50), isActive: fc.boolean() };
const elementwise = (apply: (x: tf.Tensor) => tf.Tensor, even = false): fc.Arbitrary<Case> =>
  fc
    .tuple(count(9), count(300))
    .map(([a, b]) => ({ shapes: [[a, even ? 2 * b : b]], apply: (x) => apply(x as tf.Tensor) }));

const grouped = (
  [n, height, width, groups, each]: readonly [number, number, number, number, number],
  mean: number,
  isActive: boolean,
): Case => {
  const channels = groups * each;
  return {
    shapes: [[n, height, width, channels], [channels], [channels]],
    mean,
    apply: (x, scale, offset) =>
      groupNorm(x as tf.Tensor4D, of(scale, offset), groups, 1e-5, isActive ? 'silu' : 'linear'),
  };
};

interface Attending {
  readonly n: number;
  readonly heads: number;
  readonly width: number;
  readonly queries: number;
  readonly keys: number;
  /** Which axes of the mask are whole; none: there is no mask. */
  readonly mask?: readonly [boolean, boolean, boolean, boolean] | undefined;
}
function attending({ n, heads, width, queries, keys, mask }: Attending): Case {
  const shape = [n, heads, queries, keys].map((length, axis) => (mask?.[axis] ? length : 1));
  return {
    shapes: [queries, keys, keys].map((length) => [n, length, heads * width]),
    apply: (q, k, v) =>
      attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, {
        heads,
        ...(mask && { mask: tf.mul(tf.randomNormal(shape, 0, 1, 'float32', 5), 3) as tf.Tensor4D }),
      }),
  };
}

const layers: Record<string, fc.Arbitrary<Case>> = {
  'group normalisation': fc
    .record({ sizes: fc.tuple(count(3), count(9), count(9), count(5), count(7)), ...norms })
    .map(({ sizes, mean, isActive }) => grouped(sizes, mean, isActive)),
  'group normalisation whose groups several workgroups share': fc
    .record({
      sizes: fc.tuple(count(2), fc.integer({ min: 110, max: 130 }), count(3), count(2), fc.constant(600)),
      ...norms,
    })
    .map(({ sizes, mean, isActive }) => grouped(sizes, mean, isActive)),
  'layer normalisation': fc
    .record({ rows: count(4), columns: count(9), width: count(300), ...norms })
    .map(({ rows, columns, width, mean }) => ({
      shapes: [[rows, columns, width], [width], [width]],
      mean,
      apply: (x, scale, offset) => layerNorm(x as tf.Tensor, of(scale, offset), 1e-5),
    })),
  'attention of any size': fc
    .record({
      n: count(2),
      heads: count(3),
      width: fc.constantFrom(1, 16, 37),
      queries: count(70),
      keys: count(70),
      mask: fc.option(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()), { nil: undefined }),
    })
    .map(attending),
  'attention with the heads of real models': fc
    .record({
      n: fc.constant(1),
      heads: count(2),
      width: fc.constantFrom(8, 40, 64, 80, 160),
      queries: fc.constantFrom(64, 100),
      keys: fc.constantFrom(64, 77),
    })
    .map(attending),
  'a matrix with a bias': fc.tuple(count(20), count(40), count(40)).map(([rows, from, to]) => ({
    shapes: [[2, rows, from], [to, from], [to]],
    apply: (x, weight, bias) => linear(x as tf.Tensor, of(weight, bias)),
  })),
  SiLU: elementwise(silu),
  'quick GELU': elementwise(quickGelu),
  GELU: elementwise(gelu),
  GEGLU: elementwise(geglu, true),
};

/** The result and the gradient with respect to each input, on a device; where it has no kernels of ours, of plain operations. */
async function resultsOn(name: 'webgpu' | 'wasm', { shapes, mean = 0, apply }: Case): Promise<Float32Array[]> {
  await openDevice(name, devices);
  const results = tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.randomNormal(shape, i === 0 ? mean : 0.3, 1, 'float32', 10 + i));
    const y = apply(...inputs);
    return [y, ...tf.grads(apply)(inputs, tf.randomNormal(y.shape, 0, 1, 'float32', 99))];
  });
  const values = await Promise.all(results.map((each) => each.data<'float32'>()));
  tf.dispose(results);
  return values;
}

/** Largest difference over the largest value expected. */
function distance(got: Float32Array, expected: Float32Array): number {
  expect(got.length).toBe(expected.length);
  let [largest, worst] = [1e-3, 0];
  for (const [i, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - (got[i] as number));
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  return worst / largest;
}

describe.skipIf(opened instanceof Error && !isRequired)('kernels of our own for WebGPU', () => {
  beforeEach(async () => {
    await openDevice('webgpu', devices); // throws the reason where it is required and absent
  });
  guardLeaks();

  it.each(Object.entries(layers))(
    '%s: as made of plain operations, and so its gradients',
    { timeout: 120_000 },
    async (_, cases) => {
      const property = fc.asyncProperty(cases, async (testCase) => {
        const [got, expected] = [await resultsOn('webgpu', testCase), await resultsOn('wasm', testCase)];
        for (const [i, values] of got.entries())
          expect(distance(values, expected[i] as Float32Array), `result ${i}`).toBeLessThan(
            testCase.mean ? 5e-4 : 5e-5,
          );
      });
      await fc.assert(property, { seed: 8, numRuns: 8 });
    },
  );

  const attend = (width: number, length: number): Case =>
    attending({ n: 1, heads: 1, width, queries: length, keys: length });
  const gradientsOf = ({ shapes, apply }: Case): tf.Tensor[] => {
    const inputs = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 10 + i));
    return tf.grads(apply)(inputs);
  };

  it.each([
    ['group normalisation', grouped([1, 8, 8, 4, 4], 0, true), 1],
    ['attention', attend(20, 40), 1],
    ['attention of narrow heads', attend(8, 40), 1],
  ] as const)('%s runs as one dispatch', (_, { shapes, apply }, dispatches) => {
    const ran = vi.spyOn(tf.backend() as WebGPUBackend, 'runWebGPUProgram');
    tf.tidy(() => void apply(...shapes.map((shape) => tf.ones(shape))));
    const programs = ran.mock.calls.filter(([{ shaderKey }]) => !shaderKey.startsWith('fill')).length;
    ran.mockRestore();
    expect(programs).toBe(dispatches);
  });

  it('more workgroups than a device takes along one axis do all of their work', () =>
    expectClose(() => {
      const x = tf.randomNormal([66_000, 2], 0, 1, 'float32', 1);
      const [a, b] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
      const half = tf.div(tf.sub(a, b), 2); // a row's deviation from its mean
      const normal = tf.div(half, tf.sqrt(tf.add(tf.square(half), 1)));
      const expected = tf.concat([normal, tf.neg(normal)], 1);
      return [[layerNorm(x, of(tf.ones([2]), tf.zeros([2])), 1), expected, 1e-5]];
    }));

  it.each([8, 40])('attention of heads of %i never holds its scores, nor does its gradient', async (width) => {
    const length = 1024;
    const peak = await peakBytes(() => tf.tidy(() => void gradientsOf(attend(width, length))));
    const scores = 4 * length ** 2;
    expect(peak).toBeLessThan(scores / 2);
  });

  it.each([
    ['group normalisation and SiLU', grouped([2, 3, 5, 2, 3], 1, true)],
    [
      'layer normalisation',
      {
        shapes: [[3, 5, 7], [7], [7]],
        apply: (x, scale, offset) => layerNorm(x as tf.Tensor, of(scale, offset), 1e-5),
      },
    ],
    ['attention', attend(5, 35)],
    ['GEGLU', { shapes: [[5, 6]], apply: (x) => geglu(x as tf.Tensor) }],
  ] as [string, Case][])('%s has the gradient that finite differences show', (_, { shapes, apply }) =>
    expectClose(() => {
      const inputs = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 10 + i));
      const dy = tf.randomNormal(apply(...inputs).shape, 0, 1, 'float32', 97);
      return tf
        .grads(apply)(inputs, dy)
        .map((slope, i) => {
          const loss = (moved: tf.Tensor) => tf.sum(tf.mul(apply(...inputs.with(i, moved)), dy));
          return gradientPair(loss, inputs[i] as tf.Tensor, slope, 1e-2);
        });
    }),
  );

  it('NaN stays NaN', async () => {
    const results = tf.tidy(() => {
      const x = tf.tensor2d([[1, Number.NaN, 2, 3]]);
      const ones = tf.ones([4]);
      const tokens = tf.reshape(x, [1, 1, 4]) as tf.Tensor3D;
      return [silu(x), gelu(x), layerNorm(x, of(ones, ones), 1e-5), attention(tokens, tokens, tokens, { heads: 1 })];
    });
    for (const result of results) expect((await result.data())[1]).toBeNaN();
    tf.dispose(results);
  });
});
