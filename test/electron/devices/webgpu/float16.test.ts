import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { beforeEach, describe, expect, it } from 'vitest';
import { devices } from '../../../../electron/devices/devices.ts';
import { openDevice } from '../../../../nodes/ml/device.ts';
import { conv2d } from '../../../../nodes/ml/nn/conv2d.ts';
import { embedding } from '../../../../nodes/ml/nn/embedding.ts';
import { linear } from '../../../../nodes/ml/nn/linear.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { loadWeights } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose } from '../../../support/closeness.ts';
import { guardLeaks } from '../../../support/devices.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const opened = await openDevice('webgpu', devices).catch((error: Error) => error);
const isRequired = process.env.NOISELOOM_REQUIRE?.split(',').includes('webgpu') ?? false;

/** Numbers that float16 holds exactly, and the tensor of a file in that or in float32. */
const numberAt = (i: number) => (((i * 7919) % 2001) - 1000) / 4096;
async function load(dtype: 'F16' | 'F32', shape: number[]): Promise<tf.Tensor> {
  const values = Float32Array.from({ length: shape.reduce((product, length) => product * length) }, (_, i) =>
    numberAt(i),
  );
  const file = writeSafetensors(new Map([['weight', { dtype, shape, values }]]));
  const checkpoint = await openCheckpoint(memoryFiles({ 'a.safetensors': file }), 'a.safetensors');
  return (await loadWeights(checkpoint)).get('weight') as tf.Tensor;
}

describe.skipIf(opened instanceof Error && !isRequired)('16-bit weights on WebGPU', () => {
  beforeEach(async () => {
    await openDevice('webgpu', devices); // throws the reason where it is required and absent
  });
  guardLeaks();
  const bytes = () => {
    const gpu = tf.backend() as WebGPUBackend;
    gpu.ensureCommandEncoderReady();
    gpu.endComputePassEncoder();
    gpu.submitQueue();
    return gpu.memory().numBytesInGPU;
  };

  it.each([
    ['a linear layer', [300, 400], (w: tf.Tensor) => linear(tf.randomNormal([3, 400], 0, 1, 'float32', 1), of(w))],
    [
      'a convolution',
      [96, 80, 3, 3],
      (w: tf.Tensor) =>
        conv2d(tf.randomNormal([1, 6, 5, 80], 0, 1, 'float32', 2) as tf.Tensor4D, of(w), { padding: 1 }),
    ],
    ['an embedding', [1000, 77], (w: tf.Tensor) => embedding(tf.tensor1d([0, 999, 5], 'int32'), of(w))],
    ['plain arithmetic', [70_001], (w: tf.Tensor) => tf.square(w)],
  ] as [string, number[], (weight: tf.Tensor) => tf.Tensor][])(
    '%s takes half of the memory, and computes the same with its gradient',
    async (_, shape, apply) => {
      const before = bytes();
      const half = await load('F16', shape);
      const after = bytes();
      const whole = await load('F32', shape);
      try {
        expect((after - before) / (bytes() - after)).toBeCloseTo(0.5, 2);
        await expectClose(() => [
          [apply(half), apply(whole), 1e-6],
          [tf.grad(apply)(half), tf.grad(apply)(whole), 1e-6],
          [tf.reshape(half, [-1]), tf.reshape(whole, [-1]), 1e-9],
        ]);
        expect(await half.data()).toEqual(await whole.data());
        expect(bytes() - before).toBeCloseTo(6 * half.size, -2); // and nothing is left of the copies
      } finally {
        tf.dispose([half, whole]);
      }
      expect(bytes()).toBe(before);
    },
  );
});

function of(weight: tf.Tensor) {
  return weightsOf(new Map([['weight', weight]]));
}
