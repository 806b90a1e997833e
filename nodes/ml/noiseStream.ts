import type { Noise } from '../ports.ts';
import { brownianTree, type Increments } from './brownianTree.ts';
import { philoxSource } from './philox.ts';
import { latentsOf, type NoiseSource, noiseSource } from './random.ts';
import { seedSequence } from './seedSequence.ts';
import type { Tensor4D } from './tf.ts';

/**
 * Whose noise a seed gives:
 *
 * | diffusers | each image by itself, from seed + i; further draws go on                                    |
 * | comfyui   | one draw for the whole batch from the seed; samplers begin anew with it                      |
 * | a1111-cpu | as diffusers; further draws of seed + i + ENSD, where that is not 0                          |
 * | a1111-gpu | the same with the numbers of an NVIDIA card                                                  |
 */
export const noisePrograms = ['diffusers', 'comfyui', 'a1111-cpu', 'a1111-gpu'] as const;
export type NoiseProgram = (typeof noisePrograms)[number];

/** Where the noise of one image comes from, and that of the steps after it. */
export interface NoiseStream {
  readonly program: NoiseProgram;
  readonly seed: number;
  /** Which image of how many it is in the batch that ComfyUI draws. */
  readonly row: number;
  readonly count: number;
  /** In ComfyUI, which of the draws of single images it is; absent where the batch is one draw. */
  readonly index?: number;
  /** A1111's ENSD: added to the seed for further draws, where it is not 0. */
  readonly ensd: number;
}

/** Words of the pool that `copySeed` mixes. */
const POOL_SIZE = 4;

type Shape = readonly [h: number, w: number, c: number];

/** Streams of the images of a batch, or of those that `indexes` names; in ComfyUI all have one seed. */
export function noiseStreams(
  program: NoiseProgram,
  seed: number,
  count: number,
  { ensd = 0, indexes }: { ensd?: number; indexes?: readonly number[] } = {},
): NoiseStream[] {
  const rows = indexes ?? Array.from({ length: count }, (_, row) => row);
  const isBatch = program === 'comfyui';
  return rows.map((index, row) => ({
    program,
    seed: isBatch ? seed : (seed + index) % 2 ** 53,
    row,
    count: rows.length,
    ...(isBatch && indexes && { index }),
    ensd,
  }));
}

/** Seeds and streams of some images of a batch, in the order of `rows`. */
export function chooseStreams(
  { seeds, streams }: Pick<Noise, 'seeds' | 'streams'>,
  rows: readonly number[],
): Pick<Noise, 'seeds' | 'streams'> {
  return { seeds: rows.map((row) => seeds[row]!), ...(streams && { streams: rows.map((row) => streams[row]!) }) };
}

/**
 * The noise that images are drawn from, [N, h, w, c]. The caller owns it.
 * Source: ComfyUI, comfy/sample.py, prepare_noise; stable-diffusion-webui, modules/rng.py, ImageRNG
 */
export function startNoise(streams: readonly NoiseStream[], shape: Shape): Tensor4D {
  const size = sizeOf(shape);
  const batches = new Map<string, Float32Array>();
  return latentsOf(
    streams.map(({ program, seed, row, count, index }) => {
      const source = sourceOf(program, seed);
      if (program !== 'comfyui') return source(size);
      if (index !== undefined) return Array.from({ length: index + 1 }, () => source(size)).at(-1)!;
      const key = `${seed} ${count}`;
      const batch = batches.get(key) ?? source(count * size);
      batches.set(key, batch);
      return batch.subarray(row * size, (row + 1) * size);
    }),
    shape,
  );
}

/** Further noise of a run, one draw after the other: [N, h, w, c], which the caller owns. */
export interface FreshNoise {
  next(): Tensor4D;
  /**
   * The increment of one Brownian motion from a noise level to a lower one, as a unit normal; absent where draws are
   * independent. Source: k-diffusion, sampling.py, BrownianTreeNoiseSampler
   */
  between?(from: number, to: number): Tensor4D;
  /** Goes on with some rows, see `chooseRows`; copies have streams of their own, which depend on the step in which they are made. */
  choose(rows: readonly number[], step: number): void;
}

/** The rows of `chosen`, in its order: the first of each stays what it is, `copy` makes the others, counted from 1. */
export function chooseRows<Row>(
  rows: readonly Row[],
  chosen: readonly number[],
  copy: (row: Row, copyNumber: number) => Row,
): Row[] {
  const times = new Map<number, number>();
  return chosen.map((row) => {
    const copyNumber = times.get(row) ?? 0;
    times.set(row, copyNumber + 1);
    return copyNumber === 0 ? rows[row]! : copy(rows[row]!, copyNumber);
  });
}

/** The seed of what a copy of a row draws, made in a step that is counted from 0. `place` tells rows of one seed apart. */
export function copySeed(seed: number, step: number, copyNumber: number, place = 0): number {
  return seedSequence(seed, [step, copyNumber, place], POOL_SIZE, 1)[0]!;
}

