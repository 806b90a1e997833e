import { randomStream } from '../random.ts';
import { type Coarse, spread } from './coarseNoise.ts';
import type { NoiseSearch } from './noiseSearch.ts';

interface SpsaSettings {
  readonly seed: number;
  readonly iterations: number;
  /** Pairs of images whose gradient estimates are averaged for each step; the source's is 5. */
  readonly pairs: number;
  /** a, the first step, and c, the first perturbation. */
  readonly stepSize: number;
  readonly perturbation: number;
  /** The source's is 0.9. */
  readonly momentum: number;
}

/** o, alpha and gamma of the source. */
const [offset, stepDecay, perturbationDecay] = [1, 0.4, 0.1];

/**
 * Simultaneous perturbation with gradient correction: all coordinates are moved at once, in both directions, and
 * the difference in reward over each move estimates the gradient; steps look ahead along their momentum. The search goes through a
 * subspace of few coordinates w, each of which moves a block of the noise.
 * Source: SPSA-GC of BlackVIP, arXiv 2303.14773, section 3.3, and its code.
 *
 * a_k = a / (k + o)^alpha; c_k = c / k^gamma; delta: signs times uniform numbers in [0.5, 1];
 * g = mean over pairs of (r(w + c_k delta) - r(w - c_k delta)) / (2 c_k delta); m = momentum m + g (g at first);
 * w = w + a_k (g + momentum m): uphill, where the source goes down a loss.
 *
 * @param start d numbers, [h, w, c], that the blocks are added to
 */
export function* spsa(start: Float32Array, coarse: Coarse, settings: SpsaSettings): NoiseSearch {
  const { seed, iterations, pairs, stepSize, perturbation, momentum } = settings;
  const random = randomStream(seed);
  const at = (w: Float32Array) => ({ noise: spread(start, w, coarse), seed });
  let [w, m] = [new Float32Array(coarse.size), new Float32Array(coarse.size)];
  for (let k = 1; k <= iterations; k++) {
    const [a, c] = [stepSize / (k + offset) ** stepDecay, perturbation / k ** perturbationDecay];
    const deltas = Array.from({ length: pairs }, () =>
      w.map(() => (random.integer(2) * 2 - 1) * (0.5 + random.uniform() / 2)),
    );
    const queries = deltas.flatMap((delta) =>
      [1, -1].map((sign) => at(w.map((value, i) => value + sign * c * delta[i]!))),
    );
    const rewards = yield { queries, measures: {} };
    const g = w.map((_, i) =>
      deltas.reduce((sum, delta, j) => sum + (rewards[2 * j]! - rewards[2 * j + 1]!) / (2 * c * delta[i]! * pairs), 0),
    );
    m = m.map((value, i) => momentum * value + g[i]!);
    w = w.map((value, i) => value + a * (g[i]! + momentum * m[i]!));
  }
  yield { queries: [at(w)], measures: {} };
}
