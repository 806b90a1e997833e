import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseRewards, type RewardHistory } from '../../../../nodes/ml/preference/advantages.ts';
import { implicitAccuracy, rankingAccuracy, winRate } from '../../../../nodes/ml/preference/metrics.ts';
import { shareWon } from '../../../../nodes/ml/preference/rankDpo.ts';
import { selectPair } from '../../../../nodes/ml/preference/selectPair.ts';

const scores = fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 4, maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

describe('the share of comparisons won', () => {
  it('has the mean 1/2, lies in [0, 1], and does not change with the scale of a reward', () => {
    fc.assert(
      fc.property(scores, (rows) => {
        const phi = shareWon(rows);
        expect(phi.reduce((sum, each) => sum + each, 0)).toBeCloseTo(2, 9);
        expect(phi.every((each) => each >= 0 && each <= 1)).toBe(true);
        expect(shareWon(rows.map((row) => row.map((score) => 10 * score + 3)))).toEqual(phi);
      }),
      { numRuns: 100, seed: 3 },
    );
    expect(shareWon([[1, 2, 2]])).toEqual([0, 0.75, 0.75]);
  });
});

describe('the pair of a step', () => {
  it('is the best and the worst candidate, the first of equals, where they differ enough', () => {
    expect(selectPair([1, 3, -2, 3], 0.8)).toEqual({ best: 1, worst: 2, differs: true });
    expect(selectPair([1, 1.2, 0.9], 0.3)).toMatchObject({ best: 1, worst: 2, differs: false });
    expect(selectPair([5, 5], 0)).toMatchObject({ differs: false });
  });
});

describe('normalised rewards', () => {
  it('are of the batch at first, then of what the prompt gave last', () => {
    const history: RewardHistory = new Map();
    const settings = { size: 4, minCount: 3 };
    const first = normaliseRewards(history, ['a', 'a', 'b'], [1, 3, 5], settings);
    const deviation = Math.sqrt(8 / 3);
    expect(first).toEqual([1, 3, 5].map((each) => expect.closeTo((each - 3) / deviation, 4)));
    const [second] = normaliseRewards(history, ['a'], [5], settings); // 1, 3, 5 of its own
    expect(second).toBeCloseTo(2 / deviation, 4);
    normaliseRewards(history, ['a', 'a'], [7, 9], settings);
    expect(history.get('a')).toEqual([3, 5, 7, 9]);
    expect(normaliseRewards(new Map(), ['c', 'c'], [2, 2], settings)).toEqual([0, 0]);
  });
});

describe('metrics', () => {
  it('count ties half in accuracy by margins, and for the winner in accuracy by errors', () => {
    expect(implicitAccuracy([1, 0, -1, 2], [0, 0, 1, 1])).toBe(0.625);
    expect(rankingAccuracy([0.1, 0.2, 0.3], [0.2, 0.2, 0.1])).toBeCloseTo(2 / 3, 9);
  });

  it("give Wilson's interval, which stays inside [0, 1] and narrows with more comparisons", () => {
    const of = (won: number, n: number) => winRate(Array.from({ length: n }, (_, i) => Number(i < won)));
    expect(of(8, 10)).toEqual({ rate: 0.8, low: expect.closeTo(0.4902, 4), high: expect.closeTo(0.9433, 4) });
    expect(of(10, 10).high).toBeCloseTo(1, 9);
    expect(of(0, 10).low).toBeCloseTo(0, 9);
    expect(of(200, 400).high - of(200, 400).low).toBeLessThan(0.1);
  });
});
