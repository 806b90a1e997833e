import { combineLinearly } from '../combineLinearly.ts';
import type { KSampler } from '../kSampler.ts';

/**
 * DPM-Solver++(2M) for the stochastic equation, in two forms of its second order. Source: arXiv 2211.01095, section 6;
 * k-diffusion sample_dpmpp_2m_sde, eta 1. The state holds the clean estimate before.
 *
 *   s, s1   noise level now and next; lambda = -ln s
 *   h       lambda(s1) - lambda(s)
 *   r       step before / h
 */
const dpmpp2mSdeOf =
  (form: 'midpoint' | 'heun'): KSampler =>
  (sigmas, i) => {
    const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
    if (s1 === 0) return [{ at: s, step: ({ clean }) => ({ x: clean }) }];
    const h = Math.log(s / s1);
    const ofClean = -Math.expm1(-2 * h);
    return [
      {
        at: s,
        draw: [s, s1],
        step({ x, clean, state: [old], noise }) {
          const r = old ? Math.log(sigmas[i - 1]! / s) / h : Number.POSITIVE_INFINITY;
          const slope = (form === 'heun' ? 1 - ofClean / (2 * h) : ofClean / 2) / r;
          return {
            x: combineLinearly(
              [(s1 / s) * Math.exp(-h), x],
              [ofClean + slope, clean],
              [-slope, old ?? clean],
              [s1 * Math.sqrt(ofClean), noise],
            ),
            state: [clean],
          };
        },
      },
    ];
  };

export const dpmpp2mSde: KSampler = dpmpp2mSdeOf('midpoint');
export const dpmpp2mSdeHeun: KSampler = dpmpp2mSdeOf('heun');
