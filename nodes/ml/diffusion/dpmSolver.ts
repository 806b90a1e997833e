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
  algorithm_type: 'dpmsolver++',
  solver_type: 'midpoint',
  lower_order_final: true,
  euler_at_final: false,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
  flow_shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: 'exponential',
  final_sigmas_type: 'zero',
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  variance_type: null as string | null,
  thresholding: false,
};
const allowed = {
  ...trainedAllowed,
  prediction_type: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  solver_order: [1, 2, 3],
  algorithm_type: ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'deis'],
  solver_type: ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'],
  time_shift_type: ['exponential'],
  final_sigmas_type: ['zero', 'sigma_min'],
  variance_type: [null],
  thresholding: [false],
};

/**
 * DPM-Solver and DPM-Solver++, multistep, orders 1 to 3, and the stochastic SDE-DPM-Solver++ of orders 1 and 2.
 * Source: arXiv 2206.00927 (noise form), arXiv 2211.01095, algorithm 2 and appendix A (data form, SDE); diffusers
 * DPMSolverMultistepScheduler. The state holds the previous predictions, newest first.
 *
 *   m0, m1, m2    predictions (clean sample, or noise for 'dpmsolver') of this step and the ones before
 */
export function dpmSolver(config: SchedulerConfig): Scheduler {
  const settings = readDpmSettings(config);
  const { prediction_type, algorithm_type, use_flow_sigmas: flow } = settings;
  return {
    config,
    takesTimesteps: !isRespaced(config, settings) && !settings.use_lu_lambdas && !flow,
    plan: (steps, options = {}) => dpmPlan(config, settings, steps, options),
    needsNoise: (plan, i) => algorithm_type === 'sde-dpmsolver++' && solverPoint(plan, i + 1, flow).sigma > 0,
    level(plan, i) {
      const { alpha, sigma } = solverPoint(plan, i, flow);
      return { signal: alpha, noise: sigma };
    },
    scaleInput: (_plan, _i, x) => combineLinearly([1, x]),
    step(plan, i, { x, modelOutput, state, noise = x }) {
      const now = solverPoint(plan, i, flow);
      const [cleanX, cleanOutput] = cleanCoefficients(prediction_type, now.alpha, now.sigma);
      const estimate = combineLinearly([cleanX, x], [cleanOutput, modelOutput]);
      let prediction = estimate;
      if (algorithm_type === 'dpmsolver') {
        const [noiseX, noiseOutput] = noiseCoefficients(prediction_type, now.alpha, now.sigma);
        prediction = combineLinearly([noiseX, x], [noiseOutput, modelOutput]);
      }
      const next = dpmUpdate(settings, plan, i, { x, state, noise }, prediction, (at) => solverPoint(plan, at, flow));
      return { ...next, estimate };
    },
  };
}

type UpdateSettings = Pick<typeof defaults, 'algorithm_type' | 'solver_type'>;

/** One multistep update by the newest prediction and those of the state; `pointAt` gives the places of the plan. */
export function dpmUpdate<T extends Tensor>(
  settings: OrderSettings & UpdateSettings,
  plan: Plan,
  i: number,
  { x, state, noise }: { x: T; state: readonly T[]; noise: T },
  prediction: T,
  pointAt: (at: number) => SolverPoint,
): { x: T; state: T[] } {
  const predictions = [prediction, ...state].slice(0, settings.solver_order);
  const order = Math.min(orderAt(settings, plan, i), predictions.length);
  const points = Array.from({ length: order + 1 }, (_, k) => pointAt(i + 1 - k));
  const { ofX, ofPredictions, ofNoise } = dpmCoefficients(settings, points);
  const next = combineLinearly(
    [ofX, x],
    ...ofPredictions.map((coefficient, k) => [coefficient, predictions[k]!] as const),
    [ofNoise, noise],
  );
  return { x: next, state: predictions.slice(0, settings.solver_order - 1) };
}

/**
 * Coefficients of one update from `points[1]` (now) to `points[0]`; further points are past ones, one for each order
 * above the first. Source: arXiv 2211.01095, equation 4.1 and appendix B, written for both forms at once.
 *
 *   h         lambda' - lambda, step in log-SNR       hh   -h (data form), h (noise form), -2h (SDE)
 *   scale     alpha' (data), sigma' (noise)           first  scale * (e^hh - 1), without its infinities at sigma' = 0
 *   q0, q1    h / h0, h / h1: steps relative to the previous ones
 *   D1, D2    finite differences of the predictions, estimates of h m' and h^2 m''
 */
