import { UserError } from '../../errors.ts';
import { clipClean, combineLinearly } from './combineLinearly.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import { cleanCoefficients } from './prediction.ts';
import type { Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { checkTimesteps } from './timesteps.ts';

const defaults = {
  ...trainedDefaults,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  original_inference_steps: 50,
  timestep_scaling: 10,
  clip_sample: false,
  clip_sample_range: 1,
  thresholding: false,
};
const allowed = { ...trainedAllowed, thresholding: [false] };

/**
 * Multistep consistency sampling: jump to the clean sample, add fresh noise for the next timestep.
 * Source: arXiv 2310.04378, algorithm 3; boundary scalings: arXiv 2303.01469, appendix C; diffusers LCMScheduler.
 *
 *   a, a'          alphaBar at this timestep and at the next one of the plan
 *   t'             timestep * timestep_scaling
 *   skip, out      0.25 / (t'^2 + 0.25) and t' / sqrt(t'^2 + 0.25): the model is the identity at t = 0
 */
export function lcm(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  const alphaBars = alphasCumprod(settings);
  return {
    config,
    takesTimesteps: true,
    plan: (steps, { eta = 0, timesteps } = {}) => ({
      timesteps: timesteps ?? lcmTimesteps(settings, steps),
      initNoiseSigma: 1,
      eta,
    }),
    needsNoise: (plan, i) => i + 1 < plan.timesteps.length,
    level(plan, i) {
      const a = alphaBars[plan.timesteps[i]!]!;
      return { signal: Math.sqrt(a), noise: Math.sqrt(1 - a) };
    },
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, noise = x }) {
      const t = plan.timesteps[i]!;
      const a = alphaBars[t]!;
      const a1 = i + 1 < plan.timesteps.length ? alphaBars[plan.timesteps[i + 1]!]! : 1;
      const [ofX, ofOutput] = cleanCoefficients(settings.prediction_type, Math.sqrt(a), Math.sqrt(1 - a));
      const clean = clipClean(settings, combineLinearly([ofX, x], [ofOutput, modelOutput]));
      const scaled = t * settings.timestep_scaling;
      const [skip, out] = [0.25 / (scaled ** 2 + 0.25), scaled / Math.sqrt(scaled ** 2 + 0.25)];
      const estimate = combineLinearly([out, clean], [skip, x]);
      return { x: combineLinearly([Math.sqrt(a1), estimate], [Math.sqrt(1 - a1), noise]), estimate, state: [] };
    },
  };
}

/** Evenly picked from the timesteps of distillation, largest first. */
function lcmTimesteps(settings: typeof defaults, steps: number): number[] {
  const { original_inference_steps: original, num_train_timesteps } = settings;
  if (steps > original) {
    throw new UserError(
      'BAD_STEPS',
      `LCMScheduler was asked for ${steps} steps, but original_inference_steps allows at most ${original}.`,
    );
  }
  const ratio = Math.floor(num_train_timesteps / original);
  const timesteps = Array.from(
    { length: steps },
    (_, i) => (original - Math.floor(i * (original / steps))) * ratio - 1,
  );
  checkTimesteps(timesteps, settings);
  return timesteps;
}
