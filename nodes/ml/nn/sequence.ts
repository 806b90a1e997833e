import { type Tensor, tidy } from '../tf.ts';

/**
 * Applies steps one after the other and frees each intermediate as soon as the next one is made, so that memory holds
 * two of them at a time. `x` stays the caller's; the caller owns the result.
 */
export function sequence<T extends Tensor>(x: T, steps: readonly ((x: T) => T)[]): T {
  let current = x;
  for (const step of steps) {
    const next = tidy(() => step(current));
    if (current !== x && current !== next) current.dispose();
    current = next;
  }
  return current;
}
