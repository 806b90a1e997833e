import { UserError } from '../../errors.ts';
import type { Tensor } from '../tf.ts';
import { combineLinearly } from './combineLinearly.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import { cleanCoefficients, noiseCoefficients } from './prediction.ts';
import type { Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { checkTimesteps, roundHalfEven, spacedTimesteps } from './timesteps.ts';

const defaults = { ...trainedDefaults, skip_prk_steps: false, set_alpha_to_one: false };
const allowed = {
  ...trainedAllowed,
  prediction_type: ['epsilon', 'v_prediction'],
  rescale_betas_zero_snr: [false],
};
/** Three Runge-Kutta steps of four model calls each start the history, unless skipped. */
const RUNGE_KUTTA_CALLS = 12;

/** What one call of the model contributes: the outputs to mix, the step to take with the mix, and what to remember. */
interface PndmMove<T extends Tensor> {
  readonly mix: readonly (readonly [weight: number, output: T])[];
  readonly from: number;
  readonly to: number;
  readonly anchor: T;
  readonly history: readonly T[];
}

/**
 * Pseudo numerical methods for diffusion models: linear multistep of order 4 (PLMS), started by Runge-Kutta steps or,
 * with skip_prk_steps, by lower orders and one repeated step.
 * Source: arXiv 2202.09778, equations 9, 12, 13 and algorithm 2; diffusers PNDMScheduler, which mixes model outputs
 * before turning v into noise. The state holds the sample that a repeated step starts from, then outputs, newest first.
 *
 *   a, a'    alphaBar at the timesteps stepped from and to
 *   x'       sqrt(a'/a) x - (a' - a) noise / (a sqrt(1 - a') + sqrt(a (1 - a) a'))
 */
export function pndm(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  const { prediction_type, num_train_timesteps: count } = settings;
  const alphaBars = alphasCumprod(settings);
  const alphaBarAt = (t: number) => (t >= 0 ? alphaBars[t]! : settings.set_alpha_to_one ? 1 : alphaBars[0]!);
  return {
    config,
    plan: (steps, { eta = 0 } = {}) => ({ timesteps: pndmTimesteps(settings, steps), initNoiseSigma: 1, eta }),
    needsNoise: () => false,
    level(plan, i) {
      const a = alphaBarAt(plan.timesteps[i]!);
      return { signal: Math.sqrt(a), noise: Math.sqrt(1 - a) };
    },
    canBegin: (_plan, i) => i === 0,
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, state }) {
      const t = plan.timesteps[i]!;
      const starting = !settings.skip_prk_steps && i < RUNGE_KUTTA_CALLS;
      const stride = Math.floor(count / requestedSteps(settings, plan.timesteps.length));
      const move = starting
        ? rungeKuttaMove(plan.timesteps, i, stride, x, modelOutput, state)
        : multistepMove(t, settings.skip_prk_steps && i === 1, stride, x, modelOutput, state);
      const mixed = combineLinearly(...move.mix);
      const [a, a1] = [alphaBarAt(move.from), alphaBarAt(move.to)];
      const [alpha, sigma] = [Math.sqrt(a), Math.sqrt(1 - a)];
      const ofNoise = (a - a1) / (a * Math.sqrt(1 - a1) + Math.sqrt(a * (1 - a) * a1));
      const [noiseX, noiseOutput] = noiseCoefficients(prediction_type, alpha, sigma);
      const [cleanX, cleanOutput] = cleanCoefficients(prediction_type, alpha, sigma);
      const { anchor } = move;
      const noise = combineLinearly([noiseX, anchor], [noiseOutput, mixed]);
      const next = combineLinearly([Math.sqrt(a1 / a), anchor], [ofNoise, noise]);
      return {
        x: next,
        estimate: combineLinearly([cleanX, anchor], [cleanOutput, mixed]),
        state: [anchor, ...move.history],
      };
    },
  };
}

/** One of the four calls of a Runge-Kutta step from the timestep of the first: arXiv 2202.09778, equation 13. */
function rungeKuttaMove<T extends Tensor>(
  timesteps: readonly number[],
  i: number,
  stride: number,
  x: T,
  output: T,
  state: readonly T[],
): PndmMove<T> {
  const [anchor = x, ...history] = state;
  const [from, half] = [timesteps[i - (i % 4)]!, Math.floor(stride / 2)];
  const to = timesteps[i]! - (i % 2 === 0 ? half : 0);
  if (i % 4 === 0) return { mix: [[1, output]], from, to, anchor: x, history: [output, ...history] };
  if (i % 4 < 3) return { mix: [[1, output]], from, to, anchor, history: [output, ...history] };
  const weights = [1 / 6, 1 / 3, 1 / 3, 1 / 6];
  const mix = [output, ...history.slice(0, 3)].map((slope, k) => [weights[k]!, slope] as const);
  return { mix, from, to, anchor, history: history.slice(2) };
}

/** Adams-Bashforth weights of the newest outputs, by how many there are: arXiv 2202.09778, equation 12. */
const adamsBashforth: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** A step of the linear multistep method; `repeated` redoes the first step with the mean of both of its slopes. */
function multistepMove<T extends Tensor>(
  t: number,
  repeated: boolean,
  stride: number,
  x: T,
  output: T,
  state: readonly T[],
): PndmMove<T> {
  const [anchor = x, ...past] = state;
  if (repeated) {
    const mix = [output, past[0]!].map((slope) => [0.5, slope] as const);
    return { mix, from: t + stride, to: t, anchor, history: past };
  }
  const history = [output, ...past.slice(0, 3)];
  const weights = adamsBashforth[history.length - 1]!;
  const mix = history.map((slope, k) => [weights[k]!, slope] as const);
  return { mix, from: t, to: t - stride, anchor: x, history };
}

function pndmTimesteps(settings: typeof defaults, steps: number): number[] {
  const falling = spacedTimesteps(settings, steps).map(roundHalfEven);
  checkTimesteps(falling, settings);
  if (settings.skip_prk_steps) return steps === 1 ? falling : [falling[0]!, falling[1]!, ...falling.slice(1)];
  if (steps < 4) {
    throw new UserError(
      'BAD_STEPS',
      `PNDMScheduler was asked for ${steps} steps, but needs at least 4 (or skip_prk_steps).`,
    );
  }
  const half = Math.floor(Math.floor(settings.num_train_timesteps / steps) / 2);
  const halves = falling.slice(0, 4).flatMap((timestep) => [timestep + half, timestep]);
  const calls = halves.slice(1).flatMap((timestep) => [timestep, timestep]);
  return [...calls.slice(1, -1), ...falling.slice(3)];
}

/** The number of steps asked for, from the number of model calls it led to. */
function requestedSteps(settings: typeof defaults, calls: number): number {
  if (settings.skip_prk_steps) return calls === 1 ? 1 : calls - 1;
  return calls - RUNGE_KUTTA_CALLS + 3;
}
