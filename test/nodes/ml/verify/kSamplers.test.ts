import { expect, it } from 'vitest';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

/** Draws that no sampler needs to be given: GPU noise, a Brownian tree, batches of other programs. */
const drawn = /^out\.(noise|brownian)\./;

await describeOnDevices('samplers and schedules equal ComfyUI, k-diffusion and webui', (device) => {
  guardLeaks();
  it('every list, trajectory and run with a model', { timeout: 900_000 }, async ({ skip }) => {
    const { name, toleranceFactor } = device();
    skip(name === 'webgpu', 'hundreds of calls of the model take too long in software');
    const { problems, rows } = await verifyFolder(goldenFolder('k-samplers'), { files: diskFiles, toleranceFactor });
    expect(problems).toEqual([]);
    const checked = rows.filter(({ name }) => !drawn.test(name));
    expect(checked.length).toBeGreaterThan(130);
    expect(checked.filter(({ ok }) => !ok)).toEqual([]);
  });
});
