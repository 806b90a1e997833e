import { describe, expect, it } from 'vitest';
import { adamWStep, cosineRate, startAdamW } from '../../../../nodes/ml/train/adamW.ts';

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
  it('follows the update written out in plain numbers', () => {
    const state = startAdamW(Float32Array.of(1, -2));
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
      adamWStep(state, Float32Array.from(g), settings);
      expect(state.step).toBe(t);
    }
    for (const [name, expected] of Object.entries({ parameters: theta, m, v, average }))
      for (const [i, value] of state[name as 'm'].entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });

  it.each([
    { gradient: [30, 40], clipped: [0.6, 0.8] },
    { gradient: [0.3, 0.4], clipped: [0.3, 0.4] },
  ])('clips the gradient $gradient of norm 1 at most to $clipped', ({ gradient, clipped }) => {
    const state = startAdamW(Float32Array.of(0, 0));
    adamWStep(state, Float32Array.from(gradient), { ...settings, clipNorm: 1 });
    for (const i of [0, 1]) expect(state.m[i]! * 10).toBeCloseTo(clipped[i]!, 4);
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
