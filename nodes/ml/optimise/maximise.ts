import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { keepActivationsWithin } from '../nn/recompute.ts';
import { add, clone, concat, dispose, slice, type Tensor, type Tensor1D, tidy } from '../tf.ts';
import { type Evaluation, evaluateOnce, evaluateWithGradient } from './evaluate.ts';
import type { Objective } from './objective.ts';
import { readWeights } from './rewardWeights.ts';
import { rowNorms } from './rowNorms.ts';
import {
  disposeSnapshot,
  type RewardSet,
  type RowResult,
  type RowState,
  recordScores,
  startRow,
  stopRow,
  type WatchSettings,
} from './rowState.ts';
import type { Stepper } from './stepper.ts';

/** One number a row and its gradient, which the caller owns. */
interface Penalty {
  readonly penalty: Tensor1D;
  readonly gradient: Tensor;
}

export interface MaximiseSettings {
  /** How often images are drawn and scored; there is one step fewer. */
  readonly evaluations: number;
  readonly stepper: Stepper;
  /** Added to what is minimised, with its gradient; it never decides which image is best. */
  penalty?(x: Tensor): Penalty | Promise<Penalty>;
  /** Brings x back to where it may be, after each step. The caller owns the result. */
  project?(x: Tensor): Tensor;
  readonly watch: WatchSettings;
  /** Bytes that an evaluation may keep of activations, which spares computing them again for the gradient; 0 by default. */
  readonly room?: number;
}

/**
 * Maximises sum_i w_i r_i of N rows together: evaluates, keeps the best, steps. A row stops where a score or its gradient is
 * not finite, where the stepper says it has converged or, if asked to, where it hacks its rewards; a remark says so and its
 * best so far is kept. `report` is awaited after each evaluation (from 1) with the rows so far, whose tensors it borrows;
 * where it rejects, every tensor is freed. The caller owns the snapshots of the result, and the stepper.
 * Throws UserError `NOT_FINITE` at the first evaluation, `NO_GRADIENT` where the first gradient is 0 for all rows.
 */
export async function maximise(
  objective: Objective,
  settings: MaximiseSettings,
  report: (evaluation: number, rows: readonly RowResult[]) => Promise<void>,
): Promise<RowResult[]> {
  const states = objective.names.map(startRow);
  const rows = states as readonly RowState[] as readonly RowResult[]; // from the first evaluation on
  let x = clone(objective.start);
  try {
    for (let k = 1; k <= settings.evaluations && states.some(isRunning); k++) {
      const isLast = k === settings.evaluations;
      const evaluation: Evaluation & { readonly gradient?: Tensor } = isLast
        ? evaluateOnce(x, objective.evaluate)
        : keepActivationsWithin(settings.room ?? 0, () =>
            evaluateWithGradient(x, objective.evaluate, readWeights(objective.rewards)),
          );
      try {
        await recordEvaluation(states, x, evaluation, objective, settings.watch);
        if (evaluation.gradient && states.some(isRunning)) {
          const next = await takeStep(states, x, evaluation.gradient, objective, settings);
          x.dispose();
          x = next;
        }
      } finally {
        dispose([evaluation.pixels, ...evaluation.scores, ...(evaluation.gradient ? [evaluation.gradient] : [])]);
      }
      await report(k, rows);
    }
    for (const { trusted } of states) disposeSnapshot(trusted);
    return [...rows];
  } catch (error) {
    for (const { first, best, trusted } of states)
      for (const snapshot of [first, best, trusted]) disposeSnapshot(snapshot);
    throw error;
  } finally {
    x.dispose();
  }
}

const isRunning = ({ stopped }: RowState) => !stopped;

async function recordEvaluation(
  states: readonly RowState[],
  x: Tensor,
  { pixels, scores: columns }: Evaluation,
  objective: Objective,
  settings: WatchSettings,
): Promise<void> {
  const norms = await readRowNorms(x);
  const scores = await Promise.all(columns.map((column) => column.data()));
  const watched = objective.watched.length > 0 ? await objective.watch(pixels) : undefined;
  for (const [i, state] of states.entries()) {
    if (state.stopped) continue;
    const found = { scores: scores.map((column) => column[i]!), watched: watched?.[i] ?? [], measures: [norms[i]!] };
    const takeSnapshot = () => ({ variable: takeRow(x, i), pixels: takeRow(pixels, i) });
    recordScores(state, found, objective, settings, takeSnapshot);
  }
}

/** The next x [N, ...], which the caller owns: rows that have stopped stay at their best. */
async function takeStep(
  states: readonly RowState[],
  x: Tensor,
  rewardGradient: Tensor,
  { rewards }: RewardSet,
  { stepper, penalty, project }: MaximiseSettings,
): Promise<Tensor> {
  const gradientNorms = await readRowNorms(rewardGradient);
  if (gradientNorms.every((norm) => norm === 0) && states.every(({ trace }) => trace.length === 1))
    throw new UserError('NO_GRADIENT', describeConstant(rewards));
  for (const [i, state] of states.entries())
    if (isRunning(state) && !Number.isFinite(gradientNorms[i]))
      stopRow(state, state.trace.length, `the gradient is ${gradientNorms[i]}`);
  const own: Tensor[] = [];
  try {
    const added = await penalty?.(x);
    if (added) own.push(added.penalty, added.gradient);
    const gradient: Tensor = added ? add(rewardGradient, added.gradient) : clone(rewardGradient);
    own.push(gradient);
    const penalties = await added?.penalty.data();
    const losses = states.map(({ trace }, i) => (penalties?.[i] ?? 0) - trace.at(-1)![0]!);
    const { x: moved, converged } = await stepper.next(x, losses, gradient);
    own.push(moved);
    for (const i of converged) states[i]!.stopped = true;
    return tidy(() => {
      const allowed = project ? project(moved) : moved;
      if (states.every(isRunning)) return clone(allowed);
      return concat(
        states.map(({ stopped, best }, i) => (stopped ? best!.variable : takeRow(allowed, i))),
        0,
      );
    });
  } finally {
    dispose(own);
  }
}

function describeConstant(rewards: readonly Reward[]): string {
  const names = rewards.map(({ name }) => `"${name}"`).join(', ');
  return `There is nothing to optimise: the gradient of ${names} is exactly 0, so ${rewards.length > 1 ? 'they do' : 'it does'} not change near the first images. Use a reward that changes with the image, or an optimiser that needs no gradient (FIND).`;
}

async function readRowNorms(x: Tensor): Promise<number[]> {
  const norms = rowNorms(x);
  try {
    return Array.from(await norms.data());
  } finally {
    norms.dispose();
  }
}

/** Row i of [N, ...], as [1, ...]. The caller owns it. */
export function takeRow<T extends Tensor>(x: T, i: number): T {
  return slice(x, [i, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]);
}
