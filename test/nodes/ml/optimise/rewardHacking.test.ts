import { describe, expect, it } from 'vitest';
import { describeHacking, findRewardHacking } from '../../../../nodes/ml/optimise/rewardHacking.ts';
import { addWeighted, readWeights } from '../../../../nodes/ml/optimise/rewardWeights.ts';

const rising = [1, 2, 3, 4, 5, 6, 7, 8];
const settings = { patience: 3, tolerance: 0.1 };

describe('reward hacking', () => {
  it('is found where the watched reward falls while the optimised one rises', () => {
    const watched = [0, 1, 2, 3, 2.5, 2, 2, 1];
    expect(findRewardHacking(rising.slice(0, 6), watched.slice(0, 6), settings)).toBeUndefined(); // not yet
    const hacking = findRewardHacking(rising.slice(0, 7), watched.slice(0, 7), settings);
    expect(hacking).toEqual({ from: 3, to: 6, optimised: [4, 7], watched: [3, 2] });
    expect(describeHacking(hacking!, 'CLIP')).toBe(
      'The image may be exploiting its rewards: from evaluation 4 to 7 what is optimised rose from 4.000 to 7.000, while what is only watched (CLIP) fell from 3.000 to 2.000.',
    );
  });

  it('is not found where both rise, both fall, or the watched one only trembles', () => {
    const cases: [optimised: number[], watched: number[]][] = [
      [rising, rising],
      [[...rising].reverse(), [...rising].reverse()],
      [rising, [1, 1.05, 1, 1.02, 1, 1.01, 1, 1.02]],
      [rising, [1, 1, 1, 1, 1, 1, 1, 1]],
      [rising, [0, 0, 0, 0, 0, 0, 5, 0]], // one low value since the peak
      [rising, [0, 0, 5, 0, 0, 0, 0, 5]], // back at the peak
      [[], []],
    ];
    for (const [optimised, watched] of cases) expect(findRewardHacking(optimised, watched, settings)).toBeUndefined();
  });
});

describe('the weighted total', () => {
  it('counts each score by its reward’s weight, 1 where it has none', () => {
    const weights = readWeights([{ weight: 5 }, {}, { weight: 0.01 }]);
    expect(weights).toEqual([5, 1, 0.01]);
    expect(addWeighted([0.3, -2, 40], weights)).toBeCloseTo(1.5 - 2 + 0.4);
  });
});
