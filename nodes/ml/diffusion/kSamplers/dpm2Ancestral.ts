import { combineLinearly } from '../combineLinearly.ts';
import { derivativeOf, type KSampler, splitStep } from '../kSampler.ts';
import { stepByLevel } from '../noiseLevels.ts';
import { euler } from './euler.ts';

/**
 * DPM-Solver-2 to a level below the next one, then fresh noise up to it. Source: k-diffusion sample_dpm_2_ancestral.
 *
 *   s, s1      noise level now and next
 *   down, up   see `splitStep`
 *   middle     sqrt(s down)
 */
export const dpm2Ancestral: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  const { down, up } = splitStep(s, s1);
  if (down === 0) return euler(sigmas, i);
  const middle = Math.sqrt(s * down);
  return [
    {
      at: s,
      step: ({ x, clean }) => ({ x: stepByLevel(x, clean, s, middle), state: [x] }),
    },
    {
      at: middle,
      draw: [s, s1],
      step: ({ x: x1, clean, state: [x], noise }) => ({
        x: combineLinearly([1, x!], [down - s, derivativeOf(x1, clean, middle)], [up, noise]),
      }),
    },
  ];
};
