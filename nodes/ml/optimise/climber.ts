import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { clone, dispose, type Tensor, type Tensor4D } from '../tf.ts';
import { findRewardHacking, hackingInWords, hackingTolerance } from './rewardHacking.ts';
import { weightedTotal, weightsOf } from './weightedTotal.ts';

/** What one row of a climb was at one evaluation. It owns its tensors, which have one row. */
export interface Moment {
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

/** How one row climbed. */
export interface Climbed {
  readonly first: Moment;
  /** The highest total; of equals the earlier. */
  readonly best: Moment;
  /** For each evaluation: total, scores, watched scores, and measures. */
  readonly trace: readonly (readonly number[])[];
  /** Sentences on what stopped it early or should be looked at. */
  readonly remarks: readonly string[];
}

/** A row on its way. */
export interface Climber {
  /** How sentences name it, e.g. `The image of "a red circle", seed 3,`. */
  readonly name: string;
  first?: Moment;
  best?: Moment;
  /** What was best when the watched total was highest. */
  trusted?: Moment;
  readonly trace: number[][];
  readonly totals: number[];
  readonly watchedTotals: number[];
  readonly remarks: string[];
  hacks: boolean;
  stopped: boolean;
}

export function startClimber(name: string): Climber {
  return { name, trace: [], totals: [], watchedTotals: [], remarks: [], hacks: false, stopped: false };
}

/** When the watched rewards count: how long they may stay below their highest, and whether a climb then stops. */
export interface WatchSettings {
  /** Evaluations. */
  readonly patience: number;
  readonly stop: boolean;
}

/** What the judges of a climb are: those it climbs by, and those that only look on. */
export interface Judges {
  readonly rewards: readonly Reward[];
  readonly watched: readonly Reward[];
}

/**
 * Takes in what a row was worth at the next evaluation: trace, best, and reasons to stop. `moment` is called where the
 * tensors are to be kept. Throws UserError `NOT_FINITE` where a number of the first evaluation is none.
 */
export function noteScores(
  climber: Climber,
  { scores, watched, measures }: { scores: readonly number[]; watched: readonly number[]; measures: readonly number[] },
  judges: Judges,
  settings: WatchSettings,
  moment: () => Pick<Moment, 'variable' | 'pixels'>,
): void {
  const evaluation = climber.trace.length;
  const numbers = [...scores, ...watched];
  const all = [...judges.rewards, ...judges.watched];
  const broken = numbers.findIndex((score) => !Number.isFinite(score));
  if (broken >= 0) {
    stopAt(climber, evaluation + 1, `the reward "${all[broken]!.name}" is ${numbers[broken]}`);
    return;
  }
  const total = weightedTotal(scores, weightsOf(judges.rewards));
  climber.trace.push([total, ...scores, ...watched, ...measures]);
  if (!climber.best || total > climber.best.total) {
    forget(climber.best);
    climber.best = { evaluation, total, scores, watched, ...moment() };
    climber.first ??= copyOf(climber.best);
  }
  if (judges.watched.length > 0) noteWatched(climber, total, judges.watched, settings);
}

/** Stops a row at an evaluation (from 1), keeping its best so far; `reason` is a clause. Throws where there is no best. */
export function stopAt(climber: Climber, evaluation: number, reason: string): void {
  if (!climber.best) {
    const message = `${climber.name} cannot climb: ${reason} at the first evaluation already.`;
    throw new UserError('NOT_FINITE', message);
  }
  const kept = `its best so far is kept, of evaluation ${climber.best.evaluation + 1}`;
  climber.remarks.push(`${climber.name} stopped at evaluation ${evaluation}, because ${reason}; ${kept}.`);
  climber.stopped = true;
}

/** Says once that a row hacks its rewards; where it stops for that, what counts is what was best before. */
function noteWatched(climber: Climber, total: number, watched: readonly Reward[], settings: WatchSettings): void {
  const weights = weightsOf(watched);
  const watchedTotal = weightedTotal(climber.trace.at(-1)!.slice(-1 - watched.length, -1), weights);
  if (climber.watchedTotals.every((value) => value < watchedTotal)) {
    forget(climber.trusted);
    climber.trusted = copyOf(climber.best!);
  }
  climber.totals.push(total);
  climber.watchedTotals.push(watchedTotal);
  const tolerance = hackingTolerance(watched, weights);
  const hacking = findRewardHacking(climber.totals, climber.watchedTotals, { ...settings, tolerance });
  if (!hacking || climber.hacks) return;
  climber.hacks = true;
  const sentence = hackingInWords(hacking, watched.map(({ name }) => name).join(', '), climber.name);
  climber.remarks.push(sentence);
  if (!settings.stop) return;
  forget(climber.best);
  climber.best = copyOf(climber.trusted!);
  climber.remarks.push(
    `${climber.name} stopped there; what was best before is kept, of evaluation ${climber.best.evaluation + 1}.`,
  );
  climber.stopped = true;
}

function copyOf(moment: Moment): Moment {
  return { ...moment, variable: clone(moment.variable), pixels: clone(moment.pixels) };
}

/** Disposes of a moment's tensors. */
export function forget(moment: Moment | undefined): void {
  if (moment) dispose([moment.variable, moment.pixels]);
}
