import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { devices } from '../../../electron/devices/devices.ts';
import { openDevice } from '../../../nodes/ml/device.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { describeOnDevices, guardLeaks } from '../../support/devices.ts';

type Operation = readonly [shapes: number[][], apply: (...x: never[]) => tf.Tensor];
type T4 = tf.Tensor4D;

/** What the models stand on, each compared with plain JavaScript, forward and by its gradient in the first operand. */
const operations: Record<string, Operation> = {
  'conv2d same': [
    [
      [2, 8, 8, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 1, 'same'),
  ],
  'conv2d valid, stride 2': [
    [
      [2, 9, 9, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 2, 'valid'),
  ],
  'conv2d same, stride 2': [
    [
      [2, 8, 8, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 2, 'same'),
  ],
  'conv2d pad 1, stride 2': [
    [
      [2, 8, 8, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 2, 1),
  ],
  'conv2d pad 0': [
    [
      [2, 8, 8, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 1, 0),
  ],
  'conv2d padded by list': [
    [
      [2, 8, 8, 3],
      [3, 3, 3, 4],
    ],
    (x: T4, w: T4) =>
      tf.conv2d(x, w, 2, [
        [0, 0],
        [0, 1],
        [2, 1],
        [0, 0],
      ]),
  ],
  'conv2d from one channel to one': [
    [
      [2, 10, 10, 1],
      [5, 5, 1, 1],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 1, 'valid'),
  ],
  'conv2d filter gradient': [
    [
      [3, 3, 3, 4],
      [2, 8, 8, 3],
    ],
    (w: T4, x: T4) => tf.conv2d(x, w, 1, 'same'),
  ],
  'conv2d filter gradient, pad 1, stride 2': [
    [
      [3, 3, 3, 4],
      [2, 8, 9, 3],
    ],
    (w: T4, x: T4) => tf.conv2d(x, w, 2, 1),
  ],
  'conv2d 1x1': [
    [
      [2, 8, 8, 3],
      [1, 1, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 1, 'same'),
  ],
  'conv2d patches': [
    [
      [2, 8, 8, 3],
      [4, 4, 3, 4],
    ],
    (x: T4, w: T4) => tf.conv2d(x, w, 4, 'valid'),
  ],
  'fused conv2d': [
    [[2, 8, 8, 3], [3, 3, 3, 4], [4]],
    (x: T4, filter: T4, bias: tf.Tensor1D) => tf.fused.conv2d({ x, filter, bias, strides: 2, pad: 1 }),
  ],
  matMul: [
    [
      [5, 6],
      [6, 7],
    ],
    (a: tf.Tensor2D, b: tf.Tensor2D) => tf.matMul(a, b),
  ],
  'matMul transposed': [
    [
      [2, 3, 5, 6],
      [2, 3, 7, 6],
    ],
    (a: T4, b: T4) => tf.matMul(a, b, false, true),
  ],
  'matMul of a batch with one matrix': [
    [
      [2, 5, 6],
      [6, 7],
    ],
    (a: tf.Tensor3D, b: tf.Tensor2D) => tf.matMul(a, b),
  ],
  'matMul transposed, large': [
    [
      [3, 24, 40],
      [3, 32, 24],
    ],
    (a: tf.Tensor3D, b: tf.Tensor3D) => tf.matMul(a, b, true, true),
  ],
  'matMul of a large batch with one matrix': [
    [
      [3, 4, 16, 24],
      [1, 1, 32, 24],
    ],
    (a: T4, b: T4) => tf.matMul(a, b, false, true),
  ],
  'fused matMul': [
    [[5, 6], [6, 7], [7]],
    (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias }),
  ],
  'fused matMul of a batch with one matrix': [
    [[2, 5, 6], [6, 7], [7]],
    (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias }),
  ],
  softmax: [[[2, 3, 7]], (x: tf.Tensor) => tf.softmax(x)],
  logSoftmax: [[[2, 3, 7]], (x: tf.Tensor) => tf.logSoftmax(x)],
  erf: [[[40]], (x: tf.Tensor) => tf.erf(x)],
  tanh: [[[40]], (x: tf.Tensor) => tf.tanh(x)],
  sigmoid: [[[40]], (x: tf.Tensor) => tf.sigmoid(x)],
  exp: [[[40]], (x: tf.Tensor) => tf.exp(x)],
  rsqrt: [[[40]], (x: tf.Tensor) => tf.rsqrt(tf.add(x, 2))],
  relu: [[[40]], (x: tf.Tensor) => tf.relu(x)],
  clipByValue: [[[40]], (x: tf.Tensor) => tf.clipByValue(x, -0.3, 0.5)],
  'add, sub, mul, div': [
    [
      [2, 4, 4, 3],
      [2, 1, 1, 3],
    ],
    (x: T4, y: T4) => tf.div(tf.sub(tf.add(x, y), tf.mul(x, y)), tf.add(y, 2)),
  ],
  'maximum, minimum': [[[40], [40]], (x: tf.Tensor, y: tf.Tensor) => tf.add(tf.maximum(x, y), tf.minimum(x, 0.5))],
  moments: [[[2, 3, 4]], (x: tf.Tensor) => tf.moments(x, -1, true).variance],
  'sum, mean, max': [[[2, 3, 4]], (x: tf.Tensor) => tf.add(tf.sum(x, 2), tf.mul(tf.mean(x, 2), tf.max(x, -1)))],
  norm: [[[2, 3, 4]], (x: tf.Tensor) => tf.norm(x, 2, -1)],
  transpose: [[[2, 3, 4, 5]], (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3])],
  slice: [[[2, 3, 4]], (x: tf.Tensor) => tf.slice(x, [0, 1, 1], [2, 2, 2])],
  concat: [
    [
      [2, 3, 4],
      [2, 3, 5],
    ],
    (x: tf.Tensor3D, y: tf.Tensor3D) => tf.concat([x, y], -1),
  ],
  split: [[[2, 6]], (x: tf.Tensor) => tf.split(x, 3, 1)[1] as tf.Tensor],
  stack: [
    [
      [2, 3],
      [2, 3],
    ],
    (x: tf.Tensor, y: tf.Tensor) => tf.stack([x, y], 1),
  ],
  pad: [
    [[2, 4, 4, 3]],
    (x: tf.Tensor) =>
      tf.pad(x, [
        [0, 0],
        [1, 1],
        [0, 1],
        [0, 0],
      ]),
  ],
  gather: [[[5, 3]], (x: tf.Tensor) => tf.gather(x, tf.tensor1d([0, 2, 2], 'int32'))],
  where: [[[40], [40]], (x: tf.Tensor, y: tf.Tensor) => tf.where(tf.greater(y, 0), x, y)],
  'nearest neighbour': [[[2, 4, 4, 3]], (x: T4) => tf.image.resizeNearestNeighbor(x, [8, 8])],
  'average pool': [[[2, 4, 4, 3]], (x: T4) => tf.avgPool(x, 2, 2, 'valid')],
};

/** Numbers that are neither sorted nor symmetric, in (-0.9, 1). */
function operands(shapes: number[][]): tf.Tensor[] {
  return shapes.map((shape, i) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, j) => 0.1 + 0.89 * Math.sin(j * 0.7 + i)),
      shape,
    );
  });
}

