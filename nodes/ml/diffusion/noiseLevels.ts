import type { Tensor } from '../tf.ts';
import { combineLinearly } from './combineLinearly.ts';
import { derivativeOf } from './kSampler.ts';
import { cleanCoefficients } from './prediction.ts';
import type { Plan } from './scheduler.ts';

/**
 * What the samplers in Karras' notation share: x = clean + sigma * noise, and the model sees x / sqrt(sigma^2 + 1).
 * Source: arXiv 2206.00364, table 1 (VP column).
 */

/** Noise level of step i and of the one after it. */
export function readLevels(plan: Plan, i: number): { sigma: number; next: number } {
  if (plan.sigmas === undefined) throw new Error('this plan has no sigmas: it was made by another scheduler');
  return { sigma: plan.sigmas[i]!, next: plan.sigmas[i + 1]! };
}

export function scaleByLevel<T extends Tensor>(plan: Plan, i: number, x: T): T {
  return combineLinearly([1 / Math.sqrt(readLevels(plan, i).sigma ** 2 + 1), x]);
}

/** The clean sample that a model output stands for at noise level `sigma`. */
export function cleanAtLevel<T extends Tensor>(prediction: string, sigma: number, x: T, modelOutput: T): T {
  const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
  const [ofX, ofOutput] = cleanCoefficients(prediction, alpha, sigma * alpha);
  return combineLinearly([ofX * alpha, x], [ofOutput, modelOutput]);
}

/**
 * Euler's step from noise level `from` to `to`: x + (to - from) (x - clean) / from. The operations stand in this order
 * because float32 cancels where the first level is large (4096 at zero SNR), and diffusers has them so.
 */
export function stepByLevel<T extends Tensor>(x: T, clean: T, from: number, to: number): T {
  return combineLinearly([1, x], [Math.fround(to - from), derivativeOf(x, clean, from) as T]);
}

/** Standard deviation of the first x, for noise levels from `sigma` down: linspace and trailing start at pure noise. */
export function initialDeviation(spacing: string, sigma: number): number {
  return spacing === 'leading' ? Math.sqrt(sigma ** 2 + 1) : sigma;
}
