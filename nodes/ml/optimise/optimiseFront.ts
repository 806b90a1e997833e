import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { sliceRequest } from '../diffusion/sampleImages.ts';
import { imageIds } from '../image/imageIds.ts';
import { crowdingDistance, hypervolume, nonDominated, type Point } from '../pareto.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { add, clone, concat, dispose, div, mul, type Tensor, type Tensor4D, tensor1d, tensor4d, tidy } from '../tf.ts';
import { clipByNorm } from './clipByNorm.ts';
import { type Candidate, disposeCandidate, findBrokenScore } from './drawCandidates.ts';
import { type Evaluation, evaluateWithGradient } from './evaluate.ts';
import { takeRow } from './maximise.ts';
import { toNoiseRadius } from './noiseNorm.ts';
import { noiseObjective, type ObjectiveParts } from './objective.ts';
import type { Optimiser, OptimiserState } from './optimiser.ts';
import { describeHacking, findRewardHacking, hackingTolerance } from './rewardHacking.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';
import type { WatchSettings } from './rowState.ts';

export interface FrontSettings {
  readonly evaluations: number;
  /** How many members are drawn at once. */
  readonly batch: number;
  readonly optimiser: Optimiser;
  /** The gradient of each member is shortened to this norm before it is divided by |P|. */
  readonly clip: number;
  /** e, in [0, 1]: how much of a member's gradient is that of its own reward alone. */
  readonly emphasis: number;
  /** b, in [0, 1]: the share of fresh noise when a dominated member restarts at one of the front; at 0 it waits. */
  readonly fresh: number;
  /** The most images that are kept. */
  readonly keep: number;
  /** The reference point of the hypervolume, a number a reward. */
  readonly reference: Point;
  readonly watch: WatchSettings;
}

/** What a population has found so far. */
export interface Front {
  /** All images seen that no other one seen dominates, thinned to `keep`. The caller of `optimiseFront` owns the tensors once it ends. */
  readonly archive: readonly Candidate[];
  /** A row an evaluation: hypervolume of the archive; means of rewards and watched rewards over the members of the front; |P|. */
  readonly rows: readonly (readonly number[])[];
  readonly remarks: readonly string[];
  readonly hacks: boolean;
}

interface State {
  archive: Candidate[];
  readonly rows: number[][];
  readonly remarks: string[];
  hacks: boolean;
}

/**
 * Optimises a population of noises towards a Pareto front of several rewards: only members that no other member dominates
 * receive a gradient, and the images that nothing seen dominates are kept. It does to noise what the source's policy gradient
 * does to a model, where dominated samples have a reward of 0. `report` is awaited after each evaluation; where it rejects, every tensor
 * is freed. The caller owns the archive of the result. Throws UserError `NOT_FINITE` at the first evaluation.
 * Source: Parrot, arXiv 2401.05675, algorithm 1 and equation 4.
 *
 * | here  | there            |                                                                                       |
 * |-------|------------------|---------------------------------------------------------------------------------------|
 * | x     |                  | [N, h, w, c], the members; after a step at the length that noise has                   |
 * | P     | P                | the non-dominated members; member i steps along (1 / |P|) sum_k W_ik grad r_k          |
 * | W_ik  | <reward k> token | (1 - e) / K + e [k = i mod K], times the weight, or over the usual range without one    |
 * | fresh |                  | b: the others restart at sqrt(1 - b^2) x_j + b n of a j in P; the source draws all anew |
 */
