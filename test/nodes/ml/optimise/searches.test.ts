import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarseGrid, spread } from '../../../../nodes/ml/optimise/coarseNoise.ts';
import type { NoiseSearch } from '../../../../nodes/ml/optimise/noiseSearch.ts';
import { population } from '../../../../nodes/ml/optimise/population.ts';
import { type RankSgdSettings, rankSgd, rankWeights } from '../../../../nodes/ml/optimise/rankSgd.ts';
import { spsa, spsaSteps } from '../../../../nodes/ml/optimise/spsa.ts';
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
  const settings: RankSgdSettings = {
    ...{ seed: 3, rounds: 40, queries: 6, ranked: 3, smoothing: 0.1 },
    ...{ step: 'length', stepSize: 0.5, sphere: false },
  };

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

  const paper: RankSgdSettings = { ...settings, step: 'estimate', stepSize: 2, sphere: true };

  it("ascends by the paper's step, which asks for two points fewer, on the sphere of noise", () => {
    const first = (noise: Float32Array) => noise[0]!; // best on the sphere at sqrt(d)
    const { totals, asked } = run(rankSgd(normalLatents(1, [4, 4, 1]), paper), first);
    expect(totals.map((round) => round.length)).toEqual([1, ...Array.from({ length: 80 }, (_, i) => (i % 2 ? 4 : 6))]);
    expect(totals.at(-2)!.reduce((sum, total) => sum + total, 0) / 6).toBeGreaterThan(0.8 * 4);
    const centre = asked.at(-2)![0]!.map((_, i) => asked.at(-2)!.reduce((sum, noise) => sum + noise[i]!, 0) / 6);
    const length = Math.sqrt(centre.reduce((sum, x) => sum + x * x, 0));
    expect(Math.abs(length - 4)).toBeLessThan(0.3); // the mean of six queries at 0.1 deviations around it
  });

  it('shortens its steps as the mean of estimates does where nothing is better', () => {
    // Scores that rank at random, and never beat the first.
    let calls = 0;
    const { asked } = run(rankSgd(new Float32Array(16), { ...paper, rounds: 20 }), () =>
      calls++ === 0 ? 1 : -Math.abs(Math.sin(calls * 12.9)),
    );
    const lengths = asked.flatMap((noises, i) => (i > 0 && i % 2 === 0 ? [Math.hypot(...noises[0]!)] : []));
    expect(lengths.at(-1)!).toBeLessThan(0.5 * lengths[0]!);
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
  const plain = {
    ...{ seed: 2, stepSize: 0.3, perturbation: 0.1, momentum: 0.9 },
    ...{ offset: 1, stepDecay: 0.4, perturbationDecay: 0.1, sphere: 0 },
  };

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
    const settings = { ...plain, iterations: 60, pairs: 5 };
    const { totals } = run(spsa(new Float32Array(16), coarseGrid([4, 4, 1], 2), settings), nearOnes);
    expect(totals).toHaveLength(61);
    expect(totals[0]).toHaveLength(10);
    expect(totals.at(-1)![0]).toBeGreaterThan(-0.05);
  });

  it('keeps noise at its length where it is pulled there', () => {
    const start = normalLatents(1, [4, 4, 1]);
    const lengthsOf = (sphere: number) => {
      const { asked } = run(
        spsa(start, coarseGrid([4, 4, 1], 2), { ...plain, sphere, iterations: 20, pairs: 2 }),
        (noise) => noise[0]!,
      );
      return asked.flat().map((noise) => Math.hypot(...noise));
    };
    for (const length of lengthsOf(1)) expect(length).toBeCloseTo(4, 4);
    const [free, half] = [lengthsOf(0).at(-1)!, lengthsOf(0.5).at(-1)!];
    expect(Math.abs(free - 4)).toBeGreaterThan(0.1);
    expect(Math.abs(half - 4)).toBeLessThan(Math.abs(free - 4));
  });

  it('says so where rewards differ by rounding alone, and only then', () => {
    const remarksOf = (reward: (noise: Float32Array) => number) => {
      const remarks: (string | undefined)[] = [];
      const search = spsa(new Float32Array(16), coarseGrid([4, 4, 1], 2), { ...plain, iterations: 3, pairs: 2 });
      for (let ask = search.next([]); !ask.done; ask = search.next(ask.value.queries.map(({ noise }) => reward(noise))))
        remarks.push(ask.value.remark);
      return remarks;
    };
    expect(remarksOf((noise) => 100 + 1e-6 * noise[0]!)).toEqual([
      undefined,
      ...[1, 2, 3].map(() => expect.stringContaining('less than a millionth')),
    ]);
    expect(remarksOf(nearOnes)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('shrinks steps and perturbations by its exponents', () => {
    const schedule = { stepSize: 0.5, perturbation: 0.2, offset: 3, stepDecay: 0.5, perturbationDecay: 2 };
    expect(spsaSteps(1, schedule)).toEqual({ a: 0.25, c: 0.2 });
    expect(spsaSteps(2, schedule).c).toBeCloseTo(0.05, 12);
    expect(spsaSteps(9, { ...schedule, stepDecay: 0, perturbationDecay: 0 })).toEqual({ a: 0.5, c: 0.2 });
  });

  it('steps along the slope of the first pair exactly', () => {
    const settings = { ...plain, iterations: 1, pairs: 1 };
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
