import type { RandomStream } from '../random.ts';
import { type Tensor1D, type Tensor4D, tensor1d, tensor4d } from '../tf.ts';

/** Where the noisy latents of a batch stand. */
export interface NoiseLevels {
  /** sqrt(abar) and sqrt(1 - abar), [N, 1, 1, 1] */
  readonly a: Tensor4D;
  readonly s: Tensor4D;
  /** Timesteps as the U-Net takes them, [N]. */
  readonly times: Tensor1D;
}

/** The levels of each timestep; -1 is the clean image, which the U-Net sees as 0. The caller owns the result. */
export function noiseLevels(alphasCumprod: ArrayLike<number>, timesteps: readonly number[]): NoiseLevels {
  const abar = timesteps.map((t) => (t < 0 ? 1 : alphasCumprod[t]!));
  const shape: [number, number, number, number] = [timesteps.length, 1, 1, 1];
  return {
    a: tensor4d(abar.map(Math.sqrt), shape),
    s: tensor4d(
      abar.map((value) => Math.sqrt(1 - value)),
      shape,
    ),
    times: tensor1d(timesteps.map((t) => Math.max(0, t))),
  };
}

/**
 * Timesteps of a batch with density 0.4 + 1.2 t / 1000: what an image shows is decided at the noisy end. They are spread
 * evenly over the batch: same expectation as independent ones, less variance from step to step.
 */
export function spreadTimesteps(random: RandomStream, batch: number): number[] {
  const shift = random.uniform();
  return Array.from({ length: batch }, (_, i) => {
    const u = ((i + random.uniform()) / batch + shift) % 1;
    return Math.floor((1000 * (Math.sqrt(0.16 + 2.4 * u) - 0.4)) / 1.2); // the inverse of 0.4 x + 0.6 x^2
  });
}
