import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { RunRecord } from '../../electron/files/runFolder.ts';
import type { RunFinished } from '../../graphs/run/events.ts';
import { library } from '../../nodes/index.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import type {} from '../../renderer/state/shell.ts'; // declares window.noiseloom
import { runCli } from '../support/runCli.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { runIn } from './runIn.ts';

/*
 * The engine in a hidden window, where Chromium's WebGPU computes (here in software), with files from the engine's
 * process.
 */

/** Small enough for a graphics card that is imitated: images are read, scored and tabled. */
const graphOf = (images: string) => ({
  format: 'noiseloom-graph',
  version: 1,
  title: 'Colours',
  nodes: {
    load: node('input/load-images', { path: images }),
    colour: node('reward/colourfulness', {}),
    score: node('reward/score', {}, { images: [['load', 'images']], rewards: [['colour', 'reward']] }),
    table: node('output/score-table', {}, { scores: [['score', 'scores']] }),
  },
});

function node(type: string, params: object, inputs: object = {}) {
  return { type, version: library.get(type)!.version, params, inputs, position: [0, 0] };
}

/** ReNO on the built-in models: convolutions, norms and attention, forward and back. */
const optimising = {
  format: 'noiseloom-graph',
  version: 1,
  title: 'ReNO',
  nodes: {
    generator: node('model/load-generator', { model: 'builtin:world-one-step' }),
    prompt: node('input/text', { text: 'a photo of a red circle' }),
    noise: node('input/noise', { count: 1, seed: 1 }, { generator: [['generator', 'generator']] }),
    clip: node('reward/clip-score', { model: 'builtin:world-clip', weight: 1 }),
    climb: node(
      'optimise/reno',
      { evaluations: 2, learningRate: 0.5, steps: 1 },
      {
        generator: [['generator', 'generator']],
        noise: [['noise', 'noise']],
        prompt: [['prompt', 'text']],
        rewards: [['clip', 'reward']],
      },
    ),
    table: node('output/score-table', {}, { scores: [['climb', 'firstScores'], ['climb', 'scores']] }), // biome-ignore format: one line
  },
};

function stateOf(page: Page) {
  return page.evaluate(async () => {
    const outcome = await window.noiseloom?.engineState();
    return outcome?.ok ? outcome.value : undefined;
  });
}

async function recordIn(runs: string): Promise<RunRecord> {
  const [folder] = await readdir(runs);
  return JSON.parse(await readFile(join(runs, folder as string, 'run.json'), 'utf8')) as RunRecord;
}

const scoreIn = ({ scores }: RunRecord, output: string): number =>
  scores.find((each) => each.output === output)?.values[0]?.[0] ?? Number.NaN;

describeInWindows('an engine on WebGPU', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it.skipIf(kind !== 'electron')('draws in a hidden window, and comes back when that dies', async () => {
    opened = await open({ preferences: { device: 'webgpu' } });
    const { page, app, graphs, runs } = opened;
    const project = join(graphs, 'project');
    const images = join(project, 'images');
    await mkdir(images, { recursive: true });
    const png = (rgb: readonly number[]) => encodePng({ width: 1, height: 1, rgb: new Uint8Array(rgb) });
    await writeFile(join(images, 'grey.png'), png([90, 90, 90]));
    await writeFile(join(images, 'red.png'), png([255, 0, 0]));
    const state = () => stateOf(page);
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
    const finished = await runIn(page, graphOf('images'), join(project, 'colours.json'));
    expect(finished).toMatchObject({ ok: true, value: { status: 'done', ran: 4 } satisfies Partial<RunFinished> });
    const record = await recordIn(runs);
    expect(record).toMatchObject({ state: 'done', device: { name: 'webgpu' }, problems: [] });
    const [grey, red] = record.scores[0]?.values.map(([value]) => value) ?? [];
    // Hasler and Suesstrunk's measure of one colour: 0.3 times the length of (R - G, (R + G) / 2 - B)
    expect(grey).toBeCloseTo(0, 1);
    expect(red).toBeCloseTo(0.3 * Math.hypot(255, 127.5), 1);
    expect(record.device.description).toMatch(/^WebGPU on /);

    const pid = await opened.enginePid();
    const hidden = await app?.evaluate(({ BrowserWindow }) => {
      const windows = BrowserWindow.getAllWindows().filter((window) => !window.isVisible());
      const pids = windows.map(({ webContents }) => webContents.getOSProcessId());
      return pids;
    });
    expect(hidden).toHaveLength(1);
    process.kill(hidden?.[0] as number, 'SIGKILL');
    await expect.poll(() => opened.enginePid(), { timeout: 60_000 }).not.toBe(pid);
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
  });

  it.skipIf(kind !== 'electron')(
    'climbs to the scores that the processor climbs to',
    { timeout: 600_000 },
    async () => {
      opened = await open({ preferences: { device: 'webgpu' } });
      const { page, graphs, runs } = opened;
      await expect.poll(() => stateOf(page), { timeout: 120_000 }).toMatchObject({ state: 'ready' });
      expect(await runIn(page, optimising)).toMatchObject({ ok: true, value: { status: 'done' } });
      const record = await recordIn(runs);
      expect(record.device.name).toBe('webgpu');
      const file = join(graphs, 'optimising.json');
      await writeFile(file, JSON.stringify(optimising));
      const elsewhere = join(graphs, 'elsewhere');
      const { code, stderr } = await runCli(['run', file, '--device', 'wasm', '--out', elsewhere], { cwd: graphs });
      expect(code, stderr).toBe(0);
      const expected = await recordIn(elsewhere);
      for (const output of ['firstScores', 'scores'])
        expect(scoreIn(record, output), output).toBeCloseTo(scoreIn(expected, output), 1);
      expect(scoreIn(record, 'scores')).toBeGreaterThan(scoreIn(record, 'firstScores') + 0.1);
    },
  );
});
