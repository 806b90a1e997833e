import { describe, expect, it } from 'vitest';
import { fuzz } from '../support/fuzz.ts';
import { fuzzTargets } from '../support/fuzzTargets.ts';

/** Seeds that once failed, by target: they are tried first, for ever. */
const pinned: Readonly<Record<string, readonly number[]>> = { configs: [1237] };

describe('spoiled content is refused in a sentence or read right', () => {
  it.each(fuzzTargets)(
    '$name',
    async (target) => {
      for (const seed of pinned[target.name] ?? []) expect(await fuzz(target, seed, 1)).toMatchObject({ failures: [] });
      const { accepted, refused, failures } = await fuzz(target, 1, 500);
      expect(failures).toEqual([]);
      expect(refused).toBeGreaterThan(50); // else the changes change nothing
      expect(accepted + refused).toBe(500);
    },
    120_000,
  );
});
