import type { Reward } from '../../ports.ts';

/** Where the optimised rewards began to rise at the expense of the watched ones. Evaluations count from 0. */
interface RewardHacking {
  /** The last evaluation at which the watched total was highest. */
  readonly from: number;
  /** The evaluation at which it was found out. */
  readonly to: number;
  readonly optimised: readonly [from: number, to: number];
  readonly watched: readonly [from: number, to: number];
}

/**
 * Finds reward hacking at the last evaluation so far: the watched total has not reached its highest value again for
 * `patience` evaluations and has lost more than `tolerance` on average over them, while the optimised total of the last
 * of them is above that at the watched one's highest. It is early stopping with the watched rewards for a validation set.
 * Source: the effect is that of arXiv 2210.10760, section 3.
 *
 * @param optimised, watched one number an evaluation.
 */
export function findRewardHacking(
  optimised: readonly number[],
  watched: readonly number[],
  { patience, tolerance }: { readonly patience: number; readonly tolerance: number },
): RewardHacking | undefined {
  const to = watched.length - 1;
  const from = watched.lastIndexOf(Math.max(...watched));
  if (to < 0 || to - from < patience) return undefined;
  const later = watched.slice(-patience);
  const average = later.reduce((sum, value) => sum + value, 0) / patience;
  const [before, after] = [watched[from]!, optimised[from]!];
  if (before - average <= tolerance || optimised[to]! <= after) return undefined;
  return { from, to, optimised: [after, optimised[to]!], watched: [before, watched[to]!] };
}

/** A hundredth of the range in which the watched total usually lies. */
export function hackingTolerance(watched: readonly Pick<Reward, 'usualRange'>[], weights: readonly number[]): number {
  return watched.reduce((sum, { usualRange: [low, high] }, i) => sum + weights[i]! * (high - low), 0) / 100;
}

/** What a node says of it, as a sentence; `image` names the image where there are several. */
export function describeHacking(hacking: RewardHacking, watched: string, image = 'The image'): string {
  const { from, to, optimised } = hacking;
  const change = ([before, after]: readonly [number, number]) => `${before.toPrecision(4)} to ${after.toPrecision(4)}`;
  return `${image} may be exploiting its rewards: from evaluation ${from + 1} to ${to + 1} what is optimised rose from ${change(optimised)}, while what is only watched (${watched}) fell from ${change(hacking.watched)}.`;
}
