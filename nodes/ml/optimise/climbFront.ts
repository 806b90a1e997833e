import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { partOfRequest } from '../diffusion/sampleImages.ts';
import { imageIds } from '../image/imageIds.ts';
import { crowdingDistance, hypervolume, nonDominated, type Point } from '../pareto.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { add, clone, concat, dispose, div, mul, type Tensor, type Tensor4D, tensor1d, tensor4d, tidy } from '../tf.ts';
import { rowOf } from './climb.ts';
import type { WatchSettings } from './climber.ts';
import { type NoiseClimb, noiseSlope } from './climbNoise.ts';
import { clipByNorm } from './clipByNorm.ts';
import { brokenScore, type Candidate, free } from './drawCandidates.ts';
import { evaluate, type Seen } from './evaluate.ts';
import { toNoiseRadius } from './noiseNorm.ts';
import type { Optimiser, OptimiserState } from './optimiser.ts';
import { findRewardHacking, hackingInWords, hackingTolerance } from './rewardHacking.ts';
import { weightedTotal, weightsOf } from './weightedTotal.ts';

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
  /** The most images that are remembered. */
  readonly keep: number;
  /** Above which volume counts, a number a reward. */
  readonly reference: Point;
  readonly watch: WatchSettings;
}

/** Where a population is. */
export interface Front {
  /** All images seen that no other one seen dominates, thinned to `keep`. The climb owns the tensors until it ends. */
  readonly archive: readonly Candidate[];
  /** A row an evaluation: hypervolume of the archive; means of rewards and watched rewards over the members of the front; |P|. */
  readonly rows: readonly (readonly number[])[];
  readonly remarks: readonly string[];
}

interface State {
  archive: Candidate[];
  readonly rows: number[][];
  readonly remarks: string[];
  hacks: boolean;
}

/**
 * A population of noises climbs towards a front of several rewards: only members that no other member dominates receive a
 * gradient, and the images that nothing seen dominates are kept. It does to noise what the source's policy gradient does to
 * a model, where dominated samples count as worth 0. `report` is awaited after each evaluation; where it rejects, every tensor
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
export async function climbFront(
  slope: NoiseClimb,
  settings: FrontSettings,
  report: (evaluation: number, front: Front) => Promise<void>,
): Promise<Front> {
  const state: State = { archive: [], rows: [], remarks: [], hacks: false };
  const random = randomStream(slope.request.noise.seeds[0]!);
  let x: Tensor4D = clone(slope.request.noise.latents);
  let moments = settings.optimiser.init(x);
  try {
    for (let k = 1; k <= settings.evaluations; k++) {
      const { members, gradient } = await lookAt(x, slope, settings);
      try {
        const front = noteMembers(state, members, slope, settings);
        if (!front) break;
        if (k < settings.evaluations) {
          const next = step(x, gradient, moments, front, settings, random);
          dispose([x, ...moments.moments]);
          [x, moments] = [next.x, next.moments];
        }
      } finally {
        gradient.dispose();
        for (const member of members) if (!state.archive.includes(member)) free(member);
      }
      await report(k, state);
      if (noteWatched(state, slope, settings.watch)) break;
    }
    return state;
  } catch (error) {
    state.archive.forEach(free);
    throw error;
  } finally {
    dispose([x, ...moments.moments]);
  }
}

/** All members, drawn and judged `batch` at a time, and the gradient [N, ...] of what each minimises. The caller owns them. */
async function lookAt(
  x: Tensor4D,
  slope: NoiseClimb,
  { batch, emphasis }: FrontSettings,
): Promise<{ members: Candidate[]; gradient: Tensor4D }> {
  const { seeds } = slope.request.noise;
  const members: Candidate[] = [];
  const gradients: Tensor4D[] = [];
  try {
    for (let start = 0; start < seeds.length; start += batch) {
      const noise = { latents: x, seeds };
      const part = partOfRequest({ ...slope.request, noise }, start, Math.min(batch, seeds.length - start));
      try {
        const found = await lookAtPart({ ...slope, request: part.request }, start, emphasis);
        members.push(...found.members);
        gradients.push(found.gradient);
      } finally {
        dispose(part.tensors);
      }
    }
    return { members, gradient: concat(gradients, 0) };
  } catch (error) {
    members.forEach(free);
    throw error;
  } finally {
    dispose(gradients);
  }
}