function dpmCoefficients(
  settings: UpdateSettings,
  points: readonly SolverPoint[],
): { ofX: number; ofPredictions: number[]; ofNoise: number } {
  const [next, now, ...past] = points as [SolverPoint, SolverPoint, ...SolverPoint[]];
  const stochastic = settings.algorithm_type === 'sde-dpmsolver++';
  const decay = (now.alpha * next.sigma) / (next.alpha * now.sigma); // e^-h
  const h = next.lambda - now.lambda;
  let [ofX, scale, hh] = [next.sigma / now.sigma, next.alpha, -h];
  let first = scale * (decay - 1);
  if (stochastic) [ofX, first, hh] = [ofX * decay, scale * (decay ** 2 - 1), -2 * h];
  if (settings.algorithm_type === 'dpmsolver') {
    [ofX, scale, hh] = [next.alpha / now.alpha, next.sigma, h];
    first = (next.alpha * now.sigma) / now.alpha - next.sigma;
  }
  const ofNoise = stochastic ? next.sigma * Math.sqrt(1 - decay ** 2) : 0;
  if (past.length === 0 || h === 0) return { ofX, ofPredictions: [-first], ofNoise };
  const ofD1 = scale - first / hh;
  const q0 = h / (now.lambda - past[0]!.lambda);
  if (past.length === 1) {
    const slope = q0 * (settings.solver_type === 'heun' ? ofD1 : -first / 2);
    return { ofX, ofPredictions: [slope - first, -slope], ofNoise };
  }
  const ofD2 = ofD1 / hh + scale / 2;
  const q1 = h / (past[0]!.lambda - past[1]!.lambda);
  const span = 1 / q0 + 1 / q1;
  const newer = q0 * (ofD1 * (1 + 1 / q0 / span) + ofD2 / span);
  const older = (-q1 * (ofD1 / q0 + ofD2)) / span;
  return { ofX, ofPredictions: [newer - first, older - newer, -older], ofNoise };
}

type OrderSettings = Pick<
  typeof defaults,
  'solver_order' | 'lower_order_final' | 'euler_at_final' | 'final_sigmas_type'
>;

/** Order of step i: rises from 1 as history grows and falls again at the end, where noise levels change fastest. */
export function orderAt(settings: OrderSettings, plan: Plan, i: number): number {
  const { solver_order, lower_order_final, euler_at_final, final_sigmas_type } = settings;
  const left = plan.timesteps.length - i;
  const few = lower_order_final && plan.timesteps.length < 15;
  if (left === 1 && (euler_at_final || few || final_sigmas_type === 'zero')) return 1;
  return left === 2 && few ? Math.min(solver_order, 2) : solver_order;
}

function readDpmSettings(config: SchedulerConfig): typeof defaults {
  const settings = readSettings(config, defaults, allowed);
  const { algorithm_type, solver_order, use_flow_sigmas } = settings;
  if (algorithm_type === 'sde-dpmsolver++' && solver_order === 3) throw unsupported(config, 'solver_order', 3, [1, 2]);
  const respaced = isRespaced(config, settings) || settings.use_lu_lambdas;
  if (use_flow_sigmas && respaced) throw unsupported(config, 'use_flow_sigmas with respaced sigmas', true, [false]);
  return { ...settings, algorithm_type: algorithm_type === 'deis' ? 'dpmsolver++' : algorithm_type };
}

function dpmPlan(config: SchedulerConfig, settings: typeof defaults, steps: number, options: PlanOptions): Plan {
  const { num_train_timesteps: count, use_karras_sigmas, use_lu_lambdas, beta_schedule } = settings;
  const table = trainingSigmas(positiveAlphasCumprod(settings));
  const logTable = table.map(Math.log);
  const clipped = logTable.reduce((total, logSigma) => total + Number(-logSigma < settings.lambda_min_clipped), 0);
  let timesteps = options.timesteps ?? solverTimesteps(settings, steps, count - clipped);
  let sigmas = timesteps.map((timestep) => interpolate(table, timestep));
  if (settings.use_flow_sigmas) {
    const shift = options.mu === undefined ? settings.flow_shift : Math.exp(options.mu);
    const rising = linspace(1, 1 / count, steps + 1).map((alpha) => shiftFlow(1 - alpha, shift));
    sigmas = rising.reverse().slice(0, -1);
    timesteps = sigmas.map((sigma) => Math.trunc(sigma * count));
  } else if (isRespaced(config, settings) || use_lu_lambdas) {
    const respacing = use_lu_lambdas && !use_karras_sigmas ? { ...settings, use_exponential_sigmas: true } : settings;
    sigmas = respacedSigmas(respacing, table[0]!, table[table.length - 1]!, steps);
    const round = (use_karras_sigmas || use_lu_lambdas) && beta_schedule !== 'squaredcos_cap_v2';
    timesteps = sigmas
      .map((sigma) => sigmaToTimestep(sigma, logTable))
      .map((timestep) => Math.trunc(round ? roundHalfEven(timestep) : timestep));
  } else refuseRepeats(timesteps, settings);
  sigmas = [...sigmas, settings.final_sigmas_type === 'zero' ? 0 : table[0]!].map(Math.fround);
  return { timesteps, sigmas, initNoiseSigma: 1, eta: options.eta ?? 0 };
}