/** Further noise as diffusers draws it: what a seed gives after the noise of its image. */
export function seededNoise(seeds: readonly number[], shape: Shape): FreshNoise {
  const size = sizeOf(shape);
  const rowOf = (seed: number) => {
    const source = noiseSource(seed);
    let started = false;
    const draw: NoiseSource = (count) => {
      if (!started) source(count);
      started = true;
      return source(count);
    };
    return { seed, draw };
  };
  let rows = seeds.map(rowOf);
  return {
    next: () =>
      latentsOf(
        rows.map(({ draw }) => draw(size)),
        shape,
      ),
    choose(chosen, step) {
      rows = chooseRows(rows, chosen, ({ seed }, copyNumber) => rowOf(copySeed(seed, step, copyNumber)));
    },
  };
}

/** Further noise as ComfyUI and webui draw it on a CPU. `levels`: the lowest noise level of the run above 0, and the highest. */
export function freshNoise(
  streams: readonly NoiseStream[],
  shape: Shape,
  levels: readonly [number, number],
): FreshNoise {
  const size = sizeOf(shape);
  const numbersOf = ({ program, count }: NoiseStream) => (program === 'comfyui' ? count * size : size);
  const treeOf = (stream: NoiseStream) => brownianTree(stream.seed, ...levels, numbersOf(stream));
  const sources = oneEach(streams, (stream) => furtherSource(stream, size));
  const trees = oneEach(streams, treeOf);
  let rows = streams.map((stream, i) => ({ stream, source: sources[i]!, tree: trees[i]! }));
  let lowest = levels[1];
  const draw = <Drawer>(
    drawerOf: (row: (typeof rows)[number]) => () => Drawer,
    numbersFrom: (drawer: Drawer, numbers: number) => Float32Array,
  ) => {
    const drawn = new Map<Drawer, Float32Array>();
    const all = rows.map((row) => {
      const [drawer, { stream }] = [drawerOf(row)(), row];
      const numbers = drawn.get(drawer) ?? numbersFrom(drawer, numbersOf(stream));
      drawn.set(drawer, numbers);
      return stream.program === 'comfyui' ? numbers.subarray(stream.row * size, (stream.row + 1) * size) : numbers;
    });
    return latentsOf(all, shape);
  };
  return {
    next: () =>
      draw(
        ({ source }) => source,
        (source, numbers) => source(numbers),
      ),
    between(from, to) {
      const length = Math.sqrt(Math.abs(from - to));
      lowest = Math.min(lowest, to);
      return draw(
        ({ tree }) => tree,
        (tree: Increments) => tree(from, to).map((value) => value / length),
      );
    },
    choose(chosen, step) {
      rows = chooseRows(rows, chosen, ({ stream: original, tree: before }, copyNumber) => {
        const seed = copySeed(original.seed, step, copyNumber, original.row);
        const stream: NoiseStream = { program: 'a1111-cpu', seed, row: 0, count: 1, ensd: 0 };
        const [source, own] = [furtherSource(stream, size), treeOf(stream)];
        const place = ownPlace(original, size);
        const tree = branchBelow(lowest, (from, to) => place(before()(from, to)), own);
        return { stream, source: () => source, tree: () => tree };
      });
    },
  };
}

/** The numbers of an image among those of its batch. */
function ownPlace({ program, row }: NoiseStream, size: number): (numbers: Float32Array) => Float32Array {
  return (numbers) => (program === 'comfyui' ? numbers.subarray(row * size, (row + 1) * size) : numbers);
}

/** A Brownian motion that is `above` down to a level, and goes on from there as `below` does. */
function branchBelow(level: number, above: Increments, below: Increments): Increments {
  return (from, to) => {
    if (from <= level) return below(from, to);
    if (to >= level) return above(from, to);
    const rest = below(level, to);
    return above(from, level).map((value, i) => value + rest[i]!);
  };
}

/** For each stream what is made of it when it is first needed; images of one batch of ComfyUI share it. */
function oneEach<Drawer>(streams: readonly NoiseStream[], make: (stream: NoiseStream) => Drawer): (() => Drawer)[] {
  const made = new Map<string, Drawer>();
  return streams.map((stream, i) => {
    const key = stream.program === 'comfyui' ? `${stream.seed} of ${stream.count}` : String(i);
    return () => {
      const drawer = made.get(key) ?? make(stream);
      made.set(key, drawer);
      return drawer;
    };
  });
}

/** ComfyUI's samplers make a new generator of the same seed; webui goes on, or begins anew with ENSD. */
function furtherSource({ program, seed, ensd }: NoiseStream, size: number): NoiseSource {
  const source = sourceOf(program, program === 'comfyui' ? seed : (seed + ensd) % 2 ** 53);
  if (program !== 'comfyui' && ensd === 0) source(size); // which the noise of the image was
  return source;
}

function sourceOf(program: NoiseProgram, seed: number): NoiseSource {
  return program === 'a1111-gpu' ? philoxSource(seed) : noiseSource(seed);
}

const sizeOf = ([h, w, c]: Shape): number => h * w * c;
