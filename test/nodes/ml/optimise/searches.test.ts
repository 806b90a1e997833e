import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarseGrid, spread } from '../../../../nodes/ml/optimise/coarseNoise.ts';
import type { NoiseSearch } from '../../../../nodes/ml/optimise/noiseSearch.ts';
import { population } from '../../../../nodes/ml/optimise/population.ts';
import { type RankSgdSettings, rankSgd, rankWeights } from '../../../../nodes/ml/optimise/rankSgd.ts';
import { spsa } from '../../../../nodes/ml/optimise/spsa.ts';
import { normalLatents } from '../../../../nodes/ml/random.ts';

/** Runs a search on a reward of the noise. */
function run(search: NoiseSearch, reward: (noise: Float32Array) => number) {
  const totals: number[][] = [];
  const asked: Float32Array[][] = [];
  for (let ask = search.next([]); !ask.done; ) {
    asked.push(ask.value.queries.map(({ noise }) => noise));
    totals.push(asked.at(-1)!.map(reward));
    ask = search.next(totals.at(-1)!);
  }
  return { totals, asked };
}
/** -|z - 1|^2 / d: 0 at best, -1 at z = 0. */
const nearOnes = (noise: Float32Array) => -noise.reduce((sum, z) => sum + (z - 1) ** 2, 0) / noise.length;

describe('ZO-RankSGD', () => {
  const settings: RankSgdSettings = { seed: 3, rounds: 40, queries: 6, ranked: 3, smoothing: 0.1, stepSize: 0.5 };

  it('ascends by ranks alone', () => {
    const { totals, asked } = run(rankSgd(new Float32Array(16), settings), nearOnes);
    expect(Math.max(...totals.flat())).toBeGreaterThan(-0.2);
    expect(totals.map((round) => round.length)).toEqual([1, ...new Array(80).fill(6)]);
    const scaled = run(rankSgd(new Float32Array(16), settings), (noise) => Math.exp(5 * nearOnes(noise)) - 100);
    expect(scaled.asked.map((round) => round.map((noise) => [...noise]))).toEqual(
      asked.map((round) => round.map((noise) => [...noise])),
    );
  });

  it('never goes to a worse place', () => {
    const { totals, asked } = run(rankSgd(new Float32Array(16), settings), nearOnes);
    let best = totals[0]![0]!;
    for (let round = 1; round < totals.length; round += 2) {
      const centre = asked[round]![0]!.map((_, i) => asked[round]!.reduce((sum, noise) => sum + noise[i]!, 0) / 6);
      expect(nearOnes(centre)).toBeGreaterThan(best - 0.1); // queries lie around the best so far
      best = Math.max(best, ...totals[round]!, ...totals[round + 1]!);
    }
  });

  it('weighs each known pair once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (m, some) => {
        const k = 1 + (some % (m - 1));
        const expected = new Array<number>(m).fill(0);
        let pairs = 0;
        for (let better = 0; better < k; better++)
          for (let worse = better + 1; worse < m; worse++) {
            expected[better]!++;
            expected[worse]!--;
            pairs++;
          }
        rankWeights(m, k).forEach((weight, i) => {
          expect(weight).toBeCloseTo(expected[i]! / pairs, 12);
        });
      }),
      { seed: 8 },
    );
  });
});

describe('SPSA', () => {
  it('moves blocks of noise together', () => {
    const coarse = coarseGrid([3, 4, 2], 2);
    expect(coarse.size).toBe(2 * 2 * 2);
    const moved = spread(
      new Float32Array(24),
      Float32Array.from({ length: 8 }, (_, i) => i),
      coarse,
    );
    const plane = (channel: number) => [...moved].filter((_, i) => i % 2 === channel);
    expect(plane(0)).toEqual([0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 6, 6]);
    expect(plane(1)).toEqual([1, 1, 3, 3, 1, 1, 3, 3, 5, 5, 7, 7]);
  });

  it('ascends a gradient that it estimates from scores alone', () => {
    const settings = { seed: 2, iterations: 60, pairs: 5, stepSize: 0.3, perturbation: 0.1, momentum: 0.9 };
    const { totals } = run(spsa(new Float32Array(16), coarseGrid([4, 4, 1], 2), settings), nearOnes);
    expect(totals).toHaveLength(61);
    expect(totals[0]).toHaveLength(10);
    expect(totals.at(-1)![0]).toBeGreaterThan(-0.05);
  });

  it('steps along the slope of the first pair exactly', () => {
    const settings = { seed: 2, iterations: 1, pairs: 1, stepSize: 0.3, perturbation: 0.1, momentum: 0.9 };
    const { totals, asked } = run(spsa(new Float32Array(2), coarseGrid([1, 2, 1], 1), settings), nearOnes);
    const [up, down] = asked[0]!;
    const a = 0.3 / 2 ** 0.4;
    for (const i of [0, 1]) {
      const slope = (totals[0]![0]! - totals[0]![1]!) / (up![i]! - down![i]!);
      expect(Math.abs(up![i]!)).toBeGreaterThan(0.049);
      expect(asked[1]![0]![i]).toBeCloseTo(a * 1.9 * slope, 4);
    }
  });
});

describe('a population', () => {
  const settings = { seed: 5, rounds: 30, members: 8, reach: 0.3, interval: 3 };
  const startOf = (seed: number) => normalLatents(seed, [4, 4, 4]);

  it('ascends, and asks for each member in each round', () => {
    const { totals, asked } = run(population(startOf, settings), nearOnes);
    expect(totals.map((round) => round.length)).toEqual(new Array(31).fill(8));
    expect(asked[0]).toEqual(Array.from({ length: 8 }, (_, i) => startOf(5 + i)));
    const [first, last] = [totals[0]!, totals.at(-1)!].map((round) => Math.max(...round));
    expect(last! - first!).toBeGreaterThan(0.3);
  });

  it('keeps noise as long as noise is where nothing is better than anything else', () => {
    const { asked } = run(population(startOf, { ...settings, reach: 1 }), (noise) => noise[0]!);
    for (const noise of asked.at(-1)!) {
      const power = noise.slice(1).reduce((sum, z) => sum + z * z, 0) / (noise.length - 1);
      expect(Math.abs(power - 1)).toBeLessThan(0.6); // 3.4 deviations of the mean of 63 squares
    }
  });

  it('lets the worst quarter take over from the best, and nobody else', () => {
    // No move is ever better than where a member is, so that members differ by where they began alone.
    const began = new Map(Array.from({ length: 8 }, (_, i) => [startOf(5 + i).join(), i]));
    const worth = (noise: Float32Array) => began.get(noise.join()) ?? -1;
    const near = (a: Float32Array, b: Float32Array) => a.reduce((sum, z, i) => sum + (z - b[i]!) ** 2, 0) / a.length;
    const { asked } = run(population(startOf, { ...settings, reach: 0.02, interval: 1, rounds: 2 }), worth);
    const parents = asked[2]!.map((noise) => {
      const distances = asked[0]!.map((start) => near(noise, start));
      return distances.indexOf(Math.min(...distances));
    });
    expect(parents.slice(2)).toEqual([2, 3, 4, 5, 6, 7]);
    for (const parent of parents.slice(0, 2)) expect([6, 7]).toContain(parent);
  });
});
