/** A random seed in [0, 2^32), short enough to read and type. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
