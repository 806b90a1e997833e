import { beforeAll, describe, expect, it } from 'vitest';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

async function expectEqual(folder: string, toleranceFactor: number): Promise<void> {
  const report = await verifyFolder(goldenFolder(folder), { files: diskFiles, toleranceFactor });
  expect(report.problems).toEqual([]);
  expect(report.rows.filter((row) => !row.ok)).toEqual([]);
  expect(report.ok).toBe(true);
}

await describeOnDevices('schedulers equal diffusers', (device) => {
  guardLeaks();
  it('every table and chain', () => expectEqual('schedulers', device().toleranceFactor));
});

await describeOnDevices("schedulers of EDM's noise levels, and over stated timesteps, equal diffusers", (device) => {
  guardLeaks();
  it.each(['schedulers-edm', 'schedulers-timesteps'])('every table and chain of %s', (folder) =>
    expectEqual(folder, device().toleranceFactor),
  );
});

describe('schedulers equal diffusers over the rest of the options', () => {
  let toleranceFactor = 1;
  beforeAll(async () => {
    ({ toleranceFactor } = await openTestDevice());
  });
  guardLeaks();
  it('every table and chain', () => expectEqual('schedulers-wide', toleranceFactor));
});
