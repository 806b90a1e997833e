import type { Tensor } from '../tf.ts';
import {
  cleanOfEdm,
  edmInitialDeviation,
  edmInputScale,
  edmSigmas,
  edmTimestep,
  isEdm,
  readEdmSettings,
} from './edm.ts';
import { eulerPlan, isContinuous, readEulerSettings, takesTimesteps } from './euler.ts';
import { cleanAtLevel } from './noiseLevels.ts';
import { positiveAlphasCumprod, trainingSigmas } from './noiseSchedule.ts';
import type { Plan, PlanOptions, SchedulerConfig } from './scheduler.ts';
import { exponentialSigmas, sigmaToTimestep } from './sigmas.ts';

/** How a model sees x = clean + sigma * noise at any noise level sigma, for the samplers in noise levels. */
export interface NoiseSpace {
  /** The levels of training, rising. */
  readonly table: Float32Array;
  /** Whether `ownPlan` can take timesteps that are stated. */
  readonly takesTimesteps: boolean;
  /** The levels of the model's own spacing, and the deviation of the first x. Throws UserError `BAD_STEPS` or `UNSUPPORTED`. */
  ownPlan(
    steps: number,
    options: PlanOptions,
  ): Pick<Plan, 'timesteps' | 'initNoiseSigma'> & Required<Pick<Plan, 'sigmas'>>;
  /** What the model is told of a level between those of its own spacing. */
  ownTimestep(sigma: number): number;
  /** What the model is told of a level of any other schedule. */
  timestep(sigma: number): number;
  /** Multiplies x to what the model sees. */
  inputScale(sigma: number): number;
  /** The clean sample that a model output stands for. */
  clean<T extends Tensor>(sigma: number, x: T, modelOutput: T): T;
}

/** The noise levels on which the model of a config was trained. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function noiseSpace(config: SchedulerConfig): NoiseSpace {
  return isEdm(config) ? edmSpace(config) : trainedSpace(config);
}

/**
 * Levels of a table of training timesteps. Between the model's own levels it is asked at fractions of a timestep, as in
 * k-diffusion; over another schedule at the whole timestep that is nearest in log sigma, as in ComfyUI.
 */
function trainedSpace(config: SchedulerConfig): NoiseSpace {
  const settings = readEulerSettings(config);
  const { prediction_type } = settings;
  const table = trainingSigmas(positiveAlphasCumprod(settings));
  const logTable = table.map(Math.log);
  return {
    table,
    takesTimesteps: takesTimesteps(config, settings),
    ownPlan: (steps, options) => eulerPlan(config, settings, steps, options),
    ownTimestep: (sigma) => (isContinuous(settings) ? 0.25 * Math.log(sigma) : sigmaToTimestep(sigma, logTable)),
    timestep: (sigma) => nearestTimestep(sigma, logTable),
    inputScale: (sigma) => 1 / Math.sqrt(sigma ** 2 + 1),
    clean: (sigma, x, modelOutput) => cleanAtLevel(prediction_type, sigma, x, modelOutput),
  };
}

/** Levels without a table: schedules take 1000 that rise evenly in log sigma. Source: ComfyUI ModelSamplingContinuousEDM. */
function edmSpace(config: SchedulerConfig): NoiseSpace {
  const settings = readEdmSettings(config);
  const { sigma_min, sigma_max, final_sigmas_type } = settings;
  return {
    table: Float32Array.from(exponentialSigmas(sigma_min, sigma_max, 1000)).reverse(),
    takesTimesteps: false,
    ownPlan(steps) {
      const levels = edmSigmas(settings, steps);
      const sigmas = [...levels, final_sigmas_type === 'zero' ? 0 : levels.at(-1)!];
      return { timesteps: levels.map(edmTimestep), sigmas, initNoiseSigma: edmInitialDeviation(settings) };
    },
    ownTimestep: edmTimestep,
    timestep: edmTimestep,
    inputScale: (sigma) => edmInputScale(settings, sigma),
    clean: (sigma, x, modelOutput) => cleanOfEdm(settings, sigma, x, modelOutput),
  };
}

/** Training timestep whose level is nearest in log sigma. */
export function nearestTimestep(sigma: number, logTable: Float32Array): number {
  const logSigma = Math.log(sigma);
  const distances = logTable.map((each) => Math.abs(each - logSigma));
  return distances.reduce((nearest, distance, i) => (distance < distances[nearest]! ? i : nearest), 0);
}
