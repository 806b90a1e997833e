import { beforeAll, expect, it } from 'vitest';
import { sequence } from '../../../../nodes/ml/nn/sequence.ts';
import { add, grad, memory, mul, square, sum, type Tensor, tensor1d, tidy } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

it('holds the input and one intermediate before each step, and leaves the input alone', () => {
  const x = tensor1d([1, 2]);
  const start = memory().numTensors;
  const alive: number[] = [];
  const step = (t: Tensor) => {
    alive.push(memory().numTensors - start);
    return add(mul(t, 2), 1);
  };
  const y = sequence<Tensor>(x, [step, step, (t) => t, step]);
  expect(alive).toEqual([0, 1, 1]);
  expect([...y.dataSync()]).toEqual([15, 23]);
  expect([...x.dataSync()]).toEqual([1, 2]);
  y.dispose();
  x.dispose();
});

it('has the gradient of the composition', () =>
  tidy(() => {
    const f = (x: Tensor) => sum(sequence(x, [square, (t) => mul(t, 3), square]));
    expect([...grad(f)(tensor1d([1, 2])).dataSync()]).toEqual([36, 288]); // d 9 x^4 = 36 x^3
  }));
