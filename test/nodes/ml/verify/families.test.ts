import { expect, it } from 'vitest';
import type { Files } from '../../../../nodes/files.ts';
import type { GoldenTensor } from '../../../../nodes/ml/verify/family.ts';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

/** Of the adapters, gradients of one of each kind are enough in software: all of them take minutes. */
const isTooMuch = (name: string) => name.includes('.grad.') && !/^out\.(two|loha|lokr)\./.test(name);

/** The same files; the table of a family without the rows that take too long in software. */
const briefFiles: Files = {
  ...diskFiles,
  async read(path, ...range) {
    const bytes = await diskFiles.read(path, ...range);
    if (path !== `${goldenFolder('lora')}/tensors.json`) return bytes;
    const rows = JSON.parse(new TextDecoder().decode(bytes)) as GoldenTensor[];
    const brief = rows.filter(({ name }) => !isTooMuch(name));
    return new TextEncoder().encode(JSON.stringify(brief));
  },
};

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
    'dno',
    'dpm-solver-v3',
    'policy-updates',
    'preference-losses',
    'smart-control',
    'spsa-gc',
    'zo-rank',
    'reno-trajectory',
  ])('%s', { timeout: 900_000 }, async (family, { skip }) => {
    skip(family === 'reno-trajectory' && device().name === 'webgpu', 'hundreds of gradients take too long in software');
    const isBrief = family === 'lora' && device().name === 'webgpu';
    const report = await verifyFolder(goldenFolder(family), {
      files: isBrief ? briefFiles : diskFiles,
      toleranceFactor: device().toleranceFactor,
    });
    expect(report.problems).toEqual([]);
    const rows = report.rows.filter(({ name }) => !isBrief || !isTooMuch(name));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    expect(report.ok || isBrief).toBe(true);
  });
});
