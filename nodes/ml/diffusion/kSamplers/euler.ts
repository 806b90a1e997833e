import type { KSampler } from '../kSampler.ts';
import { stepByLevel } from '../noiseLevels.ts';

/**
 * Euler's method. Source: arXiv 2206.00364, algorithm 1 without churn; k-diffusion sample_euler. It is DDIM of eta 0.
 *
 *   s, s1   noise level now and next
 */
export const euler: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  return [{ at: s, step: ({ x, clean }) => ({ x: stepByLevel(x, clean, s, s1) }) }];
};
