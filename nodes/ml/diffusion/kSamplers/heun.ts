import { combineLinearly } from '../combineLinearly.ts';
import { derivativeOf, type KSampler } from '../kSampler.ts';
import { euler } from './euler.ts';

/**
 * Heun's method: the mean of the derivatives at both ends of the step. Source: arXiv 2206.00364, algorithm 1 without churn;
 * k-diffusion sample_heun.
 *
 *   s, s1   noise level now and next
 *   d, d1   derivative at both
 */
export const heun: KSampler = (sigmas, i) => {
  const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
  if (s1 === 0) return euler(sigmas, i);
  return [
    {
      at: s,
      step({ x, clean }) {
        const d = derivativeOf(x, clean, s);
        return { x: combineLinearly([1, x], [s1 - s, d]), state: [x, d] };
      },
    },
    {
      at: s1,
      step({ x: x1, clean, state: [x, d] }) {
        const d1 = derivativeOf(x1, clean, s1);
        return { x: combineLinearly([1, x!], [(s1 - s) / 2, d!], [(s1 - s) / 2, d1]) };
      },
    },
  ];
};
