import { expect, it } from 'vitest';
import type { Files } from '../../../../nodes/files.ts';
import type { GoldenTensor } from '../../../../nodes/ml/verify/family.ts';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

/** What takes minutes in software and is left out there: gradients of all but a few adapters, and trainings of one. */
const tooMuch: Readonly<Record<string, (name: string) => boolean>> = {
  lora: (name) => name.includes('.grad.') && !/^out\.(two|loha|lokr)\./.test(name),
  'preference-losses': (name) => /^out\.(train|dcpo|draft)\./.test(name),
};

/** The same files; the table of a family without the rows that take too long in software. */
const briefFiles = (family: string): Files => ({
  ...diskFiles,
  async read(path, ...range) {
    const bytes = await diskFiles.read(path, ...range);
    if (path !== `${goldenFolder(family)}/tensors.json`) return bytes;
    const rows = JSON.parse(new TextDecoder().decode(bytes)) as GoldenTensor[];
    return new TextEncoder().encode(JSON.stringify(rows.filter(({ name }) => !tooMuch[family]?.(name))));
  },
});

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
    const isBrief = family in tooMuch && device().name === 'webgpu';
    const report = await verifyFolder(goldenFolder(family), {
      files: isBrief ? briefFiles(family) : diskFiles,
      toleranceFactor: device().toleranceFactor,
    });
    expect(report.problems).toEqual([]);
    const rows = report.rows.filter(({ name }) => !isBrief || !tooMuch[family]?.(name));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    expect(report.ok || isBrief).toBe(true);
  });
});
