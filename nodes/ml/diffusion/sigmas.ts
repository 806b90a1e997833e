import { betaQuantile } from './betaQuantile.ts';
import type { SchedulerConfig } from './scheduler.ts';
import { unsupported } from './settings.ts';
import { linspace } from './timesteps.ts';

/** The fields that respace noise levels between the largest and the smallest one; at most one is set. */
interface Respacing {
  readonly use_karras_sigmas: boolean;
  readonly use_exponential_sigmas: boolean;
  readonly use_beta_sigmas: boolean;
}
export const respacingDefaults = { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false };

/** Whether one of the fields is set. Throws UserError `UNSUPPORTED` where several are. */
export function isRespaced(config: SchedulerConfig, settings: Respacing): boolean {
  const { use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas } = settings;
  const count = Number(use_karras_sigmas) + Number(use_exponential_sigmas) + Number(use_beta_sigmas);
  if (count <= 1) return count === 1;
  const field = use_exponential_sigmas ? 'use_exponential_sigmas' : 'use_beta_sigmas';
  throw unsupported(config, `${use_karras_sigmas ? 'use_karras_sigmas' : 'use_beta_sigmas'} and ${field}`, true, [
    false,
  ]);
}

/** `steps` noise levels from `max` down to `min` by the law the settings ask for. */
export function respacedSigmas(settings: Respacing, min: number, max: number, steps: number): number[] {
  if (settings.use_karras_sigmas) return karrasSigmas(min, max, steps);
  if (settings.use_exponential_sigmas) return exponentialSigmas(min, max, steps);
  return betaSigmas(min, max, steps);
}

/** Source: arXiv 2206.00364, equation 5. */
export function karrasSigmas(min: number, max: number, steps: number, rho = 7): number[] {
  const [low, high] = [min ** (1 / rho), max ** (1 / rho)];
  return linspace(0, 1, steps).map((ramp) => (high + ramp * (low - high)) ** rho);
}

/** Evenly spaced logarithms. */
export function exponentialSigmas(min: number, max: number, steps: number): number[] {
  return linspace(Math.log(max), Math.log(min), steps).map(Math.exp);
}

/** Quantiles of the Beta(0.6, 0.6) distribution. Source: arXiv 2407.12173, section 3. */
export function betaSigmas(min: number, max: number, steps: number): number[] {
  return linspace(0, 1, steps).map((ramp) => min + betaQuantile(1 - ramp, 0.6, 0.6) * (max - min));
}

/** Value of a table at a fractional index, linear between entries, held at the ends (numpy's interp). */
export function interpolate(table: ArrayLike<number>, at: number): number {
  const last = table.length - 1;
  if (at <= 0) return table[0]!;
  if (at >= last) return table[last]!;
  const low = Math.floor(at);
  const [before, after] = [table[low]!, table[low + 1]!];
  return before + (after - before) * (at - low);
}

/** Fractional training timestep of a noise level, linear in log sigma; `logSigmas` rises with the timestep. */
export function sigmaToTimestep(sigma: number, logSigmas: Float32Array): number {
  const logSigma = Math.log(Math.max(sigma, 1e-10));
  const above = logSigmas.findIndex((value) => value > logSigma);
  const low = Math.min(Math.max((above === -1 ? logSigmas.length : above) - 1, 0), logSigmas.length - 2);
  const [before, after] = [logSigmas[low]!, logSigmas[low + 1]!];
  const weight = (before - logSigma) / (before - after);
  return low + Math.min(Math.max(weight, 0), 1);
}
