import { combineLinearly } from '../combineLinearly.ts';
import type { KSampler } from '../kSampler.ts';
import { euler } from './euler.ts';

/**
 * RES, a second-order exponential integrator over two steps. Source: arXiv 2308.02157, algorithm 2 and equation 18; ComfyUI
 * sample_res_multistep. The state holds the clean estimate before.
 *
 *   s, s1     noise level now and next; lambda = -ln s
 *   h         lambda(s1) - lambda(s)
 *   c2        (lambda(level before) - lambda(s)) / h, so negative
 *   phi1(z)   (e^z - 1) / z           phi2(z)   (phi1(z) - 1) / z
 */
export const resMultistep: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  return [
    {
      at: s,
      step(input) {
        const { x, clean, state } = input;
        const [old] = state;
        if (s1 === 0 || !old) return { x: euler(sigmas, i)[0]!.step(input).x, state: [clean] };
        const h = Math.log(s / s1);
        const phi1 = Math.expm1(-h) / -h;
        const phi2 = (phi1 - 1) / -h;
        const c2 = Math.log(s / sigmas[i - 1]!) / h;
        return {
          x: combineLinearly([Math.exp(-h), x], [h * (phi1 - phi2 / c2), clean], [(h * phi2) / c2, old]),
          state: [clean],
        };
      },
    },
  ];
};