/** [the result, the gradient of a weighted sum of it with respect to the first operand] */
async function results([shapes, apply]: Operation): Promise<Float32Array[]> {
  const xs = operands(shapes);
  const run = apply as (...x: tf.Tensor[]) => tf.Tensor;
  const forward = tf.tidy(() => run(...xs));
  const weights = tf.tensor(
    Float32Array.from({ length: forward.size }, (_, i) => Math.cos(i)),
    forward.shape,
  );
  const backward = tf.grad((x) => tf.sum(tf.mul(run(x, ...xs.slice(1)), weights)))(xs[0] as tf.Tensor);
  const values = [await forward.data<'float32'>(), await backward.data<'float32'>()];
  tf.dispose([...xs, forward, weights, backward]);
  return values;
}

const expected = new Map<string, Float32Array[]>();
beforeAll(async () => {
  await openDevice('cpu', devices);
  for (const [name, operation] of Object.entries(operations)) expected.set(name, await results(operation));
});

await describeOnDevices('operations', (device) => {
  guardLeaks();
  it.each(Object.entries(operations))('%s', async (name, operation) => {
    const [forward, backward] = await results(operation);
    const [expectedForward, expectedBackward] = expected.get(name) ?? [];
    expect(largestDifference(forward, expectedForward)).toBeLessThan(3e-5 * device().toleranceFactor);
    expect(largestDifference(backward, expectedBackward)).toBeLessThan(3e-5 * device().toleranceFactor);
  });

  it('says what it is', () => {
    expect(device().description).toMatch(/TensorFlow \d|WebGPU on |WebAssembly/);
  });
});

describe('switching', () => {
  it('carries tensors over to the next device', async () => {
    await openDevice('wasm', devices);
    const x = tf.tensor1d([1, 2, 3]);
    const doubled = tf.mul(x, 2);
    await openDevice('cpu', devices);
    const tripled = tf.mul(doubled, 3);
    expect(Array.from(await tripled.data())).toEqual([6, 12, 18]);
    tf.dispose([x, doubled, tripled]);
  });
});

/** Infinity where the lengths differ or a NaN is among the numbers. */
function largestDifference(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b || a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, value, i) => {
    const difference = Math.abs(value - (b[i] as number));
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }, 0);
}

afterAll(() => expect(tf.memory().numTensors).toBe(0));
