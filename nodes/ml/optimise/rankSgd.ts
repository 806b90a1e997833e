import { randomStream } from '../random.ts';
import type { NoiseSearch } from './noiseSearch.ts';

export interface RankSgdSettings {
  readonly seed: number;
  /** Each asks for queries, then for points along a line. */
  readonly rounds: number;
  /** m, images for each of both; at least 3. */
  readonly queries: number;
  /** k, how many of the queries are ranked; from 1 to m - 1. */
  readonly ranked: number;
  /** mu, how far queries lie from where the search is. */
  readonly smoothing: number;
  /** eta, the longest step along the line, in lengths of the noise. */
  readonly stepSize: number;
}

/**
 * Zeroth-order ascent that only needs to know which images are better, not by how much: queries around x give a direction,
 * then points along it are tried. A direction that led to nothing better than x is kept and added to the next.
 * Source: ZO-RankSGD, arXiv 2303.03751, algorithms 1 and 2; a reward ranks in place of a person.
 *
 * | here      | there         |                                                                             |
 * |-----------|---------------|-----------------------------------------------------------------------------|
 * | x         | x             | where the search is, d numbers                                              |
 * | around    | x + mu xi_i   | m queries, xi standard normal                                               |
 * | direction | g             | sum_i weight_i (q_i - x), see `rankWeights`                                 |
 * | line      | x + eta g^j g | steps eta sqrt(d) 2^-j of the unit direction, j = 0 .. m - 1                |
 *
 * @param start where it begins
 */
export function* rankSgd(start: Float32Array, settings: RankSgdSettings): NoiseSearch {
  const { seed, rounds, queries: m, ranked, smoothing, stepSize } = settings;
  const random = randomStream(seed);
  const ask = (noises: readonly Float32Array<ArrayBuffer>[]) => ({
    queries: noises.map((noise) => ({ noise, seed })), // the same further noise for all
    measures: {},
  });
  let x = Float32Array.from(start);
  let direction = new Float32Array(x.length);
  let [worth] = yield ask([x]);
  for (let round = 0; round < rounds; round++) {
    const around = Array.from({ length: m }, () => x.map((value) => value + smoothing * random.normal()));
    const scores = yield ask(around);
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    for (const [rank, weight] of rankWeights(m, ranked).entries()) {
      const query = around[order[rank]!]!;
      direction = direction.map((value, i) => value + weight * (query[i]! - x[i]!));
    }
    const norm = Math.sqrt(direction.reduce((sum, value) => sum + value * value, 0)) || 1;
    const step = (stepSize * Math.sqrt(x.length)) / norm;
    const line = Array.from({ length: m }, (_, j) => x.map((value, i) => value + (step / 2 ** j) * direction[i]!));
    const along = yield ask(line);
    const [points, found] = [
      [...line, ...around],
      [...along, ...scores],
    ];
    const best = found.indexOf(Math.max(...found));
    if (found[best]! <= worth!) continue;
    [x, worth] = [points[best]!, found[best]!];
    direction = new Float32Array(x.length);
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