export async function optimiseFront(
  parts: ObjectiveParts,
  settings: FrontSettings,
  report: (evaluation: number, front: Front) => Promise<void>,
): Promise<Front> {
  const state: State = { archive: [], rows: [], remarks: [], hacks: false };
  const random = randomStream(parts.request.noise.seeds[0]!);
  let x: Tensor4D = clone(parts.request.noise.latents);
  let moments = settings.optimiser.init(x);
  try {
    for (let k = 1; k <= settings.evaluations; k++) {
      const { members, gradient } = await evaluateMembers(x, parts, settings);
      try {
        const front = recordMembers(state, members, parts, settings);
        if (!front) break;
        if (k < settings.evaluations) {
          const next = takeStep(x, gradient, moments, front, settings, random);
          dispose([x, ...moments.moments]);
          [x, moments] = [next.x, next.moments];
        }
      } finally {
        gradient.dispose();
        for (const member of members) if (!state.archive.includes(member)) disposeCandidate(member);
      }
      await report(k, state);
      if (recordWatched(state, parts, settings.watch)) break;
    }
    return state;
  } catch (error) {
    state.archive.forEach(disposeCandidate);
    throw error;
  } finally {
    dispose([x, ...moments.moments]);
  }
}

/** All members, drawn and judged `batch` at a time, and the gradient [N, ...] of what each minimises. The caller owns them. */
async function evaluateMembers(
  x: Tensor4D,
  parts: ObjectiveParts,
  { batch, emphasis }: FrontSettings,
): Promise<{ members: Candidate[]; gradient: Tensor4D }> {
  const { seeds } = parts.request.noise;
  const members: Candidate[] = [];
  const gradients: Tensor4D[] = [];
  try {
    for (let start = 0; start < seeds.length; start += batch) {
      const noise = { latents: x, seeds };
      const part = sliceRequest({ ...parts.request, noise }, start, Math.min(batch, seeds.length - start));
      try {
        const found = await evaluatePart({ ...parts, request: part.request }, start, emphasis);
        members.push(...found.members);
        gradients.push(found.gradient);
      } finally {
        dispose(part.tensors);
      }
    }
    return { members, gradient: concat(gradients, 0) };
  } catch (error) {
    members.forEach(disposeCandidate);
    throw error;
  } finally {
    dispose(gradients);
  }
}

/** Members [start, start + n), all at once. */
async function evaluatePart(
  parts: ObjectiveParts,
  start: number,
  emphasis: number,
): Promise<{ members: Candidate[]; gradient: Tensor4D }> {
  const { latents, seeds } = parts.request.noise;
  const objective = noiseObjective(parts, 'exact');
  const weights = parts.rewards.map((_, k) =>
    tensor1d(seeds.map((_, i) => emphasiseRewards(parts.rewards, start + i, emphasis)[k]!)),
  );
  let evaluation: (Evaluation & { readonly gradient: Tensor }) | undefined;
  try {
    evaluation = evaluateWithGradient(latents, objective.evaluate, weights);
    const { pixels } = evaluation;
    const columns = await Promise.all(evaluation.scores.map((column) => column.data()));
    const watched = parts.watched.length > 0 ? await objective.watch(pixels) : undefined;
    const ids = await imageIds(pixels);
    const members = seeds.map((seed, i) => {
      const scores = columns.map((column) => column[i]!);
      const total = addWeighted(scores, readWeights(parts.rewards));
      const tensors = { latents: takeRow(latents, i), pixels: takeRow(pixels, i) };
      return { id: ids[i]!, seed, total, scores, watched: watched?.[i] ?? [], ...tensors };
    });
    return { members, gradient: clone(evaluation.gradient) as Tensor4D };
  } finally {
    dispose([...weights, ...(evaluation ? [evaluation.pixels, evaluation.gradient, ...evaluation.scores] : [])]);
  }
}

/** W_i: how much each reward counts for member i. */
export function emphasiseRewards(rewards: readonly Reward[], i: number, emphasis: number): number[] {
  return rewards.map(({ usualRange: [low, high], weight = 1 / (high - low) }, k) => {
    const share = (1 - emphasis) / rewards.length + (k === i % rewards.length ? emphasis : 0);
    return share * weight;
  });
}

