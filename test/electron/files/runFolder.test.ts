import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listRunFolders, readRunFile } from '../../../electron/files/recordedRuns.ts';
import { createRunFolder, GRAPH_KEYWORD, type RunRecord, type RunStart } from '../../../electron/files/runFolder.ts';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { defineNode, libraryOf } from '../../../nodes/defineNode.ts';
import { encodePng } from '../../../nodes/ml/image/encodePng.ts';
import { readPngText } from '../../../nodes/ml/image/pngText.ts';
import { file, seed } from '../../../nodes/params.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

const reader = defineNode({
  type: 'test/reader',
  version: 1,
  title: 'Reader',
  summary: 'Reads a file.',
  inputs: {},
  params: {
    seed: seed({ initial: 5, help: 'Seed.' }),
    path: file({ initial: 'a.txt', accept: ['txt'], help: 'File.' }),
  },
  outputs: {},
  files: ({ path }) => [path],
  run: () => {},
});
const library = libraryOf([reader]);
const document: GraphDocument = {
  format: 'noiseloom-graph',
  version: 2,
  title: 'Blaue Blume: 花 / #1',
  nodes: { read: { type: 'test/reader', version: 1, params: {}, inputs: {}, position: [0, 0] } },
};
const png = encodePng({ width: 1, height: 1, rgb: new Uint8Array([1, 2, 3]) });
const image = {
  type: 'image',
  run: 'r',
  node: 'read',
  name: 'image.png',
  mime: 'image/png',
  bytes: png,
  label: { seed: 3 },
} as const;

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'noiseloom-run-'));
});
afterEach(async () => {
  await rm(parent, { recursive: true });
});

const start = (): RunStart => ({
  location: 'flower.json',
  folder: parent,
  document,
  plan: planRun(document, library),
  overrides: { 'read.seed': 5 },
  device: { name: 'wasm', description: 'WebAssembly' },
  versions: { noiseloom: '0.1.0' },
  files: memoryFiles({ 'a.txt': 'hello' }),
});
const read = async (folder: string) => JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as RunRecord;

