import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../nodes/ml/random.ts';
import { pairedBootstrap } from './pairedBootstrap.ts';

describe('the paired bootstrap', () => {
  it('has no width where all differences are equal, and weighs strata equally', () => {
    expect(
      pairedBootstrap([
        [0.5, 0.5],
        [0.5, 0.5],
      ]),
    ).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
    expect(
      pairedBootstrap([
        [1, 1, 1, 1],
        [0, 0],
      ]).mean,
    ).toBe(0.5);
  });

  it('gives no interval where a stratum has one pair', () => {
    expect(pairedBootstrap([[1, 0], [0]])).toEqual({ mean: 0.25 });
  });

  it('covers the true mean as often as it says', () => {
    const random = randomStream(3);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const strata = Array.from({ length: 6 }, () => Array.from({ length: 12 }, () => 0.2 + random.normal()));
      const { low, high } = pairedBootstrap(strata, 300, trial);
      if (low! <= 0.2 && 0.2 <= high!) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.88);
    expect(covered / 200).toBeLessThan(0.99);
  });
});
