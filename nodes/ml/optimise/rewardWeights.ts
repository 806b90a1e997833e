import type { Reward } from '../../ports.ts';

/** The weight of each reward in a sum. */
export function readWeights(rewards: readonly Pick<Reward, 'weight'>[]): number[] {
  return rewards.map(({ weight }) => weight ?? 1);
}

/** Sum of one image's scores, each times its weight. */
export function addWeighted(scores: readonly number[], weights: readonly number[]): number {
  return scores.reduce((sum, score, i) => sum + score * (weights[i] ?? 1), 0);
}
