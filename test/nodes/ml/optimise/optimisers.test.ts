import { beforeAll, describe, expect, it } from 'vitest';
import { adam } from '../../../../nodes/ml/optimise/adam.ts';
import { clipByNorm } from '../../../../nodes/ml/optimise/clipByNorm.ts';
import type { Optimiser } from '../../../../nodes/ml/optimise/optimiser.ts';
import { sgd } from '../../../../nodes/ml/optimise/sgd.ts';
import { add, dispose, type Tensor, tensor, tensor1d } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const gradients = [
  [0.3, -0.7],
  [0.1, 0.4],
  [-0.5, 0.2],
];

/** From (1, -2), where three steps with these gradients lead. */
async function path({ init, update }: Optimiser): Promise<number[][]> {
  let x: Tensor = tensor1d([1, -2]);
  let state = init(x);
  const points: number[][] = [];
  for (const [i, row] of gradients.entries()) {
    const gradient = tensor1d(row);
    const next = update(gradient, state);
    const moved = add(x, next.step);
    dispose([gradient, next.step, x, ...state.moments]);
    [x, state] = [moved, next.state];
    expect(state.steps).toBe(i + 1);
    points.push(Array.from(await x.data()));
  }
  dispose([x, ...state.moments]);
  return points;
}

function expectPath(points: number[][], expected: number[][]): void {
  for (const [i, point] of expected.entries())
    for (const [j, value] of point.entries()) expect(points[i]![j], `step ${i + 1}`).toBeCloseTo(value, 5);
}

describe('sgd is torch.optim.SGD', () => {
  // Worked out in numpy from the published update: b = g, then b = 0.9 b + g; x -= 5 (g + 0.9 b).
  it('with Nesterov momentum', async () => {
    const points = await path(sgd({ learningRate: 5, momentum: 0.9, nesterov: true }));
    expectPath(points, [
      [-1.85, 4.65],
      [-4.015, 3.685],
      [-0.7635, 2.7165],
    ]);
  });

  // The same with x -= 5 b.
  it('with plain momentum', async () => {
    const points = await path(sgd({ learningRate: 5, momentum: 0.9, nesterov: false }));
    expectPath(points, [
      [-0.5, 1.5],
      [-2.35, 2.65],
      [-1.515, 2.685],
    ]);
  });
});

describe('adam is torch.optim.Adam', () => {
  // numpy: m = 0.9 m + 0.1 g; v = 0.999 v + 0.001 g^2; x -= 0.1 (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 0.01).
  it("with bias correction and ReNO's epsilon", async () => {
    const points = await path(adam({ learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-2 }));
    expectPath(points, [
      [0.90322581, -1.90140845],
      [0.81984889, -1.88053786],
      [0.83737336, -1.88001009],
    ]);
  });
});

describe('clipByNorm', () => {
  it('shortens each row on its own, and leaves short ones and zeros', async () => {
    const gradient = tensor([30, 40, 0.03, 0.04, 0, 0], [3, 2, 1]);
    const clipped = clipByNorm(gradient, 0.1);
    const values = await clipped.data();
    for (const [i, value] of [0.06, 0.08, 0.03, 0.04, 0, 0].entries()) expect(values[i]).toBeCloseTo(value, 6);
    expect(clipped.shape).toEqual([3, 2, 1]);
    dispose([gradient, clipped]);
  });

  it('divides by a norm that is 1e-6 too long, as PyTorch does', async () => {
    const gradient = tensor([3e-6, 4e-6], [1, 2]);
    const clipped = clipByNorm(gradient, 1e-6);
    expect((await clipped.data())[0]! / 3e-6).toBeCloseTo(1e-6 / (5e-6 + 1e-6), 5);
    dispose([gradient, clipped]);
  });
});
