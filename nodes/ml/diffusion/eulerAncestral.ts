import { combineLinearly } from './combineLinearly.ts';
import { splitStep } from './kSampler.ts';
import { cleanAtLevel, initialDeviation, readLevels, scaleByLevel, stepByLevel } from './noiseLevels.ts';
import { positiveAlphasCumprod, trainingSigmas } from './noiseSchedule.ts';
import type { Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { interpolate } from './sigmas.ts';
import { spacedTimesteps } from './timesteps.ts';

const defaults = { ...trainedDefaults, timestep_spacing: 'linspace' };

/**
 * Euler's method to a noise level below the next one, then fresh noise up to it.
 * Source: k-diffusion sample_euler_ancestral; diffusers EulerAncestralDiscreteScheduler.
 *
 *   sigma, sigma'        noise level now and next
 *   down, up             see `splitStep`
 */
export function eulerAncestral(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, trainedAllowed);
  return {
    config,
    takesTimesteps: true,
    plan(steps, { eta = 0, timesteps: stated } = {}) {
      const table = trainingSigmas(positiveAlphasCumprod(settings));
      const timesteps = (stated ?? spacedTimesteps(settings, steps)).map(Math.fround);
      const sigmas = [...timesteps.map((timestep) => Math.fround(interpolate(table, timestep))), 0];
      return { timesteps, sigmas, initNoiseSigma: initialDeviation(settings.timestep_spacing, sigmas[0]!), eta };
    },
    needsNoise: (plan, i) => readLevels(plan, i).next > 0,
    level: (plan, i) => ({ signal: 1, noise: readLevels(plan, i).sigma }),
    scaleInput: scaleByLevel,
    step(plan, i, { x, modelOutput, noise = x }) {
      const { sigma, next } = readLevels(plan, i);
      const estimate = cleanAtLevel(settings.prediction_type, sigma, x, modelOutput);
      const { down, up } = splitStep(sigma, next);
      return { x: combineLinearly([1, stepByLevel(x, estimate, sigma, down)], [up, noise]), estimate, state: [] };
    },
  };
}
