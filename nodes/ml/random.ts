import { UserError } from '../errors.ts';
import { type Tensor4D, tensor4d, tidy, transpose } from './tf.ts';

/** Random numbers from a seed, the same on every device and machine. */
export interface RandomStream {
  /** In [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Whole number in [0, below). */
  integer(below: number): number;
  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[];
}

export function randomStream(seed: number): RandomStream {
  const next = mersenneTwister(seed);
  const uniform = () => uniform53(next);
  const normal = normalPairs(uniform);
  const integer = (below: number) => Math.floor(uniform() * below);
  return {
    uniform,
    normal,
    integer,
    shuffle(items) {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      return shuffled;
    },
  };
}

/**
 * Noise for a batch, image i from `seeds[i]` alone: the numbers of `torch.randn(1, c, h, w)` after
 * `torch.manual_seed(seed)` on CPU, so a seed means the same image as in diffusers with a CPU generator.
 *
 * @param shape latents of one image, [h, w, c]
 * @returns [N, h, w, c], owned by the caller
 */
export function latentNoise(seeds: readonly number[], shape: readonly [number, number, number]): Tensor4D {
  const [h, w, c] = shape;
  return latentsOf(
    seeds.map((seed) => noiseSource(seed)(h * w * c)),
    shape,
  );
}

/** Numbers of N images, each in torch's order [c, h, w] -> [N, h, w, c]. The caller owns the result. */
export function latentsOf(rows: readonly Float32Array[], [h, w, c]: readonly [number, number, number]): Tensor4D {
  const size = h * w * c;
  const values = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) values.set(row, i * size);
  return tidy(() => transpose(tensor4d(values, [rows.length, c, h, w]), [0, 2, 3, 1]));
}

/** The numbers of `latentNoise` for one seed, in the order of latents [h, w, c]. */
export function normalLatents(seed: number, [h, w, c]: readonly [number, number, number]): Float32Array<ArrayBuffer> {
  const drawn = noiseSource(seed)(h * w * c); // [c, h, w]
  return Float32Array.from(drawn, (_, i) => drawn[(i % c) * h * w + Math.floor(i / c)]!);
}

/** The next `size` standard normal numbers of a stream. */
export type NoiseSource = (size: number) => Float32Array;

/**
 * Successive draws are those of `torch.manual_seed(seed)` and then `torch.randn(size)` each time, on CPU (to float32
 * rounding). From 16 numbers on: 24-bit uniforms, turned into normals in blocks of 16 (u1 from the first half of the
 * block, u2 from the second), a rest of the last block drawn anew with the 15 numbers before it. Below 16: pairs from
 * 53-bit uniforms.
 * Source: Box and Muller 1958; PyTorch ATen/native/cpu/DistributionTemplates.h (normal_fill), core/DistributionsHelper.h.
 */
export function noiseSource(seed: number): NoiseSource {
  const next = mersenneTwister(seed);
  const normal = normalPairs(() => uniform53(next));
  const uniform24 = () => (next() & 0xffffff) / 2 ** 24;
  return (size) => {
    const values = new Float32Array(size);
    if (size < 16) return values.map(normal);
    for (let i = 0; i < size; i++) values[i] = uniform24();
    for (let start = 0; start + 16 <= size; start += 16) boxMuller16(values, start);
    if (size % 16 !== 0) {
      for (let i = size - 16; i < size; i++) values[i] = uniform24();
      boxMuller16(values, size - 16);
    }
    return values;
  };
}

function boxMuller16(values: Float32Array, start: number): void {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]!));
    const angle = 2 * Math.PI * values[i + 8]!;
    values[i] = radius * Math.cos(angle);
    values[i + 8] = radius * Math.sin(angle);
  }
}

/** Normals in pairs from uniforms; the second of a pair is kept for the next call. */
function normalPairs(uniform: () => number): () => number {
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** 53 bits of two draws, the first one the high half. */
function uniform53(next: () => number): number {
  const high = next();
  return ((high & 0x1fffff) * 2 ** 32 + next()) / 2 ** 53;
}

/**
 * MT19937: unsigned 32-bit numbers. Of a seed above 2^32 the low 32 bits count, as in PyTorch.
 * Source: Matsumoto and Nishimura 1998, doi 10.1145/272991.272995. Throws UserError `BAD_SEED`.
 */
function mersenneTwister(seed: number): () => number {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UserError('BAD_SEED', `The seed is ${seed}; a whole number from 0 to 9007199254740991 is needed.`);
  const [length, middle] = [624, 397];
  const state = new Uint32Array(length);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < length; i++) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(previous, 1812433253) + i;
  }
  let index = length;
  const twist = () => {
    for (let i = 0; i < length; i++) {
      const after = i + 1 < length ? i + 1 : 0;
      const ahead = i + middle < length ? i + middle : i + middle - length;
      const joined = (state[i]! & 0x80000000) | (state[after]! & 0x7fffffff);
      state[i] = state[ahead]! ^ (joined >>> 1) ^ (-(joined & 1) & 0x9908b0df);
    }
    index = 0;
  };
  return () => {
    if (index === length) twist();
    let y = state[index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}
