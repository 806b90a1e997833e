import { clipClean, combineLinearly } from './combineLinearly.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import { cleanCoefficients } from './prediction.ts';
import type { Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { checkTimesteps, roundHalfEven, spacedTimesteps } from './timesteps.ts';

const defaults = {
  ...trainedDefaults,
  variance_type: 'fixed_small',
  clip_sample: true,
  clip_sample_range: 1,
  thresholding: false,
};
const allowed = {
  ...trainedAllowed,
  variance_type: ['fixed_small', 'fixed_small_log', 'fixed_large'],
  thresholding: [false],
};

/**
 * Ancestral sampling of denoising diffusion models. Source: arXiv 2006.11239, equations 6, 7 and 15; diffusers
 * DDPMScheduler, which with fixed_large adds noise at the last step too unless it is at t = 0.
 *
 *   a, a'    alphaBar at this timestep and at the next one of the plan (1 after the last)
 *   beta     1 - a / a'
 *   variance beta (1 - a') / (1 - a), or beta for fixed_large
 */
export function ddpm(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  const alphaBars = alphasCumprod(settings);
  return {
    config,
    takesTimesteps: true,
    plan(steps, { eta = 0, timesteps: stated } = {}) {
      const timesteps = stated ?? spacedTimesteps(settings, steps).map(roundHalfEven);
      checkTimesteps(timesteps, settings);
      return { timesteps, initNoiseSigma: 1, eta };
    },
    needsNoise: (plan, i) => plan.timesteps[i]! > 0,
    level(plan, i) {
      const a = alphaBars[plan.timesteps[i]!]!;
      return { signal: Math.sqrt(a), noise: Math.sqrt(1 - a) };
    },
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, noise = x }) {
      const t = plan.timesteps[i]!;
      const a = alphaBars[t]!;
      const a1 = i + 1 < plan.timesteps.length ? alphaBars[plan.timesteps[i + 1]!]! : 1;
      const beta = 1 - a / a1;
      const [ofX, ofOutput] = cleanCoefficients(settings.prediction_type, Math.sqrt(a), Math.sqrt(1 - a));
      const estimate = clipClean(settings, combineLinearly([ofX, x], [ofOutput, modelOutput]));
      const variance = settings.variance_type === 'fixed_large' ? beta : (beta * (1 - a1)) / (1 - a);
      const next = combineLinearly(
        [(Math.sqrt(a1) * beta) / (1 - a), estimate],
        [(Math.sqrt(1 - beta) * (1 - a1)) / (1 - a), x],
        [t > 0 ? Math.sqrt(variance) : 0, noise],
      );
      return { x: next, estimate, state: [] };
    },
  };
}
