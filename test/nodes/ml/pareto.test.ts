import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  balance,
  crowdingDistance,
  dominates,
  hypervolume,
  nonDominated,
  type Point,
  sparsity,
} from '../../../nodes/ml/pareto.ts';

const seeded = { seed: 20_401, numRuns: 200 };
/** Up to 12 points on a grid of 0..5 in 1 to 5 objectives: small whole numbers make ties and repetitions common. */
const grids = fc
  .integer({ min: 1, max: 5 })
  .chain((k) => fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: k, maxLength: k }), { maxLength: 12 }));
const texts = (points: readonly Point[]) => points.map((point) => point.join()).sort();

describe('the non-dominated set', () => {
  it('keeps no dominated point, and drops only what a kept one dominates', () => {
    fc.assert(
      fc.property(grids, (points) => {
        const kept = nonDominated(points);
        for (const i of kept) expect(points.some((other) => dominates(other, points[i]!))).toBe(false);
        for (const i of points.keys())
          if (!kept.includes(i)) expect(kept.some((k) => dominates(points[k]!, points[i]!))).toBe(true);
      }),
      seeded,
    );
  });

  it('does not depend on the order of the points, and is the non-dominated set of itself', () => {
    fc.assert(
      fc.property(grids, fc.infiniteStream(fc.nat()), (points, keys) => {
        const front = nonDominated(points).map((i) => points[i]!);
        const shuffled = points.map((point) => ({ point, key: keys.next().value! })).sort((a, b) => a.key - b.key);
        const other = shuffled.map(({ point }) => point);
        expect(texts(nonDominated(other).map((i) => other[i]!))).toEqual(texts(front));
        expect(nonDominated(front)).toEqual([...front.keys()]);
      }),
      seeded,
    );
  });
});

describe('the hypervolume', () => {
  /** How many unit cells of the grid some point dominates. */
  function countCells(points: readonly Point[], reference: Point): number {
    let count = 0;
    for (let cell = 0; cell < 6 ** reference.length; cell++) {
      const corner = reference.map((low, k) => low + (Math.floor(cell / 6 ** k) % 6) + 1);
      if (points.some((point) => point.every((value, k) => value >= corner[k]!))) count++;
    }
    return count;
  }

  it('equals a count of cells in up to five objectives', () => {
    fc.assert(
      fc.property(grids, fc.integer({ min: -1, max: 2 }), (points, low) => {
        const reference = (points[0] ?? [0]).map(() => low);
        expect(hypervolume(points, reference)).toBe(countCells(points, reference));
      }),
      seeded,
    );
  });

  it('grows with the points, and is that of the front alone', () => {
    const reals = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    );
    fc.assert(
      fc.property(reals, (points) => {
        const all = hypervolume(points, [0, 0]);
        expect(hypervolume(points.slice(1), [0, 0])).toBeLessThanOrEqual(all + 1e-12);
        const front = nonDominated(points).map((i) => points[i]!);
        expect(hypervolume(front, [0, 0])).toBeCloseTo(all, 12);
        const stairs = front.sort((a, b) => b[0]! - a[0]!);
        const area = stairs.reduce((sum, [x, y], i) => sum + x! * Math.max(0, y! - (stairs[i - 1]?.[1] ?? 0)), 0);
        expect(area).toBeCloseTo(all, 9); // two objectives: a staircase
      }),
      seeded,
    );
  });
});

describe('measures of a front', () => {
  const front = [
    [0, 10],
    [1, 9],
    [4, 4],
    [10, 0],
  ];

  it('gives the room around a point, infinite at the ends', () => {
    expect(crowdingDistance(front)).toEqual([Infinity, 4 / 10 + 6 / 10, 9 / 10 + 9 / 10, Infinity]);
    expect(crowdingDistance([[3, 3]])).toEqual([Infinity]);
    const flat = [0, 4, 10].map((x) => [x, 7]); // the second objective is the same for all
    expect(crowdingDistance(flat)).toEqual([Infinity, 1, Infinity]);
    expect(crowdingDistance([])).toEqual([]);
  });

  it('finds the most balanced point, whatever the units', () => {
    expect(balance(front)).toEqual([0, 0.1, 0.4, 0]);
    expect(balance(front.map(([a, b]) => [a! * 1000, b!, 7]))).toEqual([0, 0.1, 0.4, 0]);
    expect(balance([[2, 3]])).toEqual([1]);
  });

  it('gives the mean squared gap', () => {
    expect(sparsity(front)).toBeCloseTo((1 + 9 + 36 + 1 + 25 + 16) / 3, 12);
    expect(sparsity([[1, 2]])).toBe(0);
  });
});
