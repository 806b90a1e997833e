import { combineLinearly } from '../combineLinearly.ts';
import type { KSampler } from '../kSampler.ts';

/**
 * DPM-Solver++(3M) for the stochastic equation: the clean estimate is extrapolated from the two before. Source: k-diffusion
 * sample_dpmpp_3m_sde, eta 1, after arXiv 2211.01095, section 6 and arXiv 2206.00927, algorithm 2. The state holds the
 * clean estimates before, newest first.
 *
 *   s, s1        noise level now and next; lambda = -ln s
 *   h            lambda(s1) - lambda(s); hh = 2h, eta 1
 *   r0, r1       step before / h, step before that / h
 *   phi2, phi3   weights of the first and second divided difference of D
 */
export const dpmpp3mSde: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  if (s1 === 0) return [{ at: s, step: ({ clean }) => ({ x: clean }) }];
  const h = Math.log(s / s1);
  const hh = 2 * h;
  const phi2 = Math.expm1(-hh) / hh + 1;
  const phi3 = phi2 / hh - 0.5;
  return [
    {
      at: s,
      draw: [s, s1],
      step({ x, clean, state: [old, older], noise }) {
        const first = [Math.exp(-hh), x] as const;
        const fresh = [s1 * Math.sqrt(-Math.expm1(-hh)), noise] as const;
        const state = old ? [clean, old] : [clean];
        if (!old) return { x: combineLinearly(first, [-Math.expm1(-hh), clean], fresh), state };

        const r0 = Math.log(sigmas[i - 1]! / s) / h;
        const d0 = combineLinearly([1 / r0, clean], [-1 / r0, old]);
        if (!older) return { x: combineLinearly(first, [-Math.expm1(-hh), clean], [phi2, d0], fresh), state };

        const r1 = Math.log(sigmas[i - 2]! / sigmas[i - 1]!) / h;
        const d1 = combineLinearly([1 / r1, old], [-1 / r1, older]);
        const slope = combineLinearly([1 + r0 / (r0 + r1), d0], [-r0 / (r0 + r1), d1]);
        const curve = combineLinearly([1 / (r0 + r1), d0], [-1 / (r0 + r1), d1]);
        return { x: combineLinearly(first, [-Math.expm1(-hh), clean], [phi2, slope], [-phi3, curve], fresh), state };
      },
    },
  ];
};
