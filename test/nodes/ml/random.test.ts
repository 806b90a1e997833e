import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { latentNoise, noiseSource, randomStream } from '../../../nodes/ml/random.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';

beforeAll(openTestDevice);
guardLeaks();

const close = (got: ArrayLike<number>, expected: readonly number[]) => {
  expect(got.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 5);
};

describe('noiseSource is torch.manual_seed and torch.randn on CPU', () => {
  // python: torch.manual_seed(0); torch.randn(3)
  it('below 16 numbers', () => close(noiseSource(0)(3), [1.5409961, -0.2934289, -2.1787894]));

  // python: torch.manual_seed(0); torch.randn(4, 4)
  it('16 numbers', () => {
    const values = noiseSource(0)(16);
    close(values.subarray(0, 4), [-1.1258398, -1.1523602, -0.2505786, -0.4338788]);
    for (const [i, rounded] of [0.1198, 1.2377, 1.1168, -0.2473].entries()) {
      expect(values[12 + i]).toBeCloseTo(rounded, 4);
    }
  });

  // python: torch.manual_seed(2**40 + 3); torch.randn(20): a tail, and a seed of which the low 32 bits count
  it('a number of values that is no multiple of 16', () => {
    const values = noiseSource(2 ** 40 + 3)(20);
    close(values.subarray(0, 5), [-0.07664429, 0.35988152, -0.78201681, 0.07152773, 1.04602277]);
    close(values.subarray(16), [0.48511401, 0.20523438, 0.33842819, 1.352754]);
    expect(noiseSource(3)(20)).toEqual(values);
  });

  // python: torch.manual_seed(7); torch.randn(1, 2, 2, 3) twice
  it('successive draws', () => {
    const draw = noiseSource(7);
    close(draw(12).subarray(0, 3), [-0.14679509, 0.78614128, 0.94682163]);
    close(draw(12).subarray(0, 3), [0.13732409, 0.24054612, 1.3954508]);
  });

  // python: torch.manual_seed(0); n = torch.randn(4, 64, 64).flatten(); n[[777, 16383]], n.double().sum()
  it('latents of a 512 px image', () => {
    const values = noiseSource(0)(4 * 64 * 64);
    close([values[777] ?? 0, values[16383] ?? 0], [0.8951973, -1.078208]);
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(-124.1127, 2);
  });
});

describe('latentNoise', () => {
  it('draws each image from its own seed in channel order and turns it to NHWC', async () => {
    const noise = latentNoise([7, 8], [2, 3, 2]);
    const values = await noise.data();
    const drawn = noiseSource(7)(12);
    const place = (y: number, x: number, c: number) => (y * 3 + x) * 2 + c;
    expect(noise.shape).toEqual([2, 2, 3, 2]);
    for (const [y, x, c] of [
      [0, 0, 0],
      [0, 1, 0],
      [1, 2, 1],
      [0, 0, 1],
    ] as const) {
      expect(values[place(y, x, c)]).toBe(drawn[(c * 2 + y) * 3 + x]);
    }
    const alone = latentNoise([8], [2, 3, 2]);
    expect(values.slice(12)).toEqual(await alone.data());
    noise.dispose();
    alone.dispose();
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => latentNoise([seed], [1, 1, 1])).toThrow(/whole number/);
  });
});

describe('randomStream', () => {
  it('repeats itself, stays in range and shuffles', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, below) => {
        const [random, again] = [randomStream(seed), randomStream(seed)];
        const whole = random.integer(below);
        expect(again.integer(below)).toBe(whole);
        expect(whole >= 0 && whole < below && Number.isInteger(whole)).toBe(true);
        const items = Array.from({ length: below }, (_, i) => i);
        expect(random.shuffle(items).sort((a, b) => a - b)).toEqual(items);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('draws uniforms and normals of the right moments', () => {
    const random = randomStream(5);
    const count = 40_000;
    const uniforms = Array.from({ length: count }, random.uniform);
    const normals = Array.from({ length: count }, random.normal);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(uniforms)).toBeCloseTo(0.5, 2);
    expect(mean(uniforms.map((u) => (u - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(normals))).toBeLessThan(0.02);
    expect(mean(normals.map((n) => n ** 2))).toBeCloseTo(1, 1);
    expect(mean(normals.map((n) => n ** 4))).toBeCloseTo(3, 0);
  });
});
