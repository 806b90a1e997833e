import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';
import { runCli } from '../../support/runCli.ts';
import { storedNode as node } from '../../support/storedNode.ts';

let cwd: string;
const cli = (...args: string[]) => runCli(args, { cwd });
const image = (red: number) =>
  sharp({ create: { width: 8, height: 6, channels: 3, background: { r: red, g: 40, b: 40 } } })
    .png()
    .toBuffer();
const graph = JSON.stringify({
  format: 'noiseloom-graph',
  version: 1,
  title: 'Rank',
  nodes: {
    load: node('input/load-images', { path: 'images' }),
    colour: node('reward/colourfulness', {}),
    score: node('reward/score', {}, { images: [['load', 'images']], rewards: [['colour', 'reward']] }),
    save: node('output/save-images', { name: '{name}' }, { images: [['load', 'images']] }),
    table: node('output/score-table', {}, { scores: [['score', 'scores']] }),
  },
});

/** Runs the graph and gives the folder of the run. */
async function firstRun(): Promise<string> {
  const { code, stdout, stderr } = await cli('run', 'graphs/rank.json', '--device', 'cpu');
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-rerun-'));
  await mkdir(join(cwd, 'graphs/images'), { recursive: true });
  await writeFile(join(cwd, 'graphs/rank.json'), graph);
  await writeFile(join(cwd, 'graphs/images/a.png'), await image(90));
}, 120_000);
afterAll(() => rm(cwd, { recursive: true }));

describe('noiseloom rerun', () => {
  it('repeats a run byte by byte, then names a file that changed and what came of it', async () => {
    const folder = await firstRun();
    const same = await cli('rerun', folder);
    expect(same.code, same.stderr).toBe(0);
    expect(same.stderr).toContain('All 3 files are the same.');
    expect(await readFile(join(same.stdout.trim(), 'a.png'))).toEqual(await readFile(join(folder, 'a.png')));

    await writeFile(join(cwd, 'graphs/images/a.png'), await image(95));
    const changed = await cli('rerun', folder, '--json');
    expect(changed.code).toBe(1);
    const result = changed.json<{ changed: string[]; files: { name: string; difference: unknown }[] }>().at(-1);
    expect(result?.changed).toEqual([
      expect.stringMatching(/^"images", which the node "load" reads, has changed: its sha256 was /),
    ]);
    expect(result?.files.find(({ name }) => name === 'a.png')?.difference).toBe(5);
    expect(result?.files.find(({ name }) => name.endsWith('.csv'))?.difference).toBe('content');
  }, 120_000);

  it('repeats a run that version 0.1 recorded', async () => {
    const folder = await firstRun();
    const path = join(folder, 'run.json');
    const { overrides, graph, ...record } = JSON.parse(await readFile(path, 'utf8'));
    const { folder: _folder, ...first } = { ...graph, document: { ...graph.document, version: 1 } };
    await writeFile(path, JSON.stringify({ ...record, settings: overrides, graph: first }));
    const { code, stderr } = await runCli(['rerun', folder], { cwd: join(cwd, 'graphs') });
    expect([code, stderr]).toEqual([0, expect.stringContaining('All 3 files are the same.')]);
  }, 120_000);

  it('refuses what is no run, and a run that did not end', async () => {
    const none = await cli('rerun', 'graphs');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('is no folder of a run that can be read')]);
    const folder = await firstRun();
    const record = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as object;
    await writeFile(join(folder, 'run.json'), JSON.stringify({ ...record, state: 'interrupted' }));
    const half = await cli('rerun', folder);
    expect([half.code, half.stderr]).toEqual([
      2,
      expect.stringContaining('is interrupted: only a run that is done can be repeated'),
    ]);
  }, 120_000);

  it('prints the largest difference of an image, which another device may make', async () => {
    await writeFile(join(cwd, 'graphs/images/a.png'), await image(90));
    const folder = await firstRun();
    await writeFile(join(folder, 'a.png'), await image(97)); // as if that device had drawn it
    const elsewhere = await cli('rerun', folder, '--device', 'wasm');
    expect(elsewhere.code, elsewhere.stderr).toBe(0);
    expect(elsewhere.stdout).toMatch(/^a\.png +a pixel differs by 7 of 255$/m);
    expect(elsewhere.stderr).toMatch(/ of 3 files differ; the run was on cpu: /);
    const here = await cli('rerun', folder);
    expect([here.code, here.stdout]).toEqual([1, expect.stringContaining('a pixel differs by 7 of 255')]);
  }, 120_000);

  it('names a model whose content changed, and finds the files of its graph from anywhere, where it may', async () => {
    const model = join(cwd, 'graphs/model');
    await cp(join(packageFolder, 'nodes/model/builtin/world-segmentation'), model, { recursive: true });
    const segment = { segment: node('consistency/segmentation', { model: './model' }) };
    await writeFile(join(cwd, 'graphs/segment.json'), JSON.stringify({ ...JSON.parse(graph), nodes: segment }));
    const run = await cli('run', 'graphs/segment.json', '--device', 'cpu');
    expect(run.code, run.stderr).toBe(0);
    const folder = run.stdout.trim();
    const elsewhere = join(cwd, 'elsewhere');
    await mkdir(elsewhere);
    const rerun = (...args: string[]) => runCli(['rerun', folder, ...args], { cwd: elsewhere });
    const refused = await rerun();
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('lies outside the folders')]);
    const same = await rerun('--allow', join(cwd, 'graphs'));
    expect([same.code, same.stderr]).toEqual([0, expect.not.stringContaining('has changed')]);
    const weights = join(model, 'model.safetensors');
    const bytes = await readFile(weights);
    bytes[bytes.length - 2]! ^= 1;
    await writeFile(weights, bytes);
    const changed = await rerun('--allow', join(cwd, 'graphs'));
    expect(changed.stderr).toMatch(/^"\.\/model", which the node "segment" reads, has changed: its sha256 was /m);
  }, 120_000);
});
