import type { LogSnr } from './logSnr.ts';
import { linspace } from './timesteps.ts';

/**
 * Statistics of a model by which DPM-Solver-v3 integrates, each [grid + 1, ...shape] over even lambdas from noise to data:
 * the linear coefficient l, the scale s and the bias b. Source: arXiv 2310.13268, section 3.2
 */
export interface SolverStatistics {
  /** Intervals of the grid. */
  readonly grid: number;
  /** [h, w, c] of the latents that they are of, [1, 1, c] where all places share one, [] where all elements do. */
  readonly shape: readonly number[];
  readonly l: Float32Array;
  readonly s: Float32Array;
  readonly b: Float32Array;
}

/** Points at which the integrals without statistics equal their closed forms to 1e-6. */
const FINE_GRID = 4000;
/** l = 1, s = b = 0: DPM-Solver++. */
export const plainStatistics: SolverStatistics = {
  grid: FINE_GRID,
  shape: [],
  l: new Float32Array(FINE_GRID + 1).fill(1),
  s: new Float32Array(FINE_GRID + 1),
  b: new Float32Array(FINE_GRID + 1),
};

/** Where a grid begins at the latest: below, statistics would be divided by an alpha near 0. The source stops there likewise. */
const LEAST_LAMBDA = -5;

/** The even grid from t = 1, or where lambda is -5 in schedules that end in pure noise, to t = 1 / N. */
export function lambdaGrid(snr: LogSnr, grid: number): number[] {
  return linspace(Math.max(LEAST_LAMBDA, snr.lambdaAt(1)), snr.lambdaAt(1 / snr.count), grid + 1);
}

/** Each [grid + 1, size], 0 at the first point. */
export interface Integrals {
  readonly size: number;
  readonly L: Float64Array;
  readonly S: Float64Array;
  readonly I: Float64Array;
  readonly B: Float64Array;
  readonly C: Float64Array;
}

/**
 * L = int l, S = int s, I = int e^(L + S), B = int e^-S b, C = int e^(L + S) B over lambda, by trapezoids from the noisy end.
 * Source: arXiv 2310.13268, appendix C.1
 */
export function integrate({ l, s, b, grid }: SolverStatistics, lambdas: readonly number[]): Integrals {
  const size = l.length / (grid + 1);
  const running = (valueAt: (index: number) => number): Float64Array => {
    const sums = new Float64Array(l.length);
    for (let i = size; i < sums.length; i++) {
      const point = Math.floor(i / size);
      const width = lambdas[point]! - lambdas[point - 1]!;
      sums[i] = sums[i - size]! + (width * (valueAt(i - size) + valueAt(i))) / 2;
    }
    return sums;
  };
  const [L, S] = [running((i) => l[i]!), running((i) => s[i]!)];
  const I = running((i) => Math.exp(L[i]! + S[i]!));
  const B = running((i) => Math.exp(-S[i]!) * b[i]!);
  const C = running((i) => Math.exp(L[i]! + S[i]!) * B[i]!);
  return { size, L, S, I, B, C };
}
