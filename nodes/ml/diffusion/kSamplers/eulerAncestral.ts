import { combineLinearly } from '../combineLinearly.ts';
import { type KSampler, splitStep } from '../kSampler.ts';
import { stepByLevel } from '../noiseLevels.ts';

/**
 * Euler's method to a level below the next one, then fresh noise up to it. Source: k-diffusion sample_euler_ancestral. It is
 * the posterior of DDPM (arXiv 2006.11239, equation 7), and with `eta` DDIM (arXiv 2010.02502, equation 16) in noise levels.
 *
 *   s, s1      noise level now and next
 *   down, up   see `splitStep`
 */
export const ancestralOf =
  (eta: number): KSampler =>
  (sigmas, i) => {
    const [s, s1] = [sigmas[i]!, sigmas[i + 1]!];
    const { down, up } = splitStep(s, s1, eta);
    return [
      {
        at: s,
        ...(up > 0 && { draw: [s, s1] }),
        step: ({ x, clean, noise }) => ({
          x: combineLinearly([1, stepByLevel(x, clean, s, down)], [up, noise]),
        }),
      },
    ];
  };

export const eulerAncestral: KSampler = ancestralOf(1);
