const multipliers = { start: 0x931e8875, state: 0x58f38ded, left: 0xca01f9dd, right: 0x4973f715 } as const;
const constants = { start: 0x43b0d7e5, state: 0x8b51f9dd } as const;

/**
 * The first `count` unsigned 32-bit words of numpy's `SeedSequence(entropy, spawn_key=spawnKey, pool_size=poolSize)`.
 * Numbers are whole, from 0 to 2^53. Source: numpy, random/bit_generator.pyx; O'Neill 2015, "Developing a seed_seq alternative"
 */
export function seedSequence(
  entropy: number,
  spawnKey: readonly number[],
  poolSize: number,
  count: number,
): Uint32Array {
  const pool = mixEntropy(assembleEntropy(entropy, spawnKey, poolSize), poolSize);
  const hash = hasher(constants.state, multipliers.state);
  return Uint32Array.from({ length: count }, (_, i) => hash(pool[i % poolSize]!));
}

/** The words of the entropy, filled up with zeros where a spawn key follows, then those of the key. */
function assembleEntropy(entropy: number, spawnKey: readonly number[], poolSize: number): number[] {
  const words = wordsOf(entropy);
  if (spawnKey.length === 0) return words;
  const zeros = new Array<number>(Math.max(0, poolSize - words.length)).fill(0);
  return [...words, ...zeros, ...spawnKey.flatMap(wordsOf)];
}

/** 32-bit words, the low one first. */
function wordsOf(value: number): number[] {
  return value < 2 ** 32 ? [value] : [value % 2 ** 32, Math.floor(value / 2 ** 32)];
}

function mixEntropy(words: readonly number[], poolSize: number): number[] {
  const hash = hasher(constants.start, multipliers.start);
  const pool = Array.from({ length: poolSize }, (_, i) => hash(words[i] ?? 0));
  for (let from = 0; from < poolSize; from++)
    for (let to = 0; to < poolSize; to++) if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!));
  for (const word of words.slice(poolSize)) for (let to = 0; to < poolSize; to++) pool[to] = mix(pool[to]!, hash(word));
  return pool;
}

/** A hash whose constant changes with each use. */
function hasher(start: number, multiplier: number): (value: number) => number {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x: number, y: number): number {
  const result = Math.imul(multipliers.left, x) - Math.imul(multipliers.right, y);
  return ((result | 0) ^ ((result | 0) >>> 16)) >>> 0;
}
