import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineStart } from '../../../electron/engine/engineMessages.ts';
import { chosenPlaces } from '../../../electron/files/chosenPlaces.ts';
import { createRunFolder } from '../../../electron/files/runFolder.ts';
import { createDesktop, type System } from '../../../electron/host/desktop.ts';
import type { DesktopEvent, DeviceRow, ImagePlace } from '../../../electron/host/ipc.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { addPngText } from '../../../nodes/ml/image/pngText.ts';
import { gatedLibrary, graphOf, pngOf } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

/*
 * What the shell does for the window besides computing, on a real disk; the system's dialogs are answered by the test.
 */

const text = writeGraph(graphOf('Blue', { gate: {} }));

let folder: string;
let events: DesktopEvent[];
let started: Partial<EngineStart>[];
/** What the next dialog gives. */
let answer: string | undefined;
let themes: string[];
let rows: DeviceRow[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-desktop-'));
  [events, started, themes, answer, rows] = [[], [], [], undefined, []];
});
afterEach(() => rm(folder, { recursive: true }));

/** The desktop as after a new start of the application. */
function desktop(dialogs = true) {
  const system: System = {
    askOpen: async () => answer,
    askSave: async () => answer,
    askPath: async () => answer,
    reveal: () => {},
    setMenu: () => {},
    setTheme: (theme) => themes.push(theme),
    addRecent: () => {},
  };
  return createDesktop({
    folders: { data: join(folder, 'data'), graphs: join(folder, 'graphs'), runs: join(folder, 'runs') },
    host: {
      state: { state: 'starting' },
      start: (changes = {}) => started.push(changes),
      requireAnswer: () => {},
      onState: () => () => {},
    },
    ...(dialogs ? { system } : {}),
    listDevices: async () => rows,
    emit: (event) => events.push(event),
  });
}

