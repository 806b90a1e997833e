import { expect, it } from 'vitest';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

await describeOnDevices('golden families', (device) => {
  guardLeaks();
  it.for([
    'checkpoint-formats',
    'taesd',
    'preprocessing',
    'tiny-sd-turbo',
    'tiny-sd15',
    'tiny-sdxl-turbo',
    'clip-hf',
    'clip-openclip',
    'imagereward',
    'aesthetic',
    'tiny-edm',
    'tiny-gpt2',
    'lora',
    'prompt-weights',
    'reno-trajectory',
  ])('%s', { timeout: 900_000 }, async (family, { skip }) => {
    skip(family === 'reno-trajectory' && device().name === 'webgpu', 'hundreds of gradients take too long in software');
    const report = await verifyFolder(goldenFolder(family), {
      files: diskFiles,
      toleranceFactor: device().toleranceFactor,
    });
    expect(report.problems).toEqual([]);
    expect(report.rows.filter((row) => !row.ok)).toEqual([]);
    expect(report.ok).toBe(true);
  });
});
