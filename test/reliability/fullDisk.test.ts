import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRunFolder } from '../../electron/files/runFolder.ts';
import { createDesktop, type System } from '../../electron/host/desktop.ts';
import { chooseFiles } from '../../electron/models/chooseFiles.ts';
import { openHubModel } from '../../electron/models/hub.ts';
import { pullModel } from '../../electron/models/pullModel.ts';
import { runTraining } from '../../electron/training/runTraining.ts';
import { emptyDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { planRun } from '../../graphs/run/plan.ts';
import { openTestDevice } from '../support/devices.ts';
import { gatedLibrary, graphOf, pngOf } from '../support/gatedLibrary.ts';
import { diskFiles } from '../support/golden.ts';
import { startHubServer } from '../support/hubServer.ts';
import { lineRun, lineTraining } from '../support/lineTraining.ts';
import { memoryFiles } from '../support/memoryFiles.ts';
import { mountSmallDisk, type SmallDisk } from '../support/smallDisk.ts';

/*
 * A disk that is full, and one that is read-only: whatever is written says so in a sentence, and what was there is whole.
 */

const mounted = await mountSmallDisk(4 * 2 ** 20);
if (typeof mounted === 'string') console.warn(`SKIPPED on a small disk: what a full disk does: ${mounted}`);
const disk = mounted as SmallDisk;

describe.skipIf(typeof mounted === 'string')('on a disk', () => {
  afterEach(async () => {
    disk.setReadOnly(false);
    await disk.empty();
  });
  afterAll(() => disk.remove());
  beforeAll(openTestDevice);

  const states = [
    ['that is full', 'the disk is full', () => disk.fill()],
    ['that is read-only', 'the disk is read-only', async () => disk.setReadOnly(true)],
  ] as const;
  const refused = (reason: string) => ({ code: 'WRITE_FAILED', message: expect.stringContaining(reason) });
  /** Hidden parts of files that could not be written are no results. */
  const names = async (folder: string) => (await readdir(folder)).filter((name) => !name.endsWith('.part')).sort();

  it.each(states)(
    '%s a save, a draft, preferences and an export are refused, and the old ones kept',
    async (...state) => {
      const [name, reason, spoil] = state;
      const folder = join(disk.path, name.replaceAll(' ', '-'));
      const location = join(folder, 'graph.json');
      const graph = (title: string) => writeGraph({ ...emptyDocument(title), notes: [note] });
      const note = { text: 'x'.repeat(100_000), position: [0, 0], size: [1, 1] } as const;
      await mkdir(folder);
      const system = { askSave: async () => location, addRecent: () => {}, setTheme: () => {} } as unknown as System;
      const { api } = createDesktop({
        folders: { data: join(folder, 'data'), graphs: folder, runs: join(folder, 'runs') },
        host: { state: { state: 'starting' }, start: () => {}, requireAnswer: () => {}, onState: () => () => {} },
        system,
        listDevices: async () => [],
        emit: () => {},
      });
      await api.saveGraphAs('graph', graph('old'));
      await api.writeDraft({ id: 'a', name: 'graph', text: graph('old') });
      await api.writePreferences({ theme: 'dark' });

      await spoil();
      const large = { view: { a: 'x'.repeat(100_000) } };
      for (const attempt of [
        () => api.saveGraph(location, graph('new')),
        () => api.writeDraft({ id: 'a', name: 'graph', text: graph('new') }),
        () => api.writeDraft({ id: 'b', name: 'other', text: graph('new') }),
        () => api.writePreferences(large),
        () => api.exportFile('a.json', new Uint8Array(100_000)),
      ])
        await expect(attempt()).rejects.toMatchObject(refused(reason));
      expect(await readFile(location, 'utf8')).toBe(graph('old'));
      expect(await api.listDrafts()).toMatchObject([{ id: 'a', text: graph('old') }]);
      expect(await api.readPreferences()).toMatchObject({ theme: 'dark', view: {} });
      expect(await names(folder)).toEqual(['data', 'graph.json']);

      disk.setReadOnly(false);
      await disk.empty();
      await api.saveGraph(location, graph('new'));
      expect(await readFile(location, 'utf8')).toBe(graph('new'));
    },
  );

  it.each(states)('%s a run stops, and says so', async (name, reason, spoil) => {
    const parent = join(disk.path, `runs-${name.replaceAll(' ', '-')}`);
    const document = graphOf('Full', { image: { type: 'test/image' } });
    const start = {
      ...{ location: '', folder: disk.path, document, plan: planRun(document, gatedLibrary().library), overrides: {} },
      ...{ device: { name: 'cpu', description: 'of a test' }, versions: {}, files: memoryFiles({}) },
    };
    let stopped = 0;
    const run = await createRunFolder(parent, start, () => stopped++);
    const image = { type: 'image', run: 'r', node: 'image', mime: 'image/png' } as const;
    run.receive({ ...image, name: 'first.png', bytes: pngOf(1) });
    await expect.poll(() => names(run.path)).toContain('first.png');
    await spoil();
    run.receive({ ...image, name: 'second.png', bytes: pngOf(2), label: { prompt: 'x' } });
    run.receive({ ...image, type: 'file', name: 'large.bin', mime: 'x/y', bytes: new Uint8Array(100_000) });
    await expect(run.finish('done')).rejects.toMatchObject(refused(reason));
    expect(stopped).toBe(1);
    await diskFiles.decodeImage(await readFile(join(run.path, 'first.png')));
    expect(JSON.parse(await readFile(join(run.path, 'run.json'), 'utf8')).format).toBe('noiseloom-run');
    expect(await names(run.path)).not.toContain('large.bin');
    if (reason.includes('read-only'))
      await expect(createRunFolder(join(disk.path, 'none'), start, () => {})).rejects.toMatchObject(refused(reason));
  });

  it.each(states)(
    '%s a training says which step it could not keep, and the checkpoint before is whole',
    async (...state) => {
      const [name, reason, spoil] = state;
      const folder = join(disk.path, `training-${name.replaceAll(' ', '-')}`);
      const run = { ...lineRun, folder };
      await runTraining(lineTraining, { ...run, steps: 5 }, diskFiles);
      const before = await readFile(join(folder, 'training.safetensors'));
      await spoil();
      await expect(runTraining(lineTraining, { ...run, steps: 10 }, diskFiles)).rejects.toMatchObject(refused(reason));
      expect(await readFile(join(folder, 'training.safetensors'))).toEqual(before);
      disk.setReadOnly(false);
      await disk.empty();
      const { losses } = await runTraining(lineTraining, { ...run, steps: 10 }, diskFiles);
      expect(losses).toHaveLength(10);
    },
  );

  it.each(states)('%s a pull says so, and goes on when there is room', async (name, reason, spoil) => {
    const models = join(disk.path, `models-${name.replaceAll(' ', '-')}`);
    const weights = new Uint8Array(1_000_000).fill(7);
    const content = { 'config.json': new Uint8Array(4), 'model.safetensors': weights };
    const server = await startHubServer('a/b', content);
    const hub = { endpoint: server.endpoint, retryDelay: 1 };
    const pull = async () => {
      const model = await openHubModel(hub, 'a/b');
      const options = { signal: new AbortController().signal, emit: () => {} };
      return pullModel(hub, model, chooseFiles(model), models, options);
    };
    try {
      await mkdir(models);
      await spoil();
      const code = reason.includes('full') ? 'DISK_FULL' : 'WRITE_FAILED';
      await expect(pull()).rejects.toMatchObject({ code, message: expect.stringMatching(/free|read-only/) });
      disk.setReadOnly(false);
      await disk.empty();
      expect(await readFile(join(await pull(), 'model.safetensors'))).toEqual(Buffer.from(weights));
    } finally {
      await server.close();
    }
  });

  it('that fills while a model is pulled, the pull says so, and goes on where it was', async () => {
    const models = join(disk.path, 'models-filling');
    await mkdir(models);
    const weights = new Uint8Array(1_500_000).fill(9);
    const server = await startHubServer('a/b', { 'config.json': new Uint8Array(4), 'model.safetensors': weights });
    Object.assign(server.behaviour, { breakAfter: 200_000, breaks: 1 });
    const hub = { endpoint: server.endpoint, retryDelay: 1 };
    const model = await openHubModel(hub, 'a/b');
    let filled: Promise<void> | undefined;
    const emit = ({ done }: { done: number }) => {
      if (done > 100_000) filled ??= disk.fill().catch(() => {});
    };
    const options = { signal: new AbortController().signal, emit };
    try {
      await expect(pullModel(hub, model, chooseFiles(model), models, options)).rejects.toMatchObject(
        refused('the disk is full'),
      );
      await filled;
      await disk.empty();
      const folder = await pullModel(hub, model, chooseFiles(model), models, { ...options, emit: () => {} });
      expect(await readFile(join(folder, 'model.safetensors'))).toEqual(Buffer.from(weights));
      expect(server.log.filter((line) => /bytes=\d{5,}-/.test(line)).length).toBeGreaterThan(0);
    } finally {
      await server.close();
    }
  });
});
