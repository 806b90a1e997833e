import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { keepActivationsWithin } from '../nn/recompute.ts';
import { add, clone, concat, dispose, slice, type Tensor, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';
import {
  type Climbed,
  type Climber,
  forget,
  type Judges,
  noteScores,
  startClimber,
  stopAt,
  type WatchSettings,
} from './climber.ts';
import { evaluate, type Look, type Seen, see } from './evaluate.ts';
import type { Route } from './route.ts';
import { rowNorms } from './rowNorms.ts';
import { weightsOf } from './weightedTotal.ts';

/** What is to be climbed: N independent rows of a variable, each judged by the image that it gives. */
export interface Slope extends Judges {
  /** [N, ...] */
  readonly start: Tensor;
  /** Its scores are in the order of `rewards`. */
  readonly look: Look;
  /** Scores by the watched rewards, a row an image; borrows the images. */
  watch(pixels: Tensor4D): Promise<readonly (readonly number[])[]>;
  /** How sentences name each row. */
  readonly names: readonly string[];
}

export interface ClimbSettings {
  /** How often images are looked at; there is one step fewer. */
  readonly evaluations: number;
  readonly route: Route;
  /** Added to what is minimised, with its gradient; it never decides which image is best. */
  penalty?(x: Tensor): { readonly penalty: Tensor1D; readonly gradient: Tensor };
  /** Brings x back to where it may be, after each step. The caller owns the result. */
  project?(x: Tensor): Tensor;
  readonly watch: WatchSettings;
  /** Bytes that a look may take to spare computing blocks again for its gradient; none by default. */
  readonly room?: number;
}

/**
 * Climbs sum_i w_i r_i of N rows together: looks, keeps the best, steps. A row stops where a number is none, where its route
 * has arrived or, if asked to, where it hacks its rewards; it keeps its best so far and says so.
 * `report` is awaited after each evaluation (from 1) with the rows so far, whose tensors stay the climb's; where it rejects,
 * every tensor is freed. The caller owns the moments of the result, and the route.
 * Throws UserError `NOT_FINITE` at the first look, `NO_GRADIENT` where no reward leads anywhere.
 */
export async function climb(
  slope: Slope,
  settings: ClimbSettings,
  report: (evaluation: number, rows: readonly Climbed[]) => Promise<void>,
): Promise<Climbed[]> {
  const climbers = slope.names.map(startClimber);
  const rows = climbers as readonly Climber[] as readonly Climbed[]; // from the first look on
  let x = clone(slope.start);
  try {
    for (let k = 1; k <= settings.evaluations && climbers.some(isClimbing); k++) {
      const isLast = k === settings.evaluations;
      const seen: Seen & { readonly gradient?: Tensor } = isLast
        ? see(x, slope.look)
        : keepActivationsWithin(settings.room ?? 0, () => evaluate(x, slope.look, weightsOf(slope.rewards)));
      try {
        await note(climbers, x, seen, slope, settings.watch);
        if (seen.gradient && climbers.some(isClimbing)) {
          const next = await step(climbers, x, seen.gradient, slope, settings);
          x.dispose();
          x = next;
        }
      } finally {
        dispose([seen.pixels, ...seen.scores, ...(seen.gradient ? [seen.gradient] : [])]);
      }
      await report(k, rows);
    }
    for (const { trusted } of climbers) forget(trusted);
    return [...rows];
  } catch (error) {
    for (const { first, best, trusted } of climbers) for (const moment of [first, best, trusted]) forget(moment);
    throw error;
  } finally {
    x.dispose();
  }
}

const isClimbing = ({ stopped }: Climber) => !stopped;

async function note(
  climbers: readonly Climber[],
  x: Tensor,
  { pixels, scores: columns }: Seen,
  slope: Slope,
  settings: WatchSettings,
): Promise<void> {
  const lengths = await lengthsOf(x);
  const scores = await Promise.all(columns.map((column) => column.data()));
  const watched = slope.watched.length > 0 ? await slope.watch(pixels) : undefined;
  for (const [i, climber] of climbers.entries()) {
    if (climber.stopped) continue;
    const found = { scores: scores.map((column) => column[i]!), watched: watched?.[i] ?? [], measures: [lengths[i]!] };
    const moment = () => ({ variable: rowOf(x, i), pixels: rowOf(pixels, i) });
    noteScores(climber, found, slope, settings, moment);
  }
}

/** The next x [N, ...], which the caller owns: rows that have stopped stay at their best. */
async function step(
  climbers: readonly Climber[],
  x: Tensor,
  rewardGradient: Tensor,
  { rewards }: Judges,
  { route, penalty, project }: ClimbSettings,
): Promise<Tensor> {
  const slopes = await lengthsOf(rewardGradient);
  if (slopes.every((length) => length === 0) && climbers.every(({ trace }) => trace.length === 1))
    throw new UserError('NO_GRADIENT', constantInWords(rewards));
  for (const [i, climber] of climbers.entries())
    if (isClimbing(climber) && !Number.isFinite(slopes[i]))
      stopAt(climber, climber.trace.length, `the gradient is ${slopes[i]}`);
  const own: Tensor[] = [];
  try {
    const added = penalty?.(x);
    if (added) own.push(added.penalty, added.gradient);
    const gradient: Tensor = added ? add(rewardGradient, added.gradient) : clone(rewardGradient);
    own.push(gradient);
    const penalties = await added?.penalty.data();
    const losses = climbers.map(({ trace }, i) => (penalties?.[i] ?? 0) - trace.at(-1)![0]!);
    const { x: moved, arrived } = await route.next(x, losses, gradient);
    own.push(moved);
    for (const i of arrived) climbers[i]!.stopped = true;
    return tidy(() => {
      const allowed = project ? project(moved) : moved;
      if (climbers.every(isClimbing)) return clone(allowed);
      return concat(
        climbers.map(({ stopped, best }, i) => (stopped ? best!.variable : rowOf(allowed, i))),
        0,
      );
    });
  } finally {
    dispose(own);
  }
}

function constantInWords(rewards: readonly Reward[]): string {
  const names = rewards.map(({ name }) => `"${name}"`).join(', ');
  return `There is nothing to climb: the gradient of ${names} is exactly 0, as if ${rewards.length > 1 ? 'they were' : 'it were'} the same for all images near the first. Use a reward that changes with the image, or an optimiser that needs no gradient (FIND).`;
}

async function lengthsOf(x: Tensor): Promise<number[]> {
  const norms = rowNorms(x);
  try {
    return Array.from(await norms.data());
  } finally {
    norms.dispose();
  }
}

/** Row i of [N, ...], as [1, ...]. The caller owns it. */
export function rowOf<T extends Tensor>(x: T, i: number): T {
  return slice(x, [i, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]);
}
