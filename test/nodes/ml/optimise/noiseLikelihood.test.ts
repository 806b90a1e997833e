import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { likelihoodPenalty, noiseLikelihood } from '../../../../nodes/ml/optimise/noiseLikelihood.ts';
import { latentNoise, normalLatents, randomStream } from '../../../../nodes/ml/random.ts';
import { add, dispose, mul, tidy } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const LIKELY = 4 * Math.LN2; // all four bounds at their limits
const orders = [3, 4].map((seed) =>
  Int32Array.from(randomStream(seed).shuffle(Array.from({ length: 256 }, (_, i) => i))),
);

describe('the likelihood of noise', () => {
  it('has the gradient of its finite differences where noise is unlikely', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.constantFrom(0, 1, 2), (seed, subsample) => {
        const { normal } = randomStream(seed);
        const noise = Float32Array.from({ length: 256 }, (_, i) => 1.4 * normal() + 0.5 + 0.8 * Math.sin(i / 9));
        const { penalty, gradient } = noiseLikelihood(noise, orders, subsample);
        expect(penalty).toBeGreaterThan(LIKELY);
        for (const i of [0, 17, 255]) {
          const at = (step: number) =>
            noiseLikelihood(
              noise.map((x, j) => (j === i ? x + step : x)),
              orders,
              subsample,
            ).penalty;
          expect((at(2 ** -7) - at(-(2 ** -7))) / 2 ** -6).toBeCloseTo(gradient[i]!, 2);
        }
      }),
      { seed: 4, numRuns: 30 },
    );
  });

  it('says nothing of most white noise, and sees length, mean and patterns', () => {
    const found = Array.from({ length: 20 }, (_, seed) => noiseLikelihood(normalLatents(seed, [16, 16, 1]), orders));
    const silent = found.filter(({ gradient }) => gradient.every((x) => x === 0));
    expect(silent.length).toBeGreaterThan(4);
    for (const { penalty } of silent) expect(penalty).toBeCloseTo(LIKELY, 6);
    const white = normalLatents(5, [16, 16, 1]);
    const pairs = white.map((_, i) => white[i - (i % 2)]!); // each number twice
    for (const odd of [white.map((x) => 2 * x), white.map((x) => x + 1), pairs])
      expect(noiseLikelihood(odd, orders).penalty).toBeGreaterThan(LIKELY + 1);
  });

  it('is that of each row in the order of torch, the same at each call', async () => {
    const penalty = likelihoodPenalty();
    const noise = latentNoise([1, 2], [4, 4, 4]);
    const long = tidy(() => add(mul(noise, 2), 0.5));
    const [first, again] = [await penalty(long), await penalty(long)];
    expect(first.penalty.shape).toEqual([2]);
    expect(first.gradient.shape).toEqual([2, 4, 4, 4]);
    expect([...(await first.penalty.data())]).toEqual([...(await again.penalty.data())]);
    const gradient = await first.gradient.data();
    expect(Math.max(...gradient)).toBeGreaterThan(0.01);
    dispose([noise, long, ...Object.values(first), ...Object.values(again)]);
  });
});
