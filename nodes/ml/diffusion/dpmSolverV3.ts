import { UserError } from '../../errors.ts';
import { add, mul, type Tensor, tensor } from '../tf.ts';
import { alphaSigma, type LogSnr, logSnr } from './logSnr.ts';
import { positiveAlphasCumprod } from './noiseSchedule.ts';
import { cleanCoefficients, noiseCoefficients } from './prediction.ts';
import type { Plan, Scheduler, SchedulerConfig, StepInput } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { type Integrals, integrate, lambdaGrid, plainStatistics, type SolverStatistics } from './solverIntegrals.ts';
import { linspace, roundHalfEven } from './timesteps.ts';

/** How steps are taken; the released script's for guided models by default. */
export interface DpmV3Options {
  /** 1 to 3, 2 with guidance and 3 without. */
  readonly order: number;
  /** Each step corrects the one before by the model's answer to it; for guidance below 5. */
  readonly corrector: boolean;
  /** The highest derivatives by leading divided differences: for 5 steps. */
  readonly predictorPseudo: boolean;
  readonly correctorPseudo: boolean;
  readonly lowerOrderFinal: boolean;
  /** The corrector acts only above this time. */
  readonly correctAbove: number;
  /** Even steps of time (for latents) or of lambda. */
  readonly spacing: 'time' | 'lambda';
}
export const dpmV3Defaults: DpmV3Options = {
  order: 2,
  corrector: false,
  predictorPseudo: false,
  correctorPseudo: true,
  lowerOrderFinal: true,
  correctAbove: 0,
  spacing: 'time',
};

/** What a step adds up: x_t = ofX x_s + sum_j ofF[j] f_j + constant, each a number or one for each element. */
interface Update {
  readonly ofX: Float32Array;
  readonly ofF: readonly Float32Array[];
  readonly constant: Float32Array;
}

/**
 * DPM-Solver-v3: an exponential integrator whose linear term, scale and bias are statistics of the model. Without statistics
 * (l = 1, s = b = 0) it is DPM-Solver++ in its Taylor form. The result is x at the smallest noise level of training.
 * Source: arXiv 2310.13268, equations 8 to 14 and algorithm 2; thu-ml/DPM-Solver-v3
 *
 *   lambda_i   grid of half log signal-to-noise ratios, even from t = 1 to 1 / N; all times lie on it
 *   f          (sigma eps - l x) / alpha
 *   L S I B C  integrals of the statistics, see `integrate`
 */
