import { UserError } from '../../errors.ts';
import type { Tensor } from '../tf.ts';
import { combineLinearly } from './combineLinearly.ts';
import type { SchedulerConfig } from './scheduler.ts';
import { readSettings } from './settings.ts';
import { exponentialSigmas, karrasSigmas } from './sigmas.ts';

/**
 * Models that were trained over continuous noise levels, and that see x = clean + sigma * noise by EDM's preconditioning:
 *
 *   D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)
 *
 *   sigma_data   standard deviation of the clean latents
 *   F, D         what the network answers, and the clean latents that its answer stands for
 *   c_in         1 / sqrt(sigma^2 + sigma_data^2)
 *   c_skip       sigma_data^2 c_in^2
 *   c_out        sigma sigma_data c_in; the negative of it for a network that predicts v
 *   c_noise      ln(sigma) / 4, in the place of the timestep
 *
 * Source: arXiv 2206.00364, table 1 (EDM column); arXiv 2402.17245 (Playground v2.5); diffusers EDMEulerScheduler.
 */

const defaults = {
  sigma_min: 0.002,
  sigma_max: 80,
  sigma_data: 0.5,
  sigma_schedule: 'karras',
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  rho: 7,
  final_sigmas_type: 'zero',
};
const allowed = {
  sigma_schedule: ['karras', 'exponential'],
  prediction_type: ['epsilon', 'v_prediction'],
  final_sigmas_type: ['zero', 'sigma_min'],
};
export type EdmSettings = typeof defaults;

/** Whether a config is that of a model of EDM's noise levels, by its class or, for a `KSampler`, by its field `edm`. */
export function isEdm({ _class_name, edm }: SchedulerConfig): boolean {
  return edm === true || _class_name === 'EDMEulerScheduler' || _class_name === 'EDMDPMSolverMultistepScheduler';
}

/** Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function readEdmSettings(config: SchedulerConfig): EdmSettings {
  const settings = readSettings(config, defaults, allowed);
  const { sigma_min, sigma_max, sigma_data, rho } = settings;
  if (sigma_min > 0 && sigma_max > sigma_min && Number.isFinite(sigma_max) && sigma_data > 0 && rho > 0)
    return settings;
  throw new UserError(
    'BAD_CONFIG',
    `${config._class_name}: sigma_min ${sigma_min}, sigma_max ${sigma_max}, sigma_data ${sigma_data} and rho ${rho} are no noise levels: all must be above 0 and sigma_max above sigma_min.`,
  );
}

/** Noise levels of `steps` steps, falling from sigma_max to sigma_min; one step is at sigma_max. */
export function edmSigmas({ sigma_schedule, sigma_min, sigma_max, rho }: EdmSettings, steps: number): number[] {
  const spaced = sigma_schedule === 'karras' ? karrasSigmas(sigma_min, sigma_max, steps, rho) : undefined;
  return (spaced ?? exponentialSigmas(sigma_min, sigma_max, steps)).map(Math.fround);
}

/** c_noise */
export function edmTimestep(sigma: number): number {
  return Math.fround(0.25 * Math.log(sigma));
}

/** c_in */
export function edmInputScale({ sigma_data }: EdmSettings, sigma: number): number {
  return 1 / Math.sqrt(sigma ** 2 + sigma_data ** 2);
}

/** D(x; sigma) of a network's answer F to c_in x. */
export function cleanOfEdm<T extends Tensor>(settings: EdmSettings, sigma: number, x: T, modelOutput: T): T {
  const { sigma_data, prediction_type } = settings;
  const scale = edmInputScale(settings, sigma);
  const sign = prediction_type === 'v_prediction' ? -1 : 1;
  return combineLinearly([(sigma_data * scale) ** 2, x], [sign * sigma * sigma_data * scale, modelOutput]);
}

/** Standard deviation of the first x. Source: diffusers init_noise_sigma; ComfyUI noise_scaling. */
export function edmInitialDeviation({ sigma_max }: EdmSettings): number {
  return Math.sqrt(sigma_max ** 2 + 1);
}
