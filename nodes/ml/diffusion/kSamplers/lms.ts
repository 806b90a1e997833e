import { combineLinearly } from '../combineLinearly.ts';
import { derivativeOf, type KSampler } from '../kSampler.ts';

const MOST_DERIVATIVES = 4;

/**
 * Linear multistep (Adams-Bashforth over uneven levels): x += integral from s to s1 of the polynomial through the last
 * derivatives. Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section III.5; k-diffusion
 * sample_lms. The state holds the derivatives before, newest first.
 *
 *   s, s1   noise level now and next
 *   w_k     weight of the derivative at sigmas[i - k]
 */
export const linearMultistep: KSampler = (sigmas, i) => [
  {
    at: sigmas[i]!,
    step({ x, clean, state }) {
      const derivatives = [derivativeOf(x, clean, sigmas[i]!), ...state].slice(0, MOST_DERIVATIVES);
      const nodes = derivatives.map((_, k) => sigmas[i - k]!);
      const weights = nodes.map((_, k) => integrateLagrange(nodes, k, sigmas[i]!, sigmas[i + 1]!));
      return {
        x: combineLinearly([1, x], ...derivatives.map((d, k) => [weights[k]!, d] as const)),
        state: derivatives.slice(0, MOST_DERIVATIVES - 1),
      };
    },
  },
];

/** As ComfyUI has it: the last step, to 0, gives the clean estimate. */
export const lms: KSampler = (sigmas, i) =>
  sigmas[i + 1] === 0 ? [{ at: sigmas[i]!, step: ({ clean }) => ({ x: clean }) }] : linearMultistep(sigmas, i);

/**
 * Integral from a to b of the polynomial that is 1 at nodes[k] and 0 at the other nodes; by two points of Gauss-Legendre,
 * which is exact up to degree 3, so for four nodes.
 */
function integrateLagrange(nodes: readonly number[], k: number, a: number, b: number): number {
  const basis = (at: number) =>
    nodes.reduce((product, node, j) => (j === k ? product : (product * (at - node)) / (nodes[k]! - node)), 1);
  const [middle, half] = [(a + b) / 2, (b - a) / 2];
  const offset = half / Math.sqrt(3);
  return half * (basis(middle - offset) + basis(middle + offset));
}
