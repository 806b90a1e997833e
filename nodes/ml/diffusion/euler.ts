import { cleanAtLevel, initialDeviation, readLevels, scaleByLevel, stepByLevel } from './noiseLevels.ts';
import { positiveAlphasCumprod, trainingSigmas } from './noiseSchedule.ts';
import type { Plan, PlanOptions, Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { interpolate, isRespaced, respacedSigmas, respacingDefaults, sigmaToTimestep } from './sigmas.ts';
import { linspace, spacedTimesteps } from './timesteps.ts';

const defaults = {
  ...trainedDefaults,
  ...respacingDefaults,
  timestep_spacing: 'linspace',
  interpolation_type: 'linear',
  timestep_type: 'discrete',
  final_sigmas_type: 'zero',
  sigma_min: null as number | null,
  sigma_max: null as number | null,
};
const allowed = {
  ...trainedAllowed,
  interpolation_type: ['linear', 'log_linear'],
  timestep_type: ['discrete', 'continuous'],
  final_sigmas_type: ['zero', 'sigma_min'],
};

/**
 * Euler's method on the probability-flow ODE in noise levels: x' = x + (sigma' - sigma) (x - clean) / sigma.
 * Source: arXiv 2206.00364, algorithm 1 without churn; diffusers EulerDiscreteScheduler.
 *
 *   sigma, sigma'   noise level now and next
 */
export function euler(config: SchedulerConfig): Scheduler {
  const settings = readEulerSettings(config);
  return {
    config,
    takesTimesteps: takesTimesteps(config, settings),
    plan: (steps, options = {}) => ({ ...eulerPlan(config, settings, steps, options), eta: options.eta ?? 0 }),
    needsNoise: () => false,
    level: (plan, i) => ({ signal: 1, noise: readLevels(plan, i).sigma }),
    scaleInput: scaleByLevel,
    step(plan, i, { x, modelOutput }) {
      const { sigma, next } = readLevels(plan, i);
      const estimate = cleanAtLevel(settings.prediction_type, sigma, x, modelOutput);
      return { x: stepByLevel(x, estimate, sigma, next), estimate, state: [] };
    },
  };
}

export type EulerSettings = typeof defaults;

export function readEulerSettings(config: SchedulerConfig): EulerSettings {
  return readSettings(config, defaults, allowed);
}

/** Whether the model is told logarithms of noise levels. */
export function isContinuous({ timestep_type, prediction_type }: EulerSettings): boolean {
  return timestep_type === 'continuous' && prediction_type === 'v_prediction';
}

/** Whether timesteps may be stated, as in diffusers: not where the levels follow another rule than the timesteps. */
export function takesTimesteps(config: SchedulerConfig, settings: EulerSettings): boolean {
  return !isRespaced(config, settings) && !isContinuous(settings);
}

/** Levels and timesteps that the config asks for, or of timesteps that are stated. */
export function eulerPlan(
  config: SchedulerConfig,
  settings: EulerSettings,
  steps: number,
  { timesteps: stated }: PlanOptions = {},
): Omit<Plan, 'eta'> & { readonly sigmas: readonly number[] } {
  const table = trainingSigmas(positiveAlphasCumprod(settings));
  const logTable = table.map(Math.log);
  let timesteps = (stated ?? spacedTimesteps(settings, steps)).map(Math.fround);
  let sigmas = timesteps.map((timestep) => interpolate(table, timestep));
  if (settings.interpolation_type === 'log_linear') {
    sigmas = linspace(logTable[logTable.length - 1]!, logTable[0]!, steps + 1).map(Math.exp);
  }
  if (isRespaced(config, settings)) {
    const [min, max] = [settings.sigma_min ?? sigmas[sigmas.length - 1]!, settings.sigma_max ?? sigmas[0]!];
    sigmas = respacedSigmas(settings, min, max, steps);
    timesteps = sigmas.map((sigma) => sigmaToTimestep(sigma, logTable));
  }
  if (isContinuous(settings)) {
    timesteps = sigmas.map((sigma) => 0.25 * Math.log(sigma));
  }
  sigmas = [...sigmas, settings.final_sigmas_type === 'zero' ? 0 : table[0]!].map(Math.fround);
  return { timesteps, sigmas, initNoiseSigma: initialDeviation(settings.timestep_spacing, Math.max(...sigmas)) };
}
