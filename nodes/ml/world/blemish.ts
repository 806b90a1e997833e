import type { RandomStream } from '../random.ts';
import { SCENE_SIZE } from './scene.ts';

/** What goes wrong with images, in the likeness of what small generators and their optimisers do. */
export const blemishes = ['noise', 'blur', 'tear', 'blocks', 'blotches'] as const;
type Blemish = (typeof blemishes)[number];

/**
 * A spoiled copy of an image.
 *
 * noise: normal, of deviation 0.25 s; blur: Gaussian of 2.5 s pixels; tear: patches of 8 x 8, each with probability s,
 * show what lies up to 2 + 6 s pixels aside; blocks: patches of 4 x 4, half of them, get a colour offset of deviation
 * 0.35 s; blotches: a smooth field of deviation 0.4 s is added to each channel.
 *
 * @param pixels 64 * 64 * 3 values in [0, 1], row by row
 * @param severity s in [0, 1]
 */
export function blemish(pixels: Float32Array, kind: Blemish, severity: number, random: RandomStream): Float32Array {
  return spoilers[kind](pixels, severity, random).map((value) => Math.min(1, Math.max(0, value)));
}

const spoilers: Record<Blemish, (pixels: Float32Array, severity: number, random: RandomStream) => Float32Array> = {
  noise: (pixels, s, random) => pixels.map((value) => value + 0.25 * s * random.normal()),
  blur: (pixels, s) => gaussianBlur(pixels, 2.5 * s),
  tear(pixels, s, random) {
    const reach = 2 + 6 * s;
    return fromPlaces(pixels, 8, () => {
      if (random.uniform() >= s) return [0, 0];
      return [Math.round((random.uniform() * 2 - 1) * reach), Math.round((random.uniform() * 2 - 1) * reach)];
    });
  },
  blocks(pixels, s, random) {
    const offsets = grid(SCENE_SIZE / 4, () => (random.uniform() < 0.5 ? 0.35 * s * random.normal() : 0));
    return pixels.map((value, i) => {
      const [x, y] = [Math.floor(i / 3) % SCENE_SIZE, Math.floor(i / 3 / SCENE_SIZE)];
      return value + offsets[i % 3]![(y >> 2) * (SCENE_SIZE / 4) + (x >> 2)]!;
    });
  },
  blotches(pixels, s, random) {
    const knots = 6;
    const field = grid(knots, () => 0.4 * s * random.normal());
    return pixels.map((value, i) => {
      const [x, y] = [Math.floor(i / 3) % SCENE_SIZE, Math.floor(i / 3 / SCENE_SIZE)];
      return value + between(field[i % 3]!, knots, (x / SCENE_SIZE) * (knots - 1), (y / SCENE_SIZE) * (knots - 1));
    });
  },
};

/** A value of `side` x `side` places for each of the three channels. */
const grid = (side: number, value: () => number): Float32Array[] =>
  [0, 1, 2].map(() => Float32Array.from({ length: side * side }, value));

/** Every square patch shows what lies `shift()` pixels aside; the border is carried on. */
function fromPlaces(pixels: Float32Array, patch: number, shift: () => readonly [number, number]): Float32Array {
  const across = SCENE_SIZE / patch;
  const shifts = Array.from({ length: across * across }, shift);
  const inside = (value: number) => Math.min(SCENE_SIZE - 1, Math.max(0, value));
  return pixels.map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % SCENE_SIZE, Math.floor(i / 3 / SCENE_SIZE)];
    const [dx, dy] = shifts[Math.floor(y / patch) * across + Math.floor(x / patch)]!;
    return pixels[(inside(y + dy) * SCENE_SIZE + inside(x + dx)) * 3 + (i % 3)]!;
  });
}

/** Bilinear. */
function between(field: Float32Array, side: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [x - left, y - top];
  const at = (column: number, row: number) => field[row * side + column]!;
  const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
  return upper * (1 - v) + (at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u) * v;
}

/** Rows, then columns; the border is carried on. */
export function gaussianBlur(pixels: Float32Array, sigma: number): Float32Array {
  if (sigma === 0) return pixels.slice();
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return along(along(pixels, weights, total, 3, 'x'), weights, total, 3 * SCENE_SIZE, 'y');
}

function along(pixels: Float32Array, weights: readonly number[], total: number, stride: number, axis: 'x' | 'y') {
  const reach = (weights.length - 1) / 2;
  return pixels.map((_, i) => {
    const pixel = Math.floor(i / 3);
    const place = axis === 'x' ? pixel % SCENE_SIZE : Math.floor(pixel / SCENE_SIZE);
    let sum = 0;
    for (let k = 0; k < weights.length; k++) {
      const other = Math.min(SCENE_SIZE - 1, Math.max(0, place + k - reach));
      sum += weights[k]! * pixels[i + (other - place) * stride]!;
    }
    return sum / total;
  });
}
