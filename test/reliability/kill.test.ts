import { beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../nodes/ml/random.ts';
import { openTestDevice } from '../support/devices.ts';
import { killings } from '../support/kills.ts';

describe('a process that is killed at a random moment loses nothing', () => {
  beforeAll(openTestDevice, 120_000);

  it.each(killings)(
    '$name',
    async ({ once }) => {
      for (const seed of [1, 2, 3]) await expect(once(randomStream(seed)), `seed ${seed}`).resolves.toBeUndefined();
    },
    300_000,
  );
});
