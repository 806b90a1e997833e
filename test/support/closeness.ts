import { expect } from 'vitest';
import * as tf from '../../nodes/ml/tf.ts';

/** Two tensors, and how far apart they may be in units of the expected one's largest value. */
export type Pair = [got: tf.Tensor, expected: tf.Tensor, tolerance: number];

/**
 * Computes pairs in a tidy and compares them; nothing is left behind. (WebGPU cannot be read synchronously, so tests
 * compute first and read at the end.)
 */
export async function expectClose(compute: () => Pair[]): Promise<void> {
  const pairs = tf.tidy(compute);
  try {
    for (const [i, [got, expected, tolerance]] of pairs.entries()) {
      expect(got.shape, `shape of pair ${i}`).toEqual(expected.shape);
      const [a, b] = [await got.data(), await expected.data()];
      let [largest, worst] = [1e-6, 0];
      for (let j = 0; j < b.length; j++) {
        const [value, wanted] = [a[j] as number, b[j] as number];
        largest = Math.max(largest, Math.abs(wanted));
        worst = Number.isNaN(value - wanted) ? Number.POSITIVE_INFINITY : Math.max(worst, Math.abs(value - wanted));
      }
      expect(worst / largest, `relative error of pair ${i}`).toBeLessThan(tolerance);
    }
  } finally {
    tf.dispose(pairs);
  }
}

/**
 * Compares a gradient with the slope between two nearby points in a random direction. `loss` of a moved input is a scalar.
 * Returns the pair that `expectClose` takes: both slopes in units of the gradient's norm, offset by 1.
 */
export function gradientPair(
  loss: (input: tf.Tensor) => tf.Tensor,
  input: tf.Tensor,
  gradient: tf.Tensor,
  step: number,
): Pair {
  const direction = tf.randomNormal(input.shape, 0, 1, 'float32', 7);
  const at = (h: number) => loss(tf.add(input, tf.mul(direction, h)));
  const measured = tf.div(tf.sub(at(step), at(-step)), 2 * step);
  const exact = tf.sum(tf.mul(gradient, direction));
  const size = tf.add(tf.norm(gradient), 1e-3);
  return [tf.add(1, tf.div(measured, size)), tf.add(1, tf.div(exact, size)), 0.02];
}
