import { noiseSource } from './random.ts';
import { seedSequence } from './seedSequence.ts';

/** Places are told apart to six decimals. */
const PLACES = 6;
const POOL_SIZE = 24;
/** Down to this depth, halves are kept for the next query; deeper ones are computed again. */
const KEPT_DEPTH = 5;

/** W(to) - W(from) of one Brownian motion: `size` numbers. */
export type Increments = (from: number, to: number) => Float32Array;

/**
 * One Brownian motion of `size` numbers over [start, end], the same for a seed wherever and in whatever order it is asked: the
 * increment over an interval is halved down to the places asked for, W(half) ~ N(W / 2, length / 4), each with noise of its
 * own seed. Asked from the higher to the lower place, it is the increment downwards.
 * Source: torchsde, _brownian/brownian_interval.py (halfway_tree, tol 1e-6), as k-diffusion's BrownianTreeNoiseSampler uses it
 */
export function brownianTree(seed: number, start: number, end: number, size: number): Increments {
  const [rootSeed] = seedSequence(seed, [], POOL_SIZE, 1);
  const whole = noiseSource(rootSeed!)(size).map((value) => value * Math.sqrt(end - start));
  const root: Interval = { start: roundPlace(start), end: roundPlace(end), key: 0, depth: 0, increment: whole };
  return (from, to) => {
    const [low, high] = [Math.min(from, to), Math.max(from, to)].map((place) =>
      Math.min(Math.max(roundPlace(place), root.start), root.end),
    ) as [number, number];
    const sum = new Float32Array(size);
    addWithin(root, low, high, seed, sum);
    return from > to ? sum.map((value) => -value) : sum;
  };
}

interface Interval {
  readonly start: number;
  readonly end: number;
  /** The path from the whole: a bit each time, 1 to the right. */
  readonly key: number;
  readonly depth: number;
  readonly increment: Float32Array;
  halves?: readonly [Interval, Interval];
}

/** Adds the increment over the part [low, high] of an interval. */
function addWithin(interval: Interval, low: number, high: number, seed: number, sum: Float32Array): void {
  if (low >= high) return;
  if (low <= interval.start && high >= interval.end) {
    for (const [i, value] of interval.increment.entries()) sum[i] = sum[i]! + value;
    return;
  }
  const [left, right] = interval.halves ?? halve(interval, seed);
  if (interval.depth < KEPT_DEPTH) interval.halves = [left, right];
  if (low < left.end) addWithin(left, low, Math.min(high, left.end), seed, sum);
  if (high > right.start) addWithin(right, Math.max(low, right.start), high, seed, sum);
}

function halve({ start, end, key, depth, increment }: Interval, seed: number): [Interval, Interval] {
  const half = roundPlace(0.5 * (start + end));
  const [noiseSeed] = seedSequence(seed, [key, depth], POOL_SIZE, 1);
  const noise = noiseSource(noiseSeed!)(increment.length);
  const length = end - start;
  const share = (half - start) / length;
  const deviation = Math.sqrt(((half - start) * (end - half)) / length);
  const left = increment.map((value, i) => share * value + deviation * noise[i]!);
  const right = increment.map((value, i) => value - left[i]!);
  return [
    { start, end: half, key: 2 * key, depth: depth + 1, increment: left },
    { start: half, end, key: 2 * key + 1, depth: depth + 1, increment: right },
  ];
}

/** Rounded to `places` decimals, half to even as Python does: a half there is an odd part of 128. */
function roundPlace(x: number): number {
  if (Math.abs((x * 128) % 2) !== 1) return Number(x.toFixed(PLACES));
  const below = Math.floor(x * 10 ** PLACES);
  return (below + (below % 2)) / 10 ** PLACES;
}
