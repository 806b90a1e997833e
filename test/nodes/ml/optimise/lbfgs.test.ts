import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { descent, lbfgs } from '../../../../nodes/ml/optimise/lbfgs.ts';
import { dot, type Evaluated, type PointSearch, strongWolfe } from '../../../../nodes/ml/optimise/strongWolfe.ts';

type Objective = (x: Float64Array) => Evaluated;

const rosenbrock: Objective = ([x = 0, y = 0]) => ({
  value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
  gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
});

/** Answers a search until it ends or has asked `limit` times; gives its result and all it asked. */
function answer<Result>(search: PointSearch<Result>, objective: Objective, limit: number) {
  const asked: Float64Array[] = [];
  let step = search.next();
  while (!step.done && asked.length < limit) {
    asked.push(step.value);
    step = search.next(objective(step.value));
  }
  return { asked, result: step.done ? step.value : undefined };
}

describe('strongWolfe', () => {
  it('finds a point that meets both conditions, on random lines of a curved valley', () => {
    const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, fc.double({ min: -4, max: 4, noNaN: true }), (x, y, exponent) => {
        const from = Float64Array.of(x, y);
        const start = rosenbrock(from);
        const slope = -dot(start.gradient, start.gradient);
        fc.pre(slope < -1e-6);
        const direction = start.gradient.map((value) => -value);
        const { result } = answer(strongWolfe(from, start, direction, 10 ** exponent / -slope, 60), rosenbrock, 60);
        expect(result).toBeDefined();
        const t = (result!.point[0]! - x) / direction[0]! || (result!.point[1]! - y) / direction[1]!;
        expect(result!.value).toBeLessThanOrEqual(start.value + 1e-4 * t * slope + 1e-9 * start.value);
        expect(Math.abs(dot(result!.gradient, direction))).toBeLessThanOrEqual(-0.9 * slope + 1e-9);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('steps back from where the value is no number', () => {
    const bounded: Objective = ([x = 0]) => ({
      value: x > 1 ? Number.NaN : (x - 0.9) ** 2,
      gradient: Float64Array.of(2 * (x - 0.9)),
    });
    const origin = Float64Array.of(0);
    const { result } = answer(strongWolfe(origin, bounded(origin), Float64Array.of(1), 50), bounded, 10);
    expect(result!.value).toBeLessThan(0.81);
  });
});

describe('lbfgs', () => {
  // numpy: H = gamma I, then H = V' H V + rho s s' with V = I - rho y s' for both pairs; -H g.
  it('has the direction of the BFGS formula written out as matrices', () => {
    const s = [Float64Array.of(1, 0, -1), Float64Array.of(0.5, 2, 1)];
    const matrix = [
      [3, 1, 0],
      [1, 2, 0.5],
      [0, 0.5, 1],
    ];
    const pairs = s.map((step) => {
      const y = Float64Array.from(matrix, (row) => dot(Float64Array.from(row), step));
      return { s: step, y, rho: 1 / dot(step, y) };
    });
    const direction = descent(Float64Array.of(1, -2, 0.5), pairs);
    for (const [i, value] of [-0.31240702, 0.84601584, -0.06832731].entries())
      expect(direction[i]).toBeCloseTo(value, 7);
  });

  it('finds the bottom of Rosenbrock’s valley in fewer than 80 evaluations', () => {
    const search = lbfgs(Float64Array.of(-1.2, 1), { history: 3, firstStep: 0.5 });
    const { asked } = answer(search, rosenbrock, 80);
    const best = asked.reduce((a, b) => (rosenbrock(b).value < rosenbrock(a).value ? b : a));
    expect(best[0]).toBeCloseTo(1, 4);
    expect(best[1]).toBeCloseTo(1, 4);
  });

  it('begins with a step of the length it was told, and ends where the gradient is 0', () => {
    const bowl: Objective = (x) => ({ value: dot(x, x), gradient: x.map((value) => 2 * value) });
    const { asked } = answer(lbfgs(Float64Array.of(3, 4), { history: 3, firstStep: 0.5 }), bowl, 100);
    expect(Math.hypot(asked[1]![0]! - 3, asked[1]![1]! - 4)).toBeCloseTo(0.5);
    expect(asked.length).toBeLessThan(20);
    const flat = answer(lbfgs(Float64Array.of(0, 0), { history: 3, firstStep: 0.5 }), bowl, 100);
    expect(flat.asked).toHaveLength(1);
  });
});
