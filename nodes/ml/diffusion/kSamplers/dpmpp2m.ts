import { combineLinearly } from '../combineLinearly.ts';
import type { KSampler } from '../kSampler.ts';

/**
 * DPM-Solver++(2M): the clean estimate is extrapolated from the one before. Source: arXiv 2211.01095, algorithm 2;
 * k-diffusion sample_dpmpp_2m. The state holds the clean estimate before.
 *
 *   s, s1   noise level now and next; lambda = -ln s
 *   h       lambda(s1) - lambda(s)
 *   r       step before / h
 */
export const dpmpp2m: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  return [
    {
      at: s,
      step({ x, clean, state: [old] }) {
        if (s1 === 0) return { x: clean };
        const h = Math.log(s / s1);
        const slope = old ? h / (2 * Math.log(sigmas[i - 1]! / s)) : 0; // 1 / 2r
        const ofClean = -Math.expm1(-h);
        return {
          x: combineLinearly([s1 / s, x], [ofClean * (1 + slope), clean], [-ofClean * slope, old ?? clean]),
          state: [clean],
        };
      },
    },
  ];
};
