import { UserError } from '../../errors.ts';
import { combineLinearly } from './combineLinearly.ts';
import { readLevels } from './noiseLevels.ts';
import { cleanCoefficients } from './prediction.ts';
import type { PlanOptions, Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings } from './settings.ts';
import { isRespaced, respacedSigmas, respacingDefaults } from './sigmas.ts';
import { shiftFlow } from './solverPoint.ts';
import { linspace } from './timesteps.ts';

const defaults = {
  ...respacingDefaults,
  num_train_timesteps: 1000,
  shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: 'exponential',
  shift_terminal: null as number | null,
  invert_sigmas: false,
  stochastic_sampling: false,
};
const allowed = { time_shift_type: ['exponential', 'linear'], invert_sigmas: [false] };

/**
 * Euler's method along the straight paths of flow matching: x = (1 - sigma) clean + sigma noise, the model predicts
 * noise - clean. Source: arXiv 2209.03003, section 2.1; shift: arXiv 2403.03206, equation 23; diffusers
 * FlowMatchEulerDiscreteScheduler.
 *
 *   sigma, sigma'   noise level now and next
 */
export function flowEuler(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  return {
    config,
    plan(steps, options = {}) {
      const sigmas = flowEulerSigmas(config, settings, steps, options).map(Math.fround);
      const timesteps = sigmas.map((sigma) => Math.fround(sigma * settings.num_train_timesteps));
      return { timesteps, sigmas: [...sigmas, 0], initNoiseSigma: 1, eta: options.eta ?? 0 };
    },
    needsNoise: (plan, i) => settings.stochastic_sampling && i + 1 < plan.timesteps.length,
    level(plan, i) {
      const { sigma } = readLevels(plan, i);
      return { signal: 1 - sigma, noise: sigma };
    },
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, noise = x }) {
      const { sigma, next } = readLevels(plan, i);
      const [ofX, ofOutput] = cleanCoefficients('flow_prediction', 1 - sigma, sigma);
      const estimate = combineLinearly([ofX, x], [ofOutput, modelOutput]);
      const stepped = settings.stochastic_sampling
        ? combineLinearly([1 - next, estimate], [next, noise])
        : combineLinearly([1, x], [next - sigma, modelOutput]);
      return { x: stepped, estimate, state: [] };
    },
  };
}

/** Falling noise levels. Without dynamic shifting the smallest one is shifted twice, as in diffusers. */
function flowEulerSigmas(
  config: SchedulerConfig,
  settings: typeof defaults,
  steps: number,
  { mu }: PlanOptions,
): number[] {
  const { num_train_timesteps: count, use_dynamic_shifting: dynamic, shift_terminal: terminal } = settings;
  const shift = dynamic ? dynamicShift(config, settings, mu) : settings.shift;
  const smallest = Math.fround(dynamic ? 1 / count : shiftFlow(1 / count, shift));
  let sigmas = linspace(count, smallest * count, steps).map((timestep) => shiftFlow(timestep / count, shift));
  if (terminal !== null && terminal !== 0 && steps > 1) {
    const stretch = (1 - terminal) / (1 - sigmas[sigmas.length - 1]!);
    sigmas = sigmas.map((sigma) => 1 - (1 - sigma) * stretch);
  }
  if (!isRespaced(config, settings)) return sigmas;
  return respacedSigmas(settings, sigmas[sigmas.length - 1]!, sigmas[0]!, steps);
}

function dynamicShift(config: SchedulerConfig, settings: typeof defaults, mu: number | undefined): number {
  if (mu === undefined) {
    throw new UserError(
      'UNSUPPORTED',
      `${config._class_name} with use_dynamic_shifting needs a shift mu for the image's size.`,
    );
  }
  return settings.time_shift_type === 'exponential' ? Math.exp(mu) : mu;
}
