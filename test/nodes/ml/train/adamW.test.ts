import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '../../../../nodes/ml/tf.ts';
import { adamWStep, cosineRate } from '../../../../nodes/ml/train/adamW.ts';
import { startState } from '../../../../nodes/ml/train/trainingState.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const settings = {
  learningRate: 0.1,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1e9,
  averageDecay: 0.5,
};

describe('adamWStep', () => {
  beforeAll(openTestDevice);
  guardLeaks();

  it('follows the update written out in plain numbers', async () => {
    let { optimiser: state } = startState(Float32Array.of(1, -2));
    let [theta, m, v, average] = [
      [1, -2],
      [0, 0],
      [0, 0],
      [1, -2],
    ];
    for (let t = 1; t <= 4; t++) {
      const g = [0.3 * t, -0.7];
      m = m.map((value, i) => 0.9 * value + 0.1 * g[i]!);
      v = v.map((value, i) => 0.99 * value + 0.01 * g[i]! ** 2);
      theta = theta.map((value, i) => {
        const direction = m[i]! / (1 - 0.9 ** t) / (Math.sqrt(v[i]! / (1 - 0.99 ** t)) + 1e-8);
        return value - 0.1 * (direction + 0.01 * value);
      });
      const decay = Math.min(0.5, (1 + t) / (10 + t));
      average = average.map((value, i) => decay * value + (1 - decay) * theta[i]!);
      const gradient = tf.tensor1d(g);
      const next = adamWStep(state, gradient, settings);
      tf.dispose([gradient, state.parameters, state.m, state.v, state.average]);
      state = next;
    }
    for (const [name, expected] of Object.entries({ parameters: theta, average }))
      for (const [i, value] of (await state[name as 'parameters'].data()).entries())
        expect(value).toBeCloseTo(expected[i]!, 5);
    tf.dispose([state.parameters, state.m, state.v, state.average]);
  });

  it('clips a long gradient to the norm and leaves a short one', async () => {
    for (const [g, expected] of [
      [
        [30, 40],
        [0.6, 0.8],
      ],
      [
        [0.3, 0.4],
        [0.3, 0.4],
      ],
    ] as const) {
      const { optimiser } = startState(Float32Array.of(0, 0));
      const gradient = tf.tensor1d([...g]);
      const next = adamWStep(optimiser, gradient, { ...settings, clipNorm: 1 });
      const m = await next.m.data();
      for (const i of [0, 1]) expect(m[i]! * 10).toBeCloseTo(expected[i]!, 4);
      for (const state of [optimiser, next]) tf.dispose([state.parameters, state.m, state.v, state.average]);
      gradient.dispose();
    }
  });
});

describe('cosineRate', () => {
  it('rises to 1 at the end of the warm-up and falls to the floor', () => {
    expect(cosineRate(0, 10, 100)).toBeCloseTo(0.1);
    expect(cosineRate(9, 10, 100)).toBeCloseTo(1);
    expect(cosineRate(55, 10, 100)).toBeCloseTo(0.51);
    expect(cosineRate(100, 10, 100)).toBeCloseTo(0.02);
  });
});
