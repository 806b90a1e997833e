import { expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { dispose, tensor1d } from '../../../../nodes/ml/tf.ts';
import { adamWStep, startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, fromDevice, stepOnDevice, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { parameterCount } from '../../../../nodes/ml/train/flatParameters.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { parametersOf } from '../../../support/parametersOf.ts';

const settings = {
  learningRate: 0.1,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 40,
  averageDecay: 0.5,
};

await describeOnDevices('AdamW', () => {
  guardLeaks();

  it('steps as in plain numbers, with gradients that are clipped and ones that are not', async () => {
    const random = randomStream(5);
    const layout = [[3, 3, 7, 5], [100_000], [1], [4, 25]].map((shape, i) => ({ name: String(i), shape }));
    const draw = () => Float32Array.from({ length: parameterCount(layout) }, random.normal);
    const expected = startAdamW(draw());
    const state = toDevice(expected, layout);
    for (const size of [1, 0.1, 3]) {
      const gradient = draw().map((value) => size * value);
      const onDevice = parametersOf(gradient, layout);
      stepOnDevice(state, onDevice, settings);
      dispose(onDevice);
      adamWStep(expected, gradient, settings);
    }
    const got = await fromDevice(state);
    expect(got.step).toBe(3);
    for (const name of ['parameters', 'm', 'v', 'average'] as const) {
      const apart = got[name].map((value, i) => Math.abs(value - expected[name][i]!));
      expect(Math.max(...apart.slice(0, 50_000), ...apart.slice(50_000)), name).toBeLessThan(2e-6);
    }
    disposeAdamW(state);
  });

  it('leaves the state that it began with alone', async () => {
    const start = startAdamW(Float32Array.of(1, -2));
    const state = toDevice(start, [{ name: 'a', shape: [2] }]);
    const gradient = tensor1d([3, 4]);
    stepOnDevice(state, [gradient], settings);
    gradient.dispose();
    expect(start.step).toBe(0);
    for (const values of [start.parameters, start.average]) expect([...values]).toEqual([1, -2]);
    disposeAdamW(state);
  });

  it('leaves the state as it was where a step fails', async () => {
    const layout = ['a', 'b'].map((name) => ({ name, shape: [2] }));
    const state = toDevice(startAdamW(Float32Array.of(1, -2, 3, 4)), layout);
    const before = { ...state };
    const gradient = tensor1d([3, 4]);
    expect(() => stepOnDevice(state, [gradient], settings)).toThrow();
    expect(state).toEqual(before);
    expect([...(await fromDevice(state)).parameters]).toEqual([1, -2, 3, 4]);
    gradient.dispose();
    disposeAdamW(state);
  });
});
