import { combineLinearly } from '../combineLinearly.ts';
import type { KSampler } from '../kSampler.ts';

/**
 * Consistency sampling: jump to the clean sample, add fresh noise of the next level. Source: arXiv 2303.01469, algorithm 1;
 * ComfyUI sample_lcm.
 *
 *   s, s1   noise level now and next
 */
export const lcm: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  return [
    {
      at: s,
      ...(s1 > 0 && { draw: [s, s1] }),
      step: ({ clean, noise }) => ({ x: combineLinearly([1, clean], [s1, noise]) }),
    },
  ];
};
