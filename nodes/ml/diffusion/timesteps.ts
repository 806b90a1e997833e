import { UserError } from '../../errors.ts';
import type { TrainedSettings } from './settings.ts';

/** `count` evenly spaced values with both ends, in the arithmetic of numpy; one value is the start. */
export function linspace(start: number, end: number, count: number): number[] {
  const step = (end - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === 0 ? start : i === count - 1 ? end : i * step + start));
}

/** Nearest integer, halves to the even one, as numpy and PyTorch round. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Training timesteps for `steps` calls of the model, falling; linspace ones are fractions.
 * Source: arXiv 2305.08891, table 2; diffusers.
 */
export function spacedTimesteps(settings: TrainedSettings, steps: number): number[] {
  const { num_train_timesteps: count, timestep_spacing, steps_offset } = settings;
  if (timestep_spacing === 'linspace') return linspace(0, count - 1, steps).reverse();
  if (timestep_spacing === 'trailing') return trailingTimesteps(count, count / steps);
  const ratio = Math.floor(count / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + steps_offset);
}

/**
 * As `spacedTimesteps` for DPM-Solver and UniPC, which take one point more and drop the smallest, in integers.
 * `last` bounds the schedule from above: `num_train_timesteps` unless DPM-Solver clips the smallest log-SNR.
 */
export function solverTimesteps(settings: TrainedSettings, steps: number, last: number): number[] {
  const { num_train_timesteps: count, timestep_spacing, steps_offset } = settings;
  if (timestep_spacing === 'trailing') return trailingTimesteps(last, count / steps);
  if (timestep_spacing === 'linspace') {
    return linspace(0, last - 1, steps + 1)
      .map(roundHalfEven)
      .reverse()
      .slice(0, -1);
  }
  const ratio = Math.floor(last / (steps + 1));
  return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + steps_offset);
}

/**
 * last - 1 downwards in steps of `ratio`, rounded. Where floating point makes numpy's arange end with a spurious 0
 * (e.g. 61 steps of 1000), diffusers runs the model once more at timestep -1; that entry is left out here.
 */
function trailingTimesteps(last: number, ratio: number): number[] {
  const step = last - ratio - last;
  return Array.from({ length: Math.ceil(last / ratio) }, (_, i) => roundHalfEven(last + i * step) - 1).filter(
    (timestep) => timestep >= 0,
  );
}

/** Throws UserError `BAD_STEPS` where a timestep lies outside of training. */
export function checkTimesteps(timesteps: readonly number[], settings: TrainedSettings): void {
  const { num_train_timesteps: count, timestep_spacing, steps_offset } = settings;
  if (timesteps.every((timestep) => timestep >= 0 && timestep < count)) return;
  throw new UserError(
    'BAD_STEPS',
    `${timesteps.length} steps with ${timestep_spacing} spacing and steps_offset ${steps_offset} reach timestep ${Math.max(...timesteps)}, but the model was trained on 0 to ${count - 1}. Use fewer steps.`,
  );
}

/**
 * Throws UserError `BAD_STEPS` where a timestep occurs twice: between two of one noise level a solver divides by zero, and
 * diffusers fails or gives NaN.
 */
export function refuseRepeats(
  timesteps: readonly number[],
  { timestep_spacing, num_train_timesteps }: TrainedSettings,
): void {
  const repeated = timesteps.find((timestep, i) => timestep === timesteps[i - 1]);
  if (repeated === undefined) return;
  throw new UserError(
    'BAD_STEPS',
    `${timesteps.length} steps with ${timestep_spacing} spacing come to timestep ${repeated} twice, because the solver needs one step more than the ${num_train_timesteps} of training have. Use fewer steps.`,
  );
}
