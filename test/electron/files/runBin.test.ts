import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listRunFolders, readRecord } from '../../../electron/files/recordedRuns.ts';
import { emptyBin, measureBin, moveToBin, restoreFromBin } from '../../../electron/files/runBin.ts';
import { createRunFolder, type RunFolder } from '../../../electron/files/runFolder.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { gatedLibrary, graphOf, pngOf } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

const { library } = gatedLibrary();
const document = graphOf('Blue', { image: { type: 'test/image' } });
let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'noiseloom-bin-'));
});
afterEach(() => rm(parent, { recursive: true }));

/** A run with two images, and a small copy of the first. */
async function record(): Promise<{ run: RunFolder; folder: string }> {
  const run = await createRunFolder(
    parent,
    {
      location: '',
      folder: parent,
      document,
      plan: planRun(document, library),
      overrides: {},
      device: { name: 'cpu', description: '' },
      versions: { noiseloom: '0' },
      files: memoryFiles({}),
    },
    () => {},
  );
  const image = { run: 'r', node: 'image', mime: 'image/png', bytes: pngOf(1) };
  run.receive({ type: 'image', ...image, name: 'sub/a.png', label: { id: 'first' } });
  run.receive({ type: 'image', ...image, name: 'b.png', label: { id: 'second' } });
  run.receive({ type: 'copy', ...image, name: 'copies/a.png', label: { id: 'first' }, output: 'o', count: 1 });
  return { run, folder: run.path.split('/').at(-1)! };
}
const imagesOf = async () => {
  const [run] = await listRunFolders(parent);
  return [...(run?.outputs ?? []), ...(run?.copies ?? [])].map(({ name }) => name);
};

describe('the bin of runs', () => {
  it('takes a run out of the list and gives it back as it was', async () => {
    const { run, folder } = await record();
    await run.finish('done');
    const before = await readRecord(parent, folder);
    await moveToBin(parent, [{ folder }]);
    expect(await listRunFolders(parent)).toEqual([]);
    expect((await measureBin(parent)).files).toBe(4);
    await restoreFromBin(parent, [{ folder }]);
    expect(await readRecord(parent, folder)).toEqual(before);
    expect((await measureBin(parent)).files).toBe(0);
  });

  it('takes an image with all files that show it, and gives them back', async () => {
    const { run, folder } = await record();
    await run.finish('done');
    await moveToBin(parent, [{ folder, names: ['sub/a.png'] }]);
    expect(await imagesOf()).toEqual(['b.png']);
    expect((await measureBin(parent)).files).toBe(2);
    await restoreFromBin(parent, [{ folder, names: ['sub/a.png'] }]);
    expect(await imagesOf()).toEqual(['sub/a.png', 'b.png', 'copies/a.png']);
    expect((await stat(join(parent, folder, 'sub', 'a.png'))).isFile()).toBe(true);
  });

  it('is emptied for ever, and the run goes on without what was deleted', async () => {
    const { run, folder } = await record();
    await run.finish('done');
    await moveToBin(parent, [{ folder, names: ['b.png'] }]);
    await emptyBin(parent);
    expect(await measureBin(parent)).toEqual({ files: 0, bytes: 0 });
    expect(await imagesOf()).toEqual(['sub/a.png', 'copies/a.png']);
    await moveToBin(parent, [{ folder }]);
    await emptyBin(parent);
    await expect(restoreFromBin(parent, [{ folder }])).rejects.toMatchObject({ code: 'NO_RUN' });
    expect(await readdir(parent)).toEqual([]);
  });

  it('refuses a run that goes on, files that a run does not have, and names that lead elsewhere', async () => {
    const { run, folder } = await record();
    await expect(moveToBin(parent, [{ folder }])).rejects.toMatchObject({ code: 'RUN_GOES_ON' });
    await run.finish('done');
    for (const name of ['run.json', '../x', 'c.png'])
      await expect(moveToBin(parent, [{ folder, names: [name] }])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const other of ['..', '.bin', 'a/b', '']) {
      await expect(moveToBin(parent, [{ folder: other }])).rejects.toMatchObject({ code: 'NO_RUN' });
      await expect(restoreFromBin(parent, [{ folder: other }])).rejects.toMatchObject({ code: 'NO_RUN' });
    }
    expect(await imagesOf()).toHaveLength(3);
  });
});
