import { randomStream } from '../random.ts';
import type { NoiseSearch } from './noiseSearch.ts';

export interface RankSgdSettings {
  readonly seed: number;
  /** Each asks for queries, then for points along a line. */
  readonly rounds: number;
  /** m, images around where the search is; at least 3. */
  readonly queries: number;
  /** k, how many of the queries are ranked; from 1 to m - 1. */
  readonly ranked: number;
  /** mu, how far queries lie from where the search is. */
  readonly smoothing: number;
  /**
   * The paper's step is eta times the mean of the estimates since the last move, with eta = stepSize / smoothing, and m - 2
   * points along it. A step of a length is stepSize lengths of the noise in the direction of their sum, with m points.
   */
  readonly step: 'estimate' | 'length';
  readonly stepSize: number;
  /** After each move x is set back to the length that noise has. */
  readonly sphere: boolean;
}

/**
 * Zeroth-order ascent that only needs to know which images are better, not by how much: queries around x give a direction,
 * then points along it are tried. A direction that led to nothing better than x is kept for the mean with the next.
 * Source: ZO-RankSGD, arXiv 2303.03751, algorithms 1 and 2; a reward ranks in place of a person.
 *
 * | here      | there         |                                                                             |
 * |-----------|---------------|-----------------------------------------------------------------------------|
 * | x         | x             | where the search is, d numbers                                              |
 * | around    | x + mu xi_i   | m queries, xi standard normal                                               |
 * | estimate  | mu g          | sum_i weight_i (q_i - x), see `rankWeights`                                 |
 * | line      | x + eta g^j g | steps 2^-j eta along the mean of the estimates                              |
 *
 * The next x is the best of the line, the best query and x itself.
 *
 * @param start where it begins
 * @param normal standard normal numbers, by default from the seed
 */
export function* rankSgd(
  start: Float32Array,
  settings: RankSgdSettings,
  normal: () => number = randomStream(settings.seed).normal,
): NoiseSearch {
  const { seed, rounds, queries: m, ranked, smoothing } = settings;
  const ask = (noises: readonly Float32Array<ArrayBuffer>[]) => ({
    queries: noises.map((noise) => ({ noise, seed })), // the same further noise for all
    measures: {},
  });
  let x = Float32Array.from(start);
  let estimates: Float32Array[] = [];
  let [worth] = yield ask([x]);
  for (let round = 0; round < rounds; round++) {
    const around = Array.from({ length: m }, () => x.map((value) => value + smoothing * normal()));
    const scores = yield ask(around);
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    estimates.push(rankEstimate(x, around, order, ranked));
    const line = linePoints(x, meanOf(estimates), settings);
    const along = yield ask(line);
    const points = [...line, around[order[0]!]!];
    const found = [...along, scores[order[0]!]!];
    const best = found.indexOf(Math.max(...found));
    if (found[best]! <= worth!) continue;
    worth = found[best]!;
    x = settings.sphere ? toSphere(points[best]!) : points[best]!;
    estimates = [];
  }
}

/**
 * What each of m queries counts, best first, when the first k are ranked and the others only known to be worse: for each
 * pair that is known, +1 for the better and -1 for the worse, over the number of such pairs. They add up to 0.
 * Source: arXiv 2303.03751, section 3. (Its code gives a ranked one m - 2 rank, which is 1 too many.)
 */
export function rankWeights(m: number, k: number): number[] {
  const pairs = (k * (k - 1)) / 2 + k * (m - k);
  return Array.from({ length: m }, (_, rank) => (rank < k ? m - 1 - 2 * rank : -k) / pairs);
}

/** The estimate of a direction, times the smoothing. `order`: the queries best first, of which k are ranked. */
export function rankEstimate(
  x: Float32Array,
  queries: readonly Float32Array[],
  order: readonly number[],
  k: number,
): Float32Array {
  const weights = rankWeights(queries.length, k);
  return x.map((value, i) =>
    order.reduce((sum, query, rank) => sum + weights[rank]! * (queries[query]![i]! - value), 0),
  );
}

/** Element by element. */
export function meanOf(rows: readonly Float32Array[]): Float32Array {
  return rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
}

/** The points that are tried along a direction from x, the farthest first. */
export function linePoints(
  x: Float32Array<ArrayBuffer>,
  direction: Float32Array,
  { queries: m, step, stepSize, smoothing }: Pick<RankSgdSettings, 'queries' | 'step' | 'stepSize' | 'smoothing'>,
): Float32Array<ArrayBuffer>[] {
  const norm = Math.sqrt(direction.reduce((sum, value) => sum + value * value, 0)) || 1;
  const longest = step === 'estimate' ? stepSize / smoothing : (stepSize * Math.sqrt(x.length)) / norm;
  const count = step === 'estimate' ? m - 2 : m;
  return Array.from({ length: count }, (_, j) => x.map((value, i) => value + (longest / 2 ** j) * direction[i]!));
}

/** x sqrt(d) / |x| */
export function toSphere(x: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  return norm === 0 ? x : x.map((value) => (value * Math.sqrt(x.length)) / norm);
}
