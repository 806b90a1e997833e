import { clipClean, combineLinearly } from './combineLinearly.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import { cleanCoefficients, noiseCoefficients } from './prediction.ts';
import type { Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { checkTimesteps, roundHalfEven, spacedTimesteps } from './timesteps.ts';

const defaults = {
  ...trainedDefaults,
  clip_sample: true,
  clip_sample_range: 1,
  set_alpha_to_one: true,
  thresholding: false,
};
const allowed = { ...trainedAllowed, thresholding: [false] };

/**
 * Denoising diffusion implicit models. Source: arXiv 2010.02502, equations 12 and 16; diffusers DDIMScheduler, whose
 * previous timestep is t - trainSteps / steps also where the timesteps are spaced otherwise.
 *
 *   a, a'    alphaBar at this timestep and at the previous (less noisy) one
 *   s        eta sqrt((1 - a') / (1 - a)) sqrt(1 - a / a'), deviation of the fresh noise
 */
export function ddim(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  const { prediction_type, num_train_timesteps } = settings;
  const alphaBars = alphasCumprod(settings);
  const finalAlphaBar = settings.set_alpha_to_one ? 1 : alphaBars[0]!;
  return {
    config,
    plan(steps, { eta = 0 } = {}) {
      const timesteps = spacedTimesteps(settings, steps).map(roundHalfEven);
      checkTimesteps(timesteps, settings);
      return { timesteps, initNoiseSigma: 1, eta };
    },
    needsNoise: (plan) => plan.eta > 0,
    level(plan, i) {
      const a = alphaBars[plan.timesteps[i]!]!;
      return { signal: Math.sqrt(a), noise: Math.sqrt(1 - a) };
    },
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, noise = x }) {
      const t = plan.timesteps[i]!;
      const previous = t - Math.floor(num_train_timesteps / plan.timesteps.length);
      const [a, a1] = [alphaBars[t]!, previous >= 0 ? alphaBars[previous]! : finalAlphaBar];
      const [alpha, sigma] = [Math.sqrt(a), Math.sqrt(1 - a)];
      const [cleanX, cleanOutput] = cleanCoefficients(prediction_type, alpha, sigma);
      const [noiseX, noiseOutput] = noiseCoefficients(prediction_type, alpha, sigma);
      const estimate = clipClean(settings, combineLinearly([cleanX, x], [cleanOutput, modelOutput]));
      const s = plan.eta * Math.sqrt(((1 - a1) / (1 - a)) * (1 - a / a1));
      const direction = Math.sqrt(Math.max(1 - a1 - s ** 2, 0));
      const next = combineLinearly(
        [Math.sqrt(a1), estimate],
        [direction * noiseX, x],
        [direction * noiseOutput, modelOutput],
        [s, noise],
      );
      return { x: next, estimate, state: [] };
    },
  };
}