describe('graphs', () => {
  it('are opened where the user says, saved there, and found again after a new start', async () => {
    answer = join(folder, 'blue.json');
    await writeFile(answer, text);
    expect(await desktop().api.openGraph()).toEqual({ location: answer, name: 'blue', text });
    const { api } = desktop();
    await api.saveGraph(answer, 'changed');
    expect(await api.openRecent(answer)).toEqual({ location: answer, name: 'blue', text: 'changed' });
    expect(await api.listRecent()).toMatchObject([{ location: answer, name: 'blue', exists: true }]);
    await rm(answer);
    expect(await api.listRecent()).toMatchObject([{ exists: false }]);
    await expect(api.openRecent(answer)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await api.forgetRecent(answer);
    await expect(api.saveGraph(answer, text)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect(await readdir(folder)).not.toContain('blue.json');
  });

  it('keep what was there when they cannot be written, and leave no other file', async () => {
    answer = join(folder, 'nowhere', 'blue.json');
    await expect(desktop().api.saveGraphAs('blue', text)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    answer = undefined;
    expect(await desktop().api.saveGraphAs('blue', text)).toBeUndefined();
    expect(await desktop().api.openGraph()).toBeUndefined();
    answer = join(folder, 'blue.json');
    expect(await desktop().api.saveGraphAs('blue', text)).toEqual({ location: answer, name: 'blue' });
    expect(await readFile(answer, 'utf8')).toBe(text);
    expect((await readdir(folder)).sort()).toEqual(['blue.json', 'data']);
  });

  it('come out of images that this program made, which are not written over', async () => {
    const png = addPngText(pngOf(1), { 'noiseloom-graph': text });
    const { api, open } = desktop();
    expect(await api.readDropped('sea/blue.png', png)).toEqual({ name: 'blue', text });
    expect(await api.readDropped('blue.json', new TextEncoder().encode(text))).toEqual({ name: 'blue', text });
    await expect(api.readDropped('x.png', pngOf(1))).rejects.toMatchObject({ code: 'NO_GRAPH' });
    await writeFile(join(folder, 'blue.png'), png);
    await open(join(folder, 'blue.png'));
    expect(events).toEqual([{ type: 'open', file: { name: 'blue', text } }]);
    expect(await api.listRecent()).toEqual([]);
  });

  it('lie in one folder where there are no dialogs, and replace each other only when told', async () => {
    const { api } = desktop(false);
    const { location } = (await api.saveGraphAs('blue', text)) as { location: string };
    expect(location).toBe(join(folder, 'graphs', 'blue.json'));
    await expect(api.saveGraphAs('blue.json', 'other')).rejects.toMatchObject({ code: 'EXISTS' });
    expect(await api.saveGraphAs('blue', 'other', true)).toEqual({ location, name: 'blue' });
    await writeFile(join(folder, 'graphs', 'by-hand.json'), text);
    await writeFile(join(folder, 'graphs', 'package.json'), '{"name": "none of ours"}');
    expect((await api.listRecent()).map(({ name }) => name).sort()).toEqual(['blue', 'by-hand']);
    expect(await api.openRecent(join(folder, 'graphs', 'by-hand.json'))).toMatchObject({ name: 'by-hand', text });
  });
});

describe('a file that is chosen for a param', () => {
  it('is remembered as one that graphs may read, beside the folders of graphs', async () => {
    const { api } = desktop();
    expect(await api.chooseFile(['png'], false)).toBeUndefined();
    answer = join(folder, 'images');
    expect(await api.chooseFile(['png'], true)).toBe(answer);
    answer = join(folder, 'blue.json');
    await api.saveGraphAs('blue', text);
    expect(await chosenPlaces(join(folder, 'data')).list()).toEqual([join(folder, 'images'), folder]);
  });
});

describe('drafts', () => {
  it('survive a new start until they are removed; a broken one hides no other', async () => {
    const { api } = desktop();
    await api.writeDraft({ id: 'a-1', name: 'Blue', text: 'first', location: '/somewhere/blue.json' });
    await api.writeDraft({ id: 'a-1', name: 'Blue', text: 'second' });
    await api.writeDraft({ id: 'b', name: 'Red', text });
    await writeFile(join(folder, 'data', 'drafts', 'broken.json'), '{"id": "br');
    const found = await desktop().api.listDrafts();
    expect(found.map(({ id, text }) => [id, text]).sort()).toEqual([
      ['a-1', 'second'],
      ['b', text],
    ]);
    await api.removeDraft('a-1');
    await api.removeDraft('a-1');
    expect((await api.listDrafts()).map(({ id }) => id)).toEqual(['b']);
  });
});

describe('a file that another hand damaged', () => {
  it('is told to the window when it is kept aside, whichever it is', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const data = join(folder, 'data');
    await mkdir(data);
    const names = ['preferences.json', 'recent.json', 'chosen.json'];
    for (const name of names) await writeFile(join(data, name), 'no JSON');
    await writeFile(join(folder, 'mine.json'), text);
    const { api } = desktop();
    await api.writePreferences({ theme: 'dark' });
    answer = join(folder, 'mine.json');
    await api.openGraph();
    await api.chooseFile(['png'], false);
    said.mockRestore();
    const told = events.flatMap((event) => (event.type === 'notice' ? [event.text] : []));
    expect(told).toHaveLength(3);
    const kept = await readdir(data);
    for (const [i, name] of names.entries()) {
      expect(told[i]).toContain(join(data, name));
      expect(kept.filter((each) => each.startsWith(`${name}.`))).toEqual([/kept as "(.*?)"/.exec(told[i]!)?.[1]]);
    }
  });
});

describe('preferences', () => {
  const usual = { language: 'system', previews: true, autosave: false, memoryShare: 0.5, runsFolder: '' };

  it('are kept, take effect, and never hold what is none', async () => {
    const { api } = desktop();
    expect(await api.readPreferences()).toEqual({ ...usual, theme: 'system', device: 'auto', view: {} });
    await api.writePreferences({ theme: 'dark' });
    await api.writePreferences({ device: 'wasm', language: 'ja', view: { panel: 'runs' } });
    await api.writePreferences({ device: 'abacus', theme: 5, language: 'xx' } as never);
    expect(await desktop().api.readPreferences()).toMatchObject({
      theme: 'dark',
      device: 'wasm',
      language: 'ja',
      view: { panel: 'runs' },
    });
    expect(themes).toEqual(['dark']);
    expect(started).toEqual([{ device: 'wasm', memoryShare: 0.5 }]);
    await writeFile(join(folder, 'data', 'preferences.json'), 'no JSON');
    expect(await api.readPreferences()).toEqual({ ...usual, theme: 'system', device: 'auto', view: {} });
  });
});

describe('settings', () => {
  it('tell the devices that were found last, at once, after a new start as well', async () => {
    expect(await desktop().api.knownDevices()).toEqual([]);
    rows = [{ name: 'cpu', available: true, chosen: true, description: 'A processor' }];
    expect(await desktop().api.listDevices()).toEqual(rows);
    expect(await desktop().api.knownDevices()).toEqual(rows);
  });

  it('keep what is right of what the window chooses, and start the engine with it', async () => {
    const { api } = desktop();
    expect(await api.writePreferences({ memoryShare: 0.25, autosave: true, previews: 3 as never })).toMatchObject({
      memoryShare: 0.25,
      autosave: true,
      previews: true,
    });
    expect(started).toEqual([{ device: 'auto', memoryShare: 0.25 }]);
    await api.writePreferences({ memoryShare: 7, runsFolder: 'not/absolute' });
    expect(await desktop().api.readPreferences()).toMatchObject({ memoryShare: 0.25, runsFolder: '' });
  });

  it('choose other folders of models and runs by the dialog, where there is one', async () => {
    vi.stubEnv('NOISELOOM_DATA', join(folder, 'data'));
    vi.stubEnv('NOISELOOM_MODELS', '');
    const { api } = desktop();
    expect((await api.chooseFolder('models')).models).toBe(join(folder, 'data', 'models')); // the dialog was closed
    answer = join(folder, 'elsewhere');
    expect((await api.chooseFolder('models')).models).toBe(answer);
    expect((await api.chooseFolder('runs')).runs).toBe(answer);
    expect((await api.readPreferences()).runsFolder).toBe(answer);
    expect(started).toEqual([{}, { runsFolder: answer }]);
    expect((await desktop().api.listModels()).folder).toBe(answer);
    await expect(desktop(false).api.chooseFolder('runs')).rejects.toMatchObject({ code: 'NO_DIALOGS' });
    vi.unstubAllEnvs();
  });
});

describe('templates', () => {
  it('have a title, a short sentence and a text each, by purpose, ReNO among the first three', async () => {
    const templates = await desktop().api.listTemplates();
    expect(templates.slice(0, 3).map(({ name }) => name)).toEqual(['first-image', 'reno', 'best-of-n']);
    const purposes = templates.map(({ purpose }) => purpose);
    expect(purposes.filter((purpose, i) => purpose !== purposes[i - 1])).toEqual([...new Set(purposes)]);
    for (const { name, title, summary, text } of templates) {
      expect(title, name).toMatch(/\S/);
      expect(summary, name).toMatch(/^.{10,80}\.$/);
      expect(JSON.parse(text), name).toMatchObject({ format: 'noiseloom-graph', title });
    }
    expect(await desktop().api.readTemplateImage('../../README')).toBeUndefined();
  });
});

describe('run folders', () => {
  it('are listed newest first, read by the names in their records, and removed', async () => {
    const document = graphOf('Blue', { image: { type: 'test/image' } });
    const run = await createRunFolder(
      join(folder, 'runs'),
      {
        location: '',
        folder,
        document,
        plan: planRun(document, gatedLibrary().library),
        overrides: {},
        device: { name: 'cpu', description: 'of a test' },
        versions: { noiseloom: '0' },
        files: memoryFiles({}),
      },
      () => {},
    );
    const name = run.path.split('/').at(-1) as string;
    run.receive({ type: 'image', run: 'r', node: 'image', name: 'a.png', mime: 'image/png', bytes: pngOf(3) });
    const { api } = desktop();
    expect(await api.listRunFolders()).toMatchObject([{ folder: name, title: 'Blue', state: 'running' }]);
    await run.finish('done');
    await mkdir(join(folder, 'runs', '2020-no-run'));
    expect(await api.listRunFolders()).toMatchObject([{ folder: name, state: 'done', outputs: [{ name: 'a.png' }] }]);
    expect(await api.readRun(name)).toMatchObject({ graph: { document }, state: 'done' });
    const png = await api.readRunFile(name, 'a.png');
    expect((await api.readDropped('a.png', png)).text).toBe(writeGraph(document));
    for (const other of ['run.json', '../a.png', 'b.png', ''])
      await expect(api.readRunFile(name, other), other).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await api.binRuns([{ folder: name }]);
    expect(await api.listRunFolders()).toEqual([]);
    await expect(api.binRuns([{ folder: '2020-no-run' }])).rejects.toMatchObject({ code: 'NO_RUN' });
    await api.restoreRuns([{ folder: name }]);
    expect(await api.listRunFolders()).toMatchObject([{ folder: name, outputs: [{ name: 'a.png' }] }]);
    await api.binRuns([{ folder: name }]);
    expect((await api.measureBin()).files).toBe(2);
    await api.emptyBin();
    expect(await api.measureBin()).toEqual({ files: 0, bytes: 0 });
    await expect(api.restoreRuns([{ folder: name }])).rejects.toMatchObject({ code: 'NO_RUN' });
    expect(await readdir(join(folder, 'runs'))).toEqual(['2020-no-run']);
  });

  it('have stars, which a new start finds again', async () => {
    const [first, second] = [1, 2].map((i) => ({ folder: 'f', name: `${i}.png` })) as [ImagePlace, ImagePlace];
    await desktop().api.markStars([first, second], true);
    await desktop().api.markStars([first], false);
    await desktop().api.markStars([second], true);
    expect(await desktop().api.listStars()).toEqual([second]);
  });
});
