import { type RandomStream, randomStream } from '../random.ts';
import type { NoiseSearch } from './noiseSearch.ts';

interface PopulationSettings {
  readonly seed: number;
  /** After the first evaluation of all members. */
  readonly rounds: number;
  /** At least 2. */
  readonly members: number;
  /** b0, in (0, 1]: the share of fresh noise in a move, about which those of the members lie. */
  readonly reach: number;
  /** Rounds between two selections, at least 1. */
  readonly interval: number;
}

/** Constants of Ray's implementation: the share that is replaced, and how often a setting is drawn anew. */
const [quantile, redraw] = [0.25, 0.25];

interface Member {
  readonly noise: Float32Array<ArrayBuffer>;
  readonly reach: number;
  readonly worth: number;
}

/**
 * Population based training of noise: each member moves, and stays where that is no better; now and then the worst quarter
 * takes over noise and reach of members of the best quarter, and explores another reach. Thus the step size is learned
 * while it is used.
 * Source: arXiv 1711.09846, algorithm 1, with truncation selection. What is trained there, weights by gradient, is noise here,
 * by the move of preconditioned Crank-Nicolson (arXiv 1202.0709), under which standard normal noise stays so.
 *
 * | here  | there | d standard normal numbers n; b of each member log-uniform in [b0 / 4, min(1, 4 b0)] at first  |
 * |-------|-------|-----------------------------------------------------------------------------------------------|
 * | noise | theta | move: sqrt(1 - b^2) noise + b n, taken where its reward is higher                              |
 * | reach | h     | explore: b times 1.2 or 0.8, at most 1; with probability 1/4 as at first                       |
 *
 * @param startOf noise of a seed; the members have the seeds from `seed` on
 */
export function* population(
  startOf: (seed: number) => Float32Array<ArrayBuffer>,
  settings: PopulationSettings,
): NoiseSearch {
  const { seed, rounds, members: count, interval } = settings;
  const random = randomStream(seed);
  const ask = (noises: readonly Float32Array<ArrayBuffer>[], reaches: readonly number[]) => ({
    queries: noises.map((noise) => ({ noise, seed })), // the same further noise for all
    measures: { reach: reaches.reduce((sum, reach) => sum + reach, 0) / reaches.length },
  });
  const starts = Array.from({ length: count }, (_, i) => startOf(seed + i));
  const reaches = starts.map(() => drawReach(settings.reach, random));
  const first = yield ask(starts, reaches);
  let members = starts.map((noise, i): Member => ({ noise, reach: reaches[i]!, worth: first[i]! }));
  for (let round = 1; round <= rounds; round++) {
    const moved = members.map(({ noise, reach }) => move(noise, reach, random));
    const worth = yield ask(
      moved,
      members.map(({ reach }) => reach),
    );
    members = members.map((member, i) =>
      worth[i]! > member.worth ? { ...member, noise: moved[i]!, worth: worth[i]! } : member,
    );
    if (round % interval === 0) members = select(members, settings.reach, random);
  }
}

/** The worst quarter, at least one, starts again from members of the best quarter. Order does not change. */
function select(members: readonly Member[], initial: number, random: RandomStream): Member[] {
  const replaced = Math.max(1, Math.floor(quantile * members.length));
  const order = [...members.keys()].sort((a, b) => members[b]!.worth - members[a]!.worth);
  const worst = order.slice(-replaced);
  return members.map((member, i) => {
    if (!worst.includes(i)) return member;
    const model = members[order[random.integer(replaced)]!]!;
    return { ...model, reach: explore(model.reach, initial, random) };
  });
}

function explore(reach: number, initial: number, random: RandomStream): number {
  if (random.uniform() < redraw) return drawReach(initial, random);
  return Math.min(1, reach * (random.integer(2) === 0 ? 0.8 : 1.2));
}

function drawReach(initial: number, random: RandomStream): number {
  const [low, high] = [initial / 4, Math.min(1, 4 * initial)];
  return low * (high / low) ** random.uniform();
}

function move(noise: Float32Array<ArrayBuffer>, reach: number, random: RandomStream): Float32Array<ArrayBuffer> {
  const kept = Math.sqrt(1 - reach * reach);
  return noise.map((value) => kept * value + reach * random.normal());
}
