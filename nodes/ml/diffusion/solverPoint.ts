import type { Plan } from './scheduler.ts';

/**
 * A point of the schedule for the solvers in log-SNR: x = alpha * clean + sigma * noise, lambda = log(alpha / sigma).
 * Source: arXiv 2206.00927, section 2.2.
 */
export interface SolverPoint {
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

/** The point at entry i of the plan's noise levels: variance preserving, or straight lines for flow models. */
export function solverPoint(plan: Plan, i: number, flow: boolean): SolverPoint {
  if (plan.sigmas === undefined) throw new Error('this plan has no sigmas: it was made by another scheduler');
  const level = plan.sigmas[i]!;
  const alpha = flow ? 1 - level : 1 / Math.sqrt(level ** 2 + 1);
  const sigma = flow ? level : level * alpha;
  return { alpha, sigma, lambda: Math.log(alpha / sigma) };
}

/** Flow noise levels s, moved towards noise by a shift: shift s / (1 + (shift - 1) s). Source: arXiv 2403.03206, equation 23. */
export function shiftFlow(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