/** Records the members: archive, row, remarks. Gives P, or undefined where a score is not finite, which ends the run. */
function recordMembers(
  state: State,
  members: readonly Candidate[],
  parts: ObjectiveParts,
  { keep, reference }: FrontSettings,
): number[] | undefined {
  const broken = members.map((each) => findBrokenScore(each, parts)).find((each) => each !== undefined);
  if (broken) {
    const what = `the reward "${broken.name}" gave ${broken.score}`;
    if (state.rows.length === 0)
      throw new UserError('NOT_FINITE', `The optimisation cannot begin: ${what} at the first evaluation already.`);
    state.remarks.push(
      `The optimisation stopped at evaluation ${state.rows.length + 1}, because ${what}; its front is kept.`,
    );
    return undefined;
  }
  const front = nonDominated(members.map(({ scores }) => scores));
  const before = state.archive;
  state.archive = thinFront([...before, ...front.map((i) => members[i]!)], keep);
  for (const each of before) if (!state.archive.includes(each)) disposeCandidate(each);
  const scores = front.map((i) => [...members[i]!.scores, ...members[i]!.watched]);
  const means = scores[0]!.map((_, k) => scores.reduce((sum, row) => sum + row[k]!, 0) / front.length);
  const volume = hypervolume(
    state.archive.map((each) => each.scores),
    reference,
  );
  state.rows.push([volume, ...means, front.length]);
  return front;
}

/** The front of candidates without repetitions; where it is larger than `keep`, those with most room around them. */
function thinFront(candidates: readonly Candidate[], keep: number): Candidate[] {
  const front = nonDominated(candidates.map(({ scores }) => scores)).map((i) => candidates[i]!);
  const unique = front.filter(
    ({ scores }, i) => !front.slice(0, i).some((other) => other.scores.every((score, k) => score === scores[k])),
  );
  while (unique.length > keep) {
    const room = crowdingDistance(unique.map(({ scores }) => scores));
    unique.splice(room.indexOf(Math.min(...room)), 1);
  }
  return unique;
}

/** The next x and moments, which the caller owns: P steps, the others wait or restart near P, without momentum. */
function takeStep(
  x: Tensor4D,
  gradient: Tensor4D,
  moments: OptimiserState,
  front: readonly number[],
  { optimiser, clip, fresh }: FrontSettings,
  random: RandomStream,
): { x: Tensor4D; moments: OptimiserState } {
  let steps = 0;
  const [next, ...kept] = tidy(() => {
    const mask = tensor4d(
      Float32Array.from({ length: x.shape[0] }, (_, i) => (front.includes(i) ? 1 : 0)),
      [x.shape[0], 1, 1, 1],
    );
    const shared = mul(clip > 0 ? clipByNorm(gradient, clip) : gradient, div(mask, front.length));
    const update = optimiser.update(shared, moments);
    steps = update.state.steps;
    const moved = toNoiseRadius(add(x, update.step)) as Tensor4D;
    const rows = Array.from({ length: x.shape[0] }, (_, i) => {
      if (front.includes(i)) return takeRow(moved, i);
      if (fresh === 0) return takeRow(x, i);
      const near = takeRow(x, front[random.integer(front.length)]!);
      const noise = tensor4d(Float32Array.from({ length: near.size }, random.normal), near.shape);
      return add(mul(near, Math.sqrt(1 - fresh * fresh)), mul(noise, fresh)) as Tensor4D;
    });
    return [concat(rows, 0), ...update.state.moments.map((moment) => mul(moment, mask))];
  });
  return { x: next as Tensor4D, moments: { steps, moments: kept } };
}

/** Says once that the rewards are hacked: the volume grows while what is watched falls. True where that ends the run. */
function recordWatched(state: State, { rewards, watched }: ObjectiveParts, { patience, stop }: WatchSettings): boolean {
  if (watched.length === 0 || state.hacks) return false;
  const weights = readWeights(watched);
  const totals = state.rows.map((row) => addWeighted(row.slice(1 + rewards.length, -1), weights));
  const tolerance = hackingTolerance(watched, weights);
  const volumes = state.rows.map(([volume]) => volume!);
  const hacking = findRewardHacking(volumes, totals, { patience, tolerance });
  if (!hacking) return false;
  state.hacks = true;
  state.remarks.push(describeHacking(hacking, watched.map(({ name }) => name).join(', '), 'The front'));
  return stop;
}
