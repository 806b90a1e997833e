import { combineLinearly } from '../combineLinearly.ts';
import { derivativeOf, type KSampler } from '../kSampler.ts';
import { stepByLevel } from '../noiseLevels.ts';
import { euler } from './euler.ts';

/**
 * DPM-Solver-2: the derivative at the middle of the step in log sigma. Source: arXiv 2206.00927, algorithm 1;
 * k-diffusion sample_dpm_2.
 *
 *   s, s1    noise level now and next
 *   middle   sqrt(s s1)
 */
export const dpm2: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  if (s1 === 0) return euler(sigmas, i);
  const middle = Math.sqrt(s * s1);
  return [
    {
      at: s,
      step: ({ x, clean }) => ({ x: stepByLevel(x, clean, s, middle), state: [x] }),
    },
    {
      at: middle,
      step: ({ x: x1, clean, state: [x] }) => ({
        x: combineLinearly([1, x!], [s1 - s, derivativeOf(x1, clean, middle)]),
      }),
    },
  ];
};
