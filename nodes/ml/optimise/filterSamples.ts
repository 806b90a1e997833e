import type { RandomStream } from '../random.ts';

/** Which samples of a batch a policy learns from; BoN, BR and BW of PF-PPO, or all. */
export const sampleFilters = ['all', 'best', 'best and random', 'best and worst'] as const;
export type SampleFilter = (typeof sampleFilters)[number];

/**
 * Indices of the samples to learn from: the best, and for the mixed filters one more, so that a policy also learns what to
 * avoid where high rewards cannot be trusted. Of equals the first. A single sample is always used.
 * Source: PF-PPO, arXiv 2409.06957, section 3, with exactly one other sample as in its code.
 */
export function filterSamples(rewards: readonly number[], filter: SampleFilter, random: RandomStream): number[] {
  const all = rewards.map((_, i) => i);
  if (filter === 'all' || rewards.length < 2) return all;
  const best = rewards.indexOf(Math.max(...rewards));
  const others = all.filter((i) => i !== best);
  if (filter === 'best') return [best];
  if (filter === 'best and random') return [best, others[random.integer(others.length)]!];
  return [best, others.reduce((worst, i) => (rewards[i]! < rewards[worst]! ? i : worst))];
}
