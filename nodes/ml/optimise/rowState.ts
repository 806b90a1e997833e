import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { clone, dispose, type Tensor, type Tensor4D } from '../tf.ts';
import { describeHacking, findRewardHacking, hackingTolerance } from './rewardHacking.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';

/** One row at one evaluation. It owns its tensors, which have one row. */
export interface Snapshot {
  /** Counts from 0. */
  readonly evaluation: number;
  /** Weighted sum of the scores. */
  readonly total: number;
  readonly scores: readonly number[];
  readonly watched: readonly number[];
  readonly variable: Tensor;
  /** [1, H, W, 3] in [0, 1] */
  readonly pixels: Tensor4D;
}

/** What optimising one row gave. */
export interface RowResult {
  readonly first: Snapshot;
  /** The highest total; of equals the earlier. */
  readonly best: Snapshot;
  /** For each evaluation: total, scores, watched scores, and measures. */
  readonly trace: readonly (readonly number[])[];
  /** Sentences on what stopped it early or needs attention. */
  readonly remarks: readonly string[];
  /** Whether it was found to hack its rewards. */
  readonly hacks: boolean;
}

/** A row while it is optimised. */
export interface RowState {
  /** How sentences name it, e.g. `The image of "a red circle", seed 3,`. */
  readonly name: string;
  first?: Snapshot;
  best?: Snapshot;
  /** What was best when the watched total was highest. */
  trusted?: Snapshot;
  readonly trace: number[][];
  readonly totals: number[];
  readonly watchedTotals: number[];
  readonly remarks: string[];
  hacks: boolean;
  stopped: boolean;
}

export function startRow(name: string): RowState {
  return { name, trace: [], totals: [], watchedTotals: [], remarks: [], hacks: false, stopped: false };
}

/** How long watched rewards may stay below their highest before that counts as hacking, and whether a row then stops. */
export interface WatchSettings {
  /** Evaluations. */
  readonly patience: number;
  readonly stop: boolean;
}

/** The rewards that are optimised, and those that are only scored. */
export interface RewardSet {
  readonly rewards: readonly Reward[];
  readonly watched: readonly Reward[];
}

/**
 * Records the scores of a row's next evaluation: trace, best, and reasons to stop. `takeSnapshot` is called where the
 * tensors are to be kept. Throws UserError `NOT_FINITE` where a score of the first evaluation is not finite.
 */
export function recordScores(
  row: RowState,
  { scores, watched, measures }: { scores: readonly number[]; watched: readonly number[]; measures: readonly number[] },
  rewardSet: RewardSet,
  settings: WatchSettings,
  takeSnapshot: () => Pick<Snapshot, 'variable' | 'pixels'>,
): void {
  const evaluation = row.trace.length;
  const numbers = [...scores, ...watched];
  const all = [...rewardSet.rewards, ...rewardSet.watched];
  const broken = numbers.findIndex((score) => !Number.isFinite(score));
  if (broken >= 0) {
    stopRow(row, evaluation + 1, `the reward "${all[broken]!.name}" is ${numbers[broken]}`);
    return;
  }
  const total = addWeighted(scores, readWeights(rewardSet.rewards));
  row.trace.push([total, ...scores, ...watched, ...measures]);
  if (!row.best || total > row.best.total) {
    disposeSnapshot(row.best);
    row.best = { evaluation, total, scores, watched, ...takeSnapshot() };
    row.first ??= copySnapshot(row.best);
  }
  if (rewardSet.watched.length > 0) recordWatched(row, total, rewardSet.watched, settings);
}

/** Stops a row at an evaluation (from 1), keeping its best so far; `reason` is a clause. Throws where there is no best. */
export function stopRow(row: RowState, evaluation: number, reason: string): void {
  if (!row.best) {
    const message = `${row.name} cannot be optimised: ${reason} at the first evaluation already.`;
    throw new UserError('NOT_FINITE', message);
  }
  const kept = `its best so far is kept, of evaluation ${row.best.evaluation + 1}`;
  row.remarks.push(`${row.name} stopped at evaluation ${evaluation}, because ${reason}; ${kept}.`);
  row.stopped = true;
}

/** Says once that a row hacks its rewards; where it stops for that, what counts is what was best before. */
function recordWatched(row: RowState, total: number, watched: readonly Reward[], settings: WatchSettings): void {
  const weights = readWeights(watched);
  const watchedTotal = addWeighted(row.trace.at(-1)!.slice(-1 - watched.length, -1), weights);
  if (row.watchedTotals.every((value) => value < watchedTotal)) {
    disposeSnapshot(row.trusted);
    row.trusted = copySnapshot(row.best!);
  }
  row.totals.push(total);
  row.watchedTotals.push(watchedTotal);
  const tolerance = hackingTolerance(watched, weights);
  const hacking = findRewardHacking(row.totals, row.watchedTotals, { ...settings, tolerance });
  if (!hacking || row.hacks) return;
  row.hacks = true;
  const sentence = describeHacking(hacking, watched.map(({ name }) => name).join(', '), row.name);
  row.remarks.push(sentence);
  if (!settings.stop) return;
  disposeSnapshot(row.best);
  row.best = copySnapshot(row.trusted!);
  row.remarks.push(
    `${row.name} stopped there; what was best before is kept, of evaluation ${row.best.evaluation + 1}.`,
  );
  row.stopped = true;
}

function copySnapshot(snapshot: Snapshot): Snapshot {
  return { ...snapshot, variable: clone(snapshot.variable), pixels: clone(snapshot.pixels) };
}

/** Disposes of a snapshot's tensors. */
export function disposeSnapshot(snapshot: Snapshot | undefined): void {
  if (snapshot) dispose([snapshot.variable, snapshot.pixels]);
}

/** Disposes of what optimised rows have kept. */
export function disposeSnapshots(rows: readonly RowResult[]): void {
  for (const { first, best } of rows) for (const snapshot of [first, best]) disposeSnapshot(snapshot);
}
