import { UserError } from '../../errors.ts';
import type { Tensor } from '../tf.ts';
import { combineLinearly } from './combineLinearly.ts';
import { positiveAlphasCumprod, trainingSigmas } from './noiseSchedule.ts';
import { cleanCoefficients, noiseCoefficients } from './prediction.ts';
import type { Plan, PlanOptions, Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults, unsupported } from './settings.ts';
import { interpolate, isRespaced, respacedSigmas, respacingDefaults, sigmaToTimestep } from './sigmas.ts';
import { type SolverPoint, shiftFlow, solverPoint } from './solverPoint.ts';
import { linspace, refuseRepeats, roundHalfEven, solverTimesteps } from './timesteps.ts';

const defaults = {
  ...trainedDefaults,
  ...respacingDefaults,
  timestep_spacing: 'linspace',
  solver_order: 2,
  predict_x0: true,
  solver_type: 'bh2',
  lower_order_final: true,
  disable_corrector: [] as readonly number[],
  solver_p: null,
  use_flow_sigmas: false,
  flow_shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: 'exponential',
  shift_terminal: null as number | null,
  final_sigmas_type: 'zero',
  sigma_min: null as number | null,
  sigma_max: null as number | null,
  thresholding: false,
};
const allowed = {
  ...trainedAllowed,
  prediction_type: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  solver_type: ['bh1', 'bh2', 'midpoint', 'heun', 'logrho'],
  solver_p: [null],
  shift_terminal: [null],
  time_shift_type: ['exponential'],
  final_sigmas_type: ['zero', 'sigma_min'],
  thresholding: [false],
};

/**
 * UniPC: a multistep predictor of any order, and a corrector that improves the last step with the model's new output.
 * Source: arXiv 2302.04867, algorithms 5 to 8; diffusers UniPCMultistepScheduler. The state holds the sample before the
 * last predictor, then the previous predictions, newest first.
 *
 *   m0, m1, ...    predictions (clean sample, or noise without predict_x0) of this step and the ones before
 */
export function uniPc(config: SchedulerConfig): Scheduler {
  const settings = readSettings(config, defaults, allowed);
  const { prediction_type, predict_x0, use_flow_sigmas: flow, solver_order, disable_corrector } = settings;
  if (flow && isRespaced(config, settings)) {
    throw unsupported(config, 'use_flow_sigmas with respaced sigmas', true, [false]);
  }
  return {
    config,
    plan: (steps, options = {}) => uniPcPlan(config, settings, steps, options),
    needsNoise: () => false,
    level(plan, i) {
      const { alpha, sigma } = solverPoint(plan, i, flow);
      return { signal: alpha, noise: sigma };
    },
    canBegin: (_plan, i) => i === 0,
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, state }) {
      const point = (k: number) => solverPoint(plan, k, flow);
      const { alpha, sigma } = point(i);
      const [cleanX, cleanOutput] = cleanCoefficients(prediction_type, alpha, sigma);
      const [noiseX, noiseOutput] = noiseCoefficients(prediction_type, alpha, sigma);
      const estimate = combineLinearly([cleanX, x], [cleanOutput, modelOutput]);
      const m0 = predict_x0 ? estimate : combineLinearly([noiseX, x], [noiseOutput, modelOutput]);
      const [before, ...past] = state;
      let corrected = x;
      if (i > 0 && !disable_corrector.includes(i - 1)) {
        const order = orderAt(settings, plan, i - 1);
        const points = Array.from({ length: order + 1 }, (_, k) => point(i - k));
        const weights = uniPcCoefficients(settings, points, true);
        corrected = update(weights.ofX, before!, weights.ofPredictions, [m0, ...past]);
      }
      const order = orderAt(settings, plan, i);
      const points = Array.from({ length: order + 1 }, (_, k) => point(i + 1 - k));
      const { ofX, ofPredictions } = uniPcCoefficients(settings, points, false);
      const next = update(ofX, corrected, ofPredictions, [m0, ...past]);
      return { x: next, estimate, state: [corrected, m0, ...past].slice(0, solver_order + 1) };
    },
  };
}

function update<T extends Tensor>(ofX: number, x: T, weights: readonly number[], predictions: readonly T[]): T {
  return combineLinearly([ofX, x], ...weights.map((weight, k) => [weight, predictions[k]!] as const));
}

/**
 * Coefficients of one update from `points[1]` to `points[0]` with further past points. The predictor weighs the
 * predictions at points[1], points[2], ...; the corrector also, and first, the new one at points[0].
 * Source: arXiv 2302.04867, equations 3 and 8 to 12.
 *
 *   h, hh      step in log-SNR; -h in data form, h in noise form
 *   r_k        (lambda_k - lambda_now) / h, relative place of a further prediction (1: the new one)
 *   rho        solution of sum_k rho_k r_k^(j-1) = b_j, j = 1, 2, ...
 *   B          hh (bh1) or e^hh - 1 (bh2)
 *   b_j        j! phi_(j+1)(hh) hh / B, phi by its recurrence
 */
