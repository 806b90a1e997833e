import { combineLinearly } from '../combineLinearly.ts';
import { type KSampler, splitStep } from '../kSampler.ts';
import { euler } from './euler.ts';

/**
 * DPM-Solver++ for the stochastic equation, a single step with a call at its middle (r = 1/2, where the clean estimate there
 * has all the weight); fresh noise before and after that call. Source: arXiv 2211.01095, section 6 and algorithm 1;
 * k-diffusion sample_dpmpp_sde.
 *
 *   s, s1        noise level now and next
 *   middle       sqrt(s s1)
 *   half, full   `splitStep` from s to the middle and to s1
 */
export const dpmppSde: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  if (s1 === 0) return euler(sigmas, i);
  const middle = Math.sqrt(s * s1);
  const [half, full] = [splitStep(s, middle), splitStep(s, s1)];
  return [
    {
      at: s,
      draw: [s, middle],
      step: ({ x, clean, noise }) => ({
        x: combineLinearly([half.down / s, x], [1 - half.down / s, clean], [half.up, noise]),
        state: [x],
      }),
    },
    {
      at: middle,
      draw: [s, s1],
      step: ({ clean, state: [x], noise }) => ({
        x: combineLinearly([full.down / s, x!], [1 - full.down / s, clean], [full.up, noise]),
      }),
    },
  ];
};