export function dpmSolverV3(
  config: SchedulerConfig,
  statistics: SolverStatistics = plainStatistics,
  options: DpmV3Options = dpmV3Defaults,
): Scheduler {
  const settings = readSettings(config, trainedDefaults, trainedAllowed);
  const snr = logSnr(positiveAlphasCumprod(settings));
  const lambdas = lambdaGrid(snr, statistics.grid);
  let integrals: Integrals | undefined;
  const updates = new Map<string, Update>();
  const updateOf = (to: number, nodes: readonly number[], pseudo: boolean): Update => {
    integrals ??= integrate(statistics, lambdas);
    const key = `${to} ${nodes.join()} ${pseudo}`;
    const known = updates.get(key) ?? updateBetween(integrals, lambdas, to, nodes, pseudo);
    updates.set(key, known);
    return known;
  };
  const pointsOf = rememberPoints(snr, lambdas, options.spacing);
  const spread = (values: Float32Array) => tensor(values, values.length === 1 ? [] : [...statistics.shape]);
  const advance = ({ ofX, ofF, constant }: Update, x: Tensor, fs: readonly Tensor[]): Tensor =>
    ofF.reduce((sum, each, j) => add(sum, mul(fs[j]!, spread(each))), add(mul(x, spread(ofX)), spread(constant)));
  const orderAt = (i: number, steps: number) => {
    const most = Math.min(i + 1, options.order);
    return options.lowerOrderFinal ? Math.min(most, steps - i) : most;
  };

  return {
    config,
    plan(steps, { eta = 0 } = {}) {
      const timesteps = spacedPoints(snr, lambdas, options.spacing, steps)
        .slice(0, -1)
        .map((point) => snr.count * snr.timeAt(lambdas[point]!) - 1);
      return { timesteps, initNoiseSigma: 1, eta };
    },
    needsNoise: () => false,
    level(plan, i) {
      const [signal, noise] = alphaSigma(lambdas[pointsOf(plan)[i]!]!);
      return { signal, noise };
    },
    canBegin: (_plan, i) => i === 0,
    scaleInput: (_plan, _i, x) => x.clone() as typeof x,
    step<T extends Tensor>(plan: Plan, i: number, { x, modelOutput, state }: StepInput<T>) {
      const points = pointsOf(plan);
      const steps = points.length - 1;
      const point = points[i]!;
      const [alpha, sigma] = alphaSigma(lambdas[point]!);
      const [noiseOfX, noiseOfOutput] = noiseCoefficients(settings.prediction_type, alpha, sigma);
      const [cleanOfX, cleanOfOutput] = cleanCoefficients(settings.prediction_type, alpha, sigma);
      const size = statistics.l.length / (statistics.grid + 1);
      const own = statistics.l.subarray(point * size, (point + 1) * size); // l at this point
      const ofX = own.map((l) => (sigma * noiseOfX - l) / alpha);
      const f = add(mul(x, spread(ofX)), mul(modelOutput, (sigma * noiseOfOutput) / alpha));
      const [before, ...older] = state as readonly Tensor[];
      let corrected: Tensor = x;
      const order = i === 0 ? 1 : orderAt(i - 1, steps) + (options.correctorPseudo ? 1 : 0);
      if (options.corrector && order > 1 && before && snr.timeAt(lambdas[point]!) > options.correctAbove) {
        const nodes = [points[i - 1]!, point, ...points.slice(0, i - 1).reverse()].slice(0, order);
        const [previous, ...rest] = older;
        corrected = advance(updateOf(point, nodes, options.correctorPseudo), before, [previous!, f, ...rest]);
      }
      const fs = [f, ...older];
      const nodes = points
        .slice(0, i + 1)
        .reverse()
        .slice(0, orderAt(i, steps));
      const next = advance(updateOf(points[i + 1]!, nodes, options.predictorPseudo), corrected, fs);
      const estimate = add(mul(x, cleanOfX), mul(modelOutput, cleanOfOutput));
      return { x: next as T, estimate: estimate as T, state: [corrected, ...fs.slice(0, options.order)] as T[] };
    },
  };
}

/** The grid points of a plan's times, the end included. */
function rememberPoints(
  snr: LogSnr,
  lambdas: readonly number[],
  spacing: DpmV3Options['spacing'],
): (plan: Plan) => readonly number[] {
  const remembered = new Map<number, readonly number[]>();
  return ({ timesteps: { length: steps } }) => {
    const points = remembered.get(steps) ?? spacedPoints(snr, lambdas, spacing, steps);
    remembered.set(steps, points);
    return points;
  };
}

/** steps + 1 grid points from the noisy end on. Throws UserError `BAD_STEPS` where two are one. */
export function spacedPoints(
  snr: LogSnr,
  lambdas: readonly number[],
  spacing: DpmV3Options['spacing'],
  steps: number,
): number[] {
  const grid = lambdas.length - 1;
  const [first, last] = [lambdas[0]!, lambdas[grid]!];
  const even =
    spacing === 'time'
      ? linspace(snr.timeAt(first), 1 / snr.count, steps + 1).map(snr.lambdaAt)
      : linspace(first, last, steps + 1);
  const points = even.map((lambda) => roundHalfEven((grid * (lambda - first)) / (last - first)));
  const twice = points.find((point, i) => point === points[i - 1]);
  if (twice === undefined) return points;
  throw new UserError(
    'BAD_STEPS',
    `${steps} steps come to point ${twice} of the ${grid} of the solver statistics twice. Use fewer steps, or statistics of a finer grid.`,
  );
}

/**
 * The step from the grid point nodes[0] = s to `to`, of the order nodes.length: g_j = e^(S_s - S_j) f_j - e^S_s (B_j - B_s) at
 * the nodes give the derivatives g^(k) at s, and
 * x_t = a_t / a_s e^(L_s - L_t) x_s - a_t e^(-L_t - S_s) (I_t - I_s) g_0 - a_t e^-L_t (C_t - C_s - B_s (I_t - I_s))
 *       - a_t e^(L_s - L_t) sum_k E_k g^(k),  E_k = int_s^t e^(L + S - L_s - S_s) (lambda - lambda_s)^k / k!.
 */
