import { expect, it } from 'vitest';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

await describeOnDevices('samplers and schedules equal ComfyUI, k-diffusion and webui', (device) => {
  guardLeaks();
  it('every list, trajectory, draw of noise and run with a model', { timeout: 900_000 }, async ({ skip }) => {
    const { name, toleranceFactor } = device();
    skip(name === 'webgpu', 'hundreds of calls of the model take too long in software');
    const { problems, rows } = await verifyFolder(goldenFolder('k-samplers'), { files: diskFiles, toleranceFactor });
    expect(problems).toEqual([]);
    expect(rows.length).toBeGreaterThan(140);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
  });
});
