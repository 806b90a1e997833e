import { randomStream } from '../random.ts';
import { type Coarse, spread } from './coarseNoise.ts';
import type { NoiseSearch } from './noiseSearch.ts';
import { toSphere } from './rankSgd.ts';

/** How far steps and perturbations go, and how they shrink: a_k = a / (k + o)^alpha, c_k = c / k^gamma. */
export interface SpsaSchedule {
  /** a and c */
  readonly stepSize: number;
  readonly perturbation: number;
  /** o */
  readonly offset: number;
  /** alpha and gamma */
  readonly stepDecay: number;
  readonly perturbationDecay: number;
}

interface SpsaSettings extends SpsaSchedule {
  readonly seed: number;
  readonly iterations: number;
  /** Pairs of images whose gradient estimates are averaged for each step; the source's is 5. */
  readonly pairs: number;
  /** The source's is 0.9. */
  readonly momentum: number;
  /** How much of the way back to the length of noise each image's noise goes, in [0, 1]. */
  readonly sphere: number;
}

/** Below this share of their size, two rewards differ by rounding alone. */
const ROUNDING = 1e-6;

/**
 * Simultaneous perturbation with gradient correction: all coordinates are moved at once, in both directions, and
 * the difference in reward over each move estimates the gradient; steps look ahead along their momentum. The search goes through a
 * subspace of few coordinates w, each of which moves a block of the noise.
 * Source: SPSA-GC of BlackVIP, arXiv 2303.14773, section 3.3, and its code.
 *
 * delta: signs times uniform numbers in [0.5, 1]; a_k and c_k: see `SpsaSchedule`; k = 1, 2, ...
 *
 * The paper gives the point before the look-ahead; for a constant a_k its look-ahead points are the code's w. With a falling
 * one the code scales what momentum carries by the new a_k, and so does this.
 *
 * @param start d numbers, [h, w, c], that the blocks are added to
 */
export function* spsa(start: Float32Array, coarse: Coarse, settings: SpsaSettings): NoiseSearch {
  const { seed, iterations, pairs, momentum, sphere } = settings;
  const random = randomStream(seed);
  const at = (w: Float32Array) => ({ noise: pull(spread(start, w, coarse), sphere), seed });
  const measuresOf = (w: Float32Array) => ({
    'length of the move': Math.sqrt(w.reduce((sum, value) => sum + value * value, 0) / w.length),
  });
  let w = new Float32Array(coarse.size);
  let m: Float32Array | undefined;
  let remark: string | undefined;
  for (let k = 1; k <= iterations; k++) {
    const { a, c } = spsaSteps(k, settings);
    const deltas = Array.from({ length: pairs }, () =>
      w.map(() => (random.integer(2) * 2 - 1) * (0.5 + random.uniform() / 2)),
    );
    const queries = deltas.flatMap((delta) =>
      [1, -1].map((sign) => at(w.map((value, i) => value + sign * c * delta[i]!))),
    );
    const rewards = yield { queries, measures: measuresOf(w), ...(remark !== undefined && { remark }) };
    remark = differsByRounding(rewards) ? SMALL_DIFFERENCES : undefined;
    const g = spsaGradient(rewards, deltas, c);
    ({ w, m } = spsaMove(w, m, g, a, momentum));
  }
  yield { queries: [at(w)], measures: measuresOf(w), ...(remark !== undefined && { remark }) };
}

const SMALL_DIFFERENCES =
  'The rewards of all pairs of a step differ by less than a millionth of their size, which is rounding: its direction is chance. Set a larger perturbation, or take a reward that changes with the image.';

/** a_k and c_k of step k, from 1. */
export function spsaSteps(
  k: number,
  { stepSize, perturbation, offset, stepDecay, perturbationDecay }: SpsaSchedule,
): { readonly a: number; readonly c: number } {
  return { a: stepSize / (k + offset) ** stepDecay, c: perturbation / k ** perturbationDecay };
}

/**
 * Mean over pairs of (r(w + c delta) - r(w - c delta)) / (2 c delta), element by element.
 * @param rewards of w + c delta and w - c delta of each pair in turn
 */
export function spsaGradient(
  rewards: readonly number[],
  deltas: readonly Float32Array[],
  c: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(deltas[0]!, (_, i) =>
    deltas.reduce(
      (sum, delta, j) => sum + (rewards[2 * j]! - rewards[2 * j + 1]!) / (2 * c * delta[i]! * deltas.length),
      0,
    ),
  );
}

/** m = momentum m + g (g at first) and w = w + a (g + momentum m): uphill, where the source goes down a loss. */
export function spsaMove(
  w: Float32Array,
  m: Float32Array | undefined,
  g: Float32Array,
  a: number,
  momentum: number,
): { readonly w: Float32Array<ArrayBuffer>; readonly m: Float32Array<ArrayBuffer> } {
  const next = Float32Array.from(g, (value, i) => momentum * (m?.[i] ?? 0) + value);
  return { w: Float32Array.from(w, (value, i) => value + a * (g[i]! + momentum * next[i]!)), m: next };
}

/** Noise on its way to the length that noise has: (1 - share) x + share x sqrt(d) / |x|. */
function pull(noise: Float32Array<ArrayBuffer>, share: number): Float32Array<ArrayBuffer> {
  if (share === 0) return noise;
  const there = toSphere(noise);
  return noise.map((value, i) => (1 - share) * value + share * there[i]!);
}

function differsByRounding(rewards: readonly number[]): boolean {
  const pairs = Array.from({ length: rewards.length / 2 }, (_, j) => [rewards[2 * j]!, rewards[2 * j + 1]!] as const);
  return pairs.every(([up, down]) => Math.abs(up - down) <= ROUNDING * Math.max(Math.abs(up), Math.abs(down)));
}