describe('run folder', () => {
  it('says running until it is finished, and then all there is to repeat the run', async () => {
    const folder = await createRunFolder(parent, start(), () => {});
    expect(folder.path).toMatch(/\d{4}-\d\d-\d\d-\d{6}-blaue-blume-花-1-[0-9a-f]{6}$/);
    expect((await read(folder.path)).state).toBe('running');
    folder.receive({ type: 'node-started', run: 'r', node: 'read' });
    folder.receive({
      type: 'scores',
      run: 'r',
      node: 'read',
      output: 'scores',
      scores: { names: ['a'], values: [[1]], labels: [{}] },
    });
    folder.receive({ type: 'node-finished', run: 'r', node: 'read', ms: 12.4 });
    await folder.finish('done');
    const record = await read(folder.path);
    expect(record).toMatchObject({
      state: 'done',
      graph: { location: 'flower.json', document },
      overrides: { 'read.seed': 5 },
      seeds: { 'read.seed': 5 },
      nodes: { read: { state: 'done', ms: 12 } },
      files: [{ node: 'read', location: 'a.txt', path: 'a.txt', sha256: 'a.txt' }],
      scores: [{ node: 'read', output: 'scores', names: ['a'], values: [[1]] }],
    });
    expect(record.ms).toBeGreaterThanOrEqual(0);
  });

  it('keeps small copies of what nodes showed, each image once, up to a bound', async () => {
    const folder = await createRunFolder(parent, start(), () => {});
    const copy = { ...image, type: 'copy', output: 'images', count: 5, name: 'copies/a.png' } as const;
    expect(folder.receive(copy)).toBe('copies/a.png');
    expect(folder.receive({ ...copy, node: 'other' })).toBe('copies/a.png');
    expect(folder.receive({ ...copy, name: 'copies/b.png', bytes: new Uint8Array(2 ** 26) })).toBeUndefined();
    await folder.finish('done');
    expect(await readdir(join(folder.path, 'copies'))).toEqual(['a.png']);
    expect(await readFile(join(folder.path, 'copies', 'a.png'))).toEqual(Buffer.from(png));
    const { copies, outputs } = await read(folder.path);
    expect(outputs).toEqual([]);
    expect(copies).toEqual(
      ['read', 'other'].map((node) => ({
        node,
        output: 'images',
        count: 5,
        name: 'copies/a.png',
        mime: 'image/png',
        label: { seed: 3 },
      })),
    );
    const [summary] = await listRunFolders(parent);
    expect(summary).toMatchObject({ copies: [{ node: 'read' }, { node: 'other' }], problems: [], warnings: [] });
    expect(await readRunFile(parent, summary!.folder, 'copies/a.png')).toEqual(new Uint8Array(png));
  });

  it('tells of rewards that were exploited', async () => {
    const folder = await createRunFolder(parent, start(), () => {});
    const trace = {
      columns: [{ name: 'truth', role: 'watched' }] as const,
      values: [],
      labels: [],
      kept: [],
      remarks: ['It fell.'],
    };
    folder.receive({ type: 'trace', run: 'r', node: 'read', output: 'trace', trace: { ...trace, hacks: true } });
    folder.receive({ type: 'trace', run: 'r', node: 'read', output: 'trace', trace });
    await folder.finish('done');
    expect((await listRunFolders(parent))[0]).toMatchObject({
      warnings: [{ node: 'read', text: 'It fell.' }],
      watched: ['truth'],
    });
  });

  it('puts the graph into every PNG, which opens again as that graph', async () => {
    const folder = await createRunFolder(parent, start(), () => {});
    expect(folder.receive(image)).toBe('image.png');
    expect(folder.receive(image)).toBe('image-2.png');
    expect(folder.receive({ ...image, type: 'file', name: 'sub/run.json', mime: 'application/json' })).toBe(
      'sub/run.json',
    );
    expect(folder.receive({ ...image, type: 'file', name: 'run.json', mime: 'application/json' })).toBe('run-2.json');
    await folder.finish('done');
    const { outputs } = folder.record;
    expect((await readdir(folder.path)).sort()).toEqual(['image-2.png', 'image.png', 'run-2.json', 'run.json', 'sub']);
    const bytes = await readFile(join(folder.path, 'image-2.png'));
    const texts = readPngText(bytes);
    expect(texts.get('Software')).toBe('Noiseloom 0.1.0');
    expect(readGraph(texts.get(GRAPH_KEYWORD) ?? '', library)).toEqual({ document, problems: [] });
    expect(outputs[1]).toEqual({
      node: 'read',
      name: 'image-2.png',
      mime: 'image/png',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      label: { seed: 3 },
    });
  });

  it.each([
    ['cancelled', 'interrupted'],
    ['failed', 'failed'],
  ] as const)('marks a run that was %s', async (status, state) => {
    const folder = await createRunFolder(parent, start(), () => {});
    folder.receive({ type: 'node-started', run: 'r', node: 'read' });
    folder.receive({ type: 'problem', run: 'r', problem: { code: 'X', message: 'No.', at: {} } });
    await folder.finish(status);
    expect(await read(folder.path)).toMatchObject({ state, nodes: { read: { state } }, problems: [{ code: 'X' }] });
    expect(await readdir(folder.path)).toEqual(['run.json']);
  });

  it('stops the run when a file cannot be written, and says so', async () => {
    let stopped = 0;
    const folder = await createRunFolder(parent, start(), () => stopped++);
    folder.receive({ ...image, name: 'run.json/image.png' }); // a folder where a file is: fails for any user
    folder.receive(image);
    await expect(folder.finish('cancelled')).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining(folder.path),
    });
    expect(stopped).toBe(1);
    const record = await read(folder.path);
    expect(record).toMatchObject({ state: 'failed', problems: [{ code: 'WRITE_FAILED' }] });
    expect(record.outputs.map(({ name }) => name)).toEqual([image.name]); // what is there
    expect(await readdir(folder.path)).toContain(image.name);
    await expect(createRunFolder(join(folder.path, 'run.json'), start(), () => {})).rejects.toMatchObject({
      code: 'WRITE_FAILED',
    });
  });
});