/** Members [start, start + n), all at once. */
async function lookAtPart(
  slope: NoiseClimb,
  start: number,
  emphasis: number,
): Promise<{ members: Candidate[]; gradient: Tensor4D }> {
  const { latents, seeds } = slope.request.noise;
  const own = noiseSlope(slope, 'exact');
  const weights = slope.rewards.map((_, k) =>
    tensor1d(seeds.map((_, i) => emphasised(slope.rewards, start + i, emphasis)[k]!)),
  );
  let seen: (Seen & { readonly gradient: Tensor }) | undefined;
  try {
    seen = evaluate(latents, own.look, weights);
    const { pixels } = seen;
    const columns = await Promise.all(seen.scores.map((column) => column.data()));
    const watched = slope.watched.length > 0 ? await own.watch(pixels) : undefined;
    const ids = await imageIds(pixels);
    const members = seeds.map((seed, i) => {
      const scores = columns.map((column) => column[i]!);
      const total = weightedTotal(scores, weightsOf(slope.rewards));
      const tensors = { latents: rowOf(latents, i), pixels: rowOf(pixels, i) };
      return { id: ids[i]!, seed, total, scores, watched: watched?.[i] ?? [], ...tensors };
    });
    return { members, gradient: clone(seen.gradient) as Tensor4D };
  } finally {
    dispose([...weights, ...(seen ? [seen.pixels, seen.gradient, ...seen.scores] : [])]);
  }
}

/** W_i: how much each reward counts for member i. */
export function emphasised(rewards: readonly Reward[], i: number, emphasis: number): number[] {
  return rewards.map(({ usualRange: [low, high], weight = 1 / (high - low) }, k) => {
    const share = (1 - emphasis) / rewards.length + (k === i % rewards.length ? emphasis : 0);
    return share * weight;
  });
}

/** Takes in the members: archive, row, remarks. Gives P, or undefined where a number is none, which ends the climb. */
function noteMembers(
  state: State,
  members: readonly Candidate[],
  slope: NoiseClimb,
  { keep, reference }: FrontSettings,
): number[] | undefined {
  const broken = members.map((each) => brokenScore(each, slope)).find((each) => each !== undefined);
  if (broken) {
    const what = `the reward "${broken.name}" gave ${broken.score}`;
    if (state.rows.length === 0)
      throw new UserError('NOT_FINITE', `The climb cannot begin: ${what} at the first evaluation already.`);
    state.remarks.push(`The climb stopped at evaluation ${state.rows.length + 1}, because ${what}; its front is kept.`);
    return undefined;
  }
  const front = nonDominated(members.map(({ scores }) => scores));
  const before = state.archive;
  state.archive = thinned([...before, ...front.map((i) => members[i]!)], keep);
  for (const each of before) if (!state.archive.includes(each)) free(each);
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
function thinned(candidates: readonly Candidate[], keep: number): Candidate[] {
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
function step(
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
      if (front.includes(i)) return rowOf(moved, i);
      if (fresh === 0) return rowOf(x, i);
      const near = rowOf(x, front[random.integer(front.length)]!);
      const noise = tensor4d(Float32Array.from({ length: near.size }, random.normal), near.shape);
      return add(mul(near, Math.sqrt(1 - fresh * fresh)), mul(noise, fresh)) as Tensor4D;
    });
    return [concat(rows, 0), ...update.state.moments.map((moment) => mul(moment, mask))];
  });
  return { x: next as Tensor4D, moments: { steps, moments: kept } };
}

/** Says once that the rewards are hacked: the volume grows while what is watched falls. True where the climb is to end. */
function noteWatched(state: State, { rewards, watched }: NoiseClimb, { patience, stop }: WatchSettings): boolean {
  if (watched.length === 0 || state.hacks) return false;
  const weights = weightsOf(watched);
  const totals = state.rows.map((row) => weightedTotal(row.slice(1 + rewards.length, -1), weights));
  const tolerance = hackingTolerance(watched, weights);
  const volumes = state.rows.map(([volume]) => volume!);
  const hacking = findRewardHacking(volumes, totals, { patience, tolerance });
  if (!hacking) return false;
  state.hacks = true;
  state.remarks.push(hackingInWords(hacking, watched.map(({ name }) => name).join(', '), 'The front'));
  return stop;
}
