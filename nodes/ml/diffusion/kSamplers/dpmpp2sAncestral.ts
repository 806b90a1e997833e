import { combineLinearly } from '../combineLinearly.ts';
import { type KSampler, splitStep } from '../kSampler.ts';
import { euler } from './euler.ts';

/**
 * DPM-Solver++(2S), a single step with a call at its middle, to a level below the next one; then fresh noise up to it.
 * Source: arXiv 2211.01095, algorithm 1; k-diffusion sample_dpmpp_2s_ancestral.
 *
 *   s, s1      noise level now and next; lambda = -ln s
 *   down, up   see `splitStep`
 *   h          lambda(down) - lambda(s)
 *   middle     level at lambda(s) + h / 2
 */
export const dpmpp2sAncestral: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  const { down, up } = splitStep(s, s1);
  if (down === 0) return euler(sigmas, i);
  const h = Math.log(s / down);
  const middle = Math.sqrt(s * down);
  return [
    {
      at: s,
      step: ({ x, clean }) => ({ x: combineLinearly([middle / s, x], [-Math.expm1(-h / 2), clean]), state: [x] }),
    },
    {
      at: middle,
      draw: [s, s1],
      step: ({ clean, state: [x], noise }) => ({
        x: combineLinearly([down / s, x!], [-Math.expm1(-h), clean], [up, noise]),
      }),
    },
  ];
};