export function uniPcCoefficients(
  settings: { readonly predict_x0: boolean; readonly solver_type: string },
  points: readonly SolverPoint[],
  corrector: boolean,
): { ofX: number; ofPredictions: number[] } {
  const [next, now, ...past] = points as [SolverPoint, SolverPoint, ...SolverPoint[]];
  const data = settings.predict_x0;
  const h = next.lambda - now.lambda;
  const hh = data ? -h : h;
  const ofX = data ? next.sigma / now.sigma : next.alpha / now.alpha;
  const scale = data ? next.alpha : next.sigma;
  const first = data
    ? (next.sigma * now.alpha) / now.sigma - next.alpha
    : (next.alpha * now.sigma) / now.alpha - next.sigma;
  const places = past.map(({ lambda }) => (lambda - now.lambda) / h);
  if (corrector) places.push(1);
  const base = settings.solver_type === 'bh1' ? hh : Math.expm1(hh);
  const rhos = uniPcWeights(places, hh, base);
  const slopes = rhos.map((rho, k) => (-scale * base * rho) / places[k]!);
  const ofNow = -first - slopes.reduce((sum, slope) => sum + slope, 0);
  return {
    ofX,
    ofPredictions: corrector ? [slopes[slopes.length - 1]!, ofNow, ...slopes.slice(0, -1)] : [ofNow, ...slopes],
  };
}

/** rho for the given relative places; a single unknown is 1/2, as the paper and diffusers fix it. */
function uniPcWeights(places: readonly number[], hh: number, base: number): number[] {
  if (places.length <= 1) return places.map(() => 0.5);
  const powers = places.map((_, j) => places.map((place) => place ** j));
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  const target = places.map((_, j) => {
    const value = (phi * factorial) / base;
    factorial *= j + 2;
    phi = phi / hh - 1 / factorial;
    return value;
  });
  return solveLinear(powers, target);
}

/** Gaussian elimination with partial pivoting, for the handful of unknowns here. */
function solveLinear(matrix: readonly (readonly number[])[], target: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, target[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const rest = rows.slice(column).map((row) => Math.abs(row[column]!));
    const at = column + rest.indexOf(Math.max(...rest));
    const pivot = rows[at]!;
    rows[at] = rows[column]!;
    for (const [i, row] of rows.entries()) {
      const factor = i === column ? 0 : row[column]! / pivot[column]!;
      rows[i] = i === column ? pivot : row.map((value, k) => value - factor * pivot[k]!);
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}

/** Order of step i: rises from 1 as history grows; the last steps fall back, and a step of infinite or no length is of order 1. */
function orderAt(settings: typeof defaults, plan: Plan, i: number): number {
  const left = plan.timesteps.length - i;
  const sigmas = plan.sigmas ?? [];
  if (sigmas[i + 1] === 0 || sigmas[i + 1] === sigmas[i]) return 1;
  return Math.min(settings.solver_order, i + 1, settings.lower_order_final ? left : Number.POSITIVE_INFINITY);
}

function uniPcPlan(config: SchedulerConfig, settings: typeof defaults, steps: number, options: PlanOptions): Plan {
  const { num_train_timesteps: count, use_karras_sigmas } = settings;
  const table = trainingSigmas(positiveAlphasCumprod(settings));
  let timesteps = solverTimesteps(settings, steps, count);
  let sigmas = timesteps.map((timestep) => interpolate(table, timestep));
  let smallest = table[0]!;
  if (settings.use_flow_sigmas) {
    const shift = flowShift(config, settings, options);
    sigmas = linspace(1, 1 / count, steps + 1).map((sigma) => shiftFlow(sigma, shift));
    sigmas.pop();
    sigmas[0] = Math.min(sigmas[0]!, 1 - 1e-6); // log-SNR stays finite
    timesteps = sigmas.map((sigma) => Math.trunc(sigma * count));
    smallest = sigmas[sigmas.length - 1]!;
  } else if (isRespaced(config, settings)) {
    const [min, max] = [settings.sigma_min ?? table[0]!, settings.sigma_max ?? table[table.length - 1]!];
    sigmas = respacedSigmas(settings, min, max, steps);
    const logTable = table.map(Math.log);
    const fractions = sigmas.map((sigma) => sigmaToTimestep(sigma, logTable));
    timesteps = fractions.map(use_karras_sigmas ? roundHalfEven : Math.trunc);
    smallest = sigmas[sigmas.length - 1]!;
  } else refuseRepeats(timesteps, settings);
  sigmas = [...sigmas, settings.final_sigmas_type === 'zero' ? 0 : smallest].map(Math.fround);
  return { timesteps, sigmas, initNoiseSigma: 1, eta: options.eta ?? 0 };
}

function flowShift(config: SchedulerConfig, settings: typeof defaults, { mu }: PlanOptions): number {
  if (!settings.use_dynamic_shifting) return settings.flow_shift;
  if (mu !== undefined) return Math.exp(mu);
  throw new UserError(
    'UNSUPPORTED',
    `${config._class_name} with use_dynamic_shifting needs a shift mu for the image's size.`,
  );
}
