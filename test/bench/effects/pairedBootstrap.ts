import { randomStream } from '../../../nodes/ml/random.ts';

export interface Interval {
  readonly mean: number;
  /** Absent where a stratum has only one pair, which tells nothing of its spread. */
  readonly low?: number;
  readonly high?: number;
}

/**
 * The mean over strata of the mean of paired differences, with its 95 % interval: within each stratum (a task), the pairs
 * (prompts, each with its own noises) are drawn anew with replacement, so that the interval holds the spread of both. Source: Efron and Tibshirani 1993, percentile bootstrap.
 *
 * @param strata differences, a list a stratum; none is empty
 */
export function pairedBootstrap(strata: readonly (readonly number[])[], draws = 2000, seed = 1): Interval {
  const random = randomStream(seed);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  if (strata.some(({ length }) => length < 2)) return { mean: mean(strata.map(mean)) };
  const drawn = Array.from({ length: draws }, () =>
    mean(strata.map((values) => mean(values.map(() => values[random.integer(values.length)]!)))),
  ).sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.min(draws - 1, Math.floor(share * draws))]!;
  return { mean: mean(strata.map(mean)), low: at(0.025), high: at(0.975) };
}