function updateBetween(
  { size, L, S, I, B, C }: Integrals,
  lambdas: readonly number[],
  to: number,
  nodes: readonly number[],
  pseudo: boolean,
): Update {
  const from = nodes[0]!;
  const [alphaFrom] = alphaSigma(lambdas[from]!);
  const [alphaTo] = alphaSigma(lambdas[to]!);
  const derivatives = derivativeWeights(
    nodes.map((node) => lambdas[node]!),
    pseudo,
  );
  const ofX = new Float32Array(size);
  const ofF = nodes.map(() => new Float32Array(size));
  const constant = new Float32Array(size);
  for (let e = 0; e < size; e++) {
    const at = (values: Float64Array, point: number) => values[point * size + e]!;
    const [Ls, Ss, Bs, Lt] = [at(L, from), at(S, from), at(B, from), at(L, to)];
    const passed = at(I, to) - at(I, from);
    const scale = alphaTo * Math.exp(Ls - Lt);
    ofX[e] = scale / alphaFrom;
    let sum = -alphaTo * Math.exp(-Lt) * (at(C, to) - at(C, from) - Bs * passed);
    const ofG = nodes.map((_, j) => (j === 0 ? -alphaTo * Math.exp(-Lt - Ss) * passed : 0));
    for (const [k, weights] of derivatives.entries()) {
      const part = scale * exponentialMoment(e, { size, L, S }, lambdas, from, to, k + 1);
      for (const [j, weight] of weights.entries()) ofG[j]! -= part * weight;
    }
    for (const [j, node] of nodes.entries()) {
      ofF[j]![e] = ofG[j]! * Math.exp(Ss - at(S, node));
      sum -= ofG[j]! * Math.exp(Ss) * (at(B, node) - Bs);
    }
    constant[e] = sum;
  }
  return { ofX, ofF, constant };
}

/** E_k of one element by trapezoids, k from 1. */
function exponentialMoment(
  e: number,
  { size, L, S }: Pick<Integrals, 'size' | 'L' | 'S'>,
  lambdas: readonly number[],
  from: number,
  to: number,
  k: number,
): number {
  const factorial = k < 3 ? k : 6;
  const start = L[from * size + e]! + S[from * size + e]!;
  const valueAt = (point: number) =>
    Math.exp(L[point * size + e]! + S[point * size + e]! - start) *
    ((lambdas[point]! - lambdas[from]!) ** k / factorial);
  let [sum, before] = [0, 0];
  for (let point = from + 1; point <= to; point++) {
    const value = valueAt(point);
    sum += ((lambdas[point]! - lambdas[point - 1]!) * (before + value)) / 2;
    before = value;
  }
  return sum;
}

/**
 * Weights of the values at n + 1 points in the derivatives 1 .. n at the first: of the polynomial through all, or, where
 * `pseudo`, k! times the leading divided differences.
 */
function derivativeWeights(points: readonly number[], pseudo: boolean): number[][] {
  const n = points.length - 1;
  const columns = points.map((_, j) => {
    const unit = points.map((_, i) => (i === j ? 1 : 0));
    const leading = dividedDifferences(points, unit);
    return pseudo ? leading : taylorOf(leading, points);
  });
  return Array.from({ length: n }, (_, k) => {
    const factorial = k < 2 ? k + 1 : 6;
    return columns.map((column) => column[k + 1]! * factorial);
  });
}

/** Newton's coefficients: entry k is the divided difference of the first k + 1 points. */
function dividedDifferences(points: readonly number[], values: readonly number[]): number[] {
  let level = [...values];
  const leading = [level[0]!];
  for (let k = 1; k < points.length; k++) {
    level = level.slice(1).map((value, i) => (value - level[i]!) / (points[i + k]! - points[i]!));
    leading.push(level[0]!);
  }
  return leading;
}

/** Newton's form about the first point -> coefficients of its powers of (x - first point). */
function taylorOf(newton: readonly number[], points: readonly number[]): number[] {
  let sum: number[] = new Array(newton.length).fill(0);
  for (let k = newton.length - 1; k >= 0; k--) {
    const root = points[k]! - points[0]!; // sum (x - x_k) + newton_k
    sum = sum.map((value, i) => (i > 0 ? sum[i - 1]! : 0) - root * value);
    sum[0]! += newton[k]!;
  }
  return sum;
}
