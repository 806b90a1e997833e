import { afterAll, expect, it } from 'vitest';
import { randomStream } from '../../nodes/ml/random.ts';
import { killApplication } from '../support/appKilling.ts';
import { describeInWindows, removeHomes } from '../support/windows.ts';

/* More of this in `noiseloom bench reliability`. */

describeInWindows('the application, killed while it saves,', (_open, kind) => {
  afterAll(removeHomes);

  it.skipIf(kind !== 'electron').each([1, 2])('loses nothing (seed %i)', async (seed) => {
    await expect(killApplication(randomStream(seed))).resolves.toBeUndefined();
  });
});
