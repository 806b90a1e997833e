import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { RunRecord } from '../../electron/runFolder.ts';
import type { RunFinished } from '../../graphs/events.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import type {} from '../../renderer/shell.ts'; // declares window.noiseloom
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';

/*
 * The engine in a hidden window, where Chromium's WebGPU computes (here in software), with files from the engine's
 * process.
 */

/** Small enough for a graphics card that is imitated: pictures are read, scored and tabled. */
const graphOf = (pictures: string) => ({
  format: 'noiseloom-graph',
  version: 1,
  title: 'Colours',
  nodes: {
    load: node('input/load-images', { path: pictures }),
    colour: node('reward/colourfulness', {}),
    score: node('reward/score', {}, { images: [['load', 'images']], rewards: [['colour', 'reward']] }),
    table: node('output/score-table', {}, { scores: [['score', 'scores']] }),
  },
});

function node(type: string, params: object, inputs: object = {}) {
  return { type, version: 1, params, inputs, position: [0, 0] };
}

describeInWindows('an engine on WebGPU', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it.skipIf(kind !== 'electron')('draws in a hidden window, and comes back when that dies', async () => {
    opened = await open({ preferences: { device: 'webgpu' } });
    const { page, app, graphs, runs } = opened;
    const project = join(graphs, 'project');
    const pictures = join(project, 'pictures');
    await mkdir(pictures, { recursive: true });
    const png = (rgb: readonly number[]) => encodePng({ width: 1, height: 1, rgb: new Uint8Array(rgb) });
    await writeFile(join(pictures, 'grey.png'), png([90, 90, 90]));
    await writeFile(join(pictures, 'red.png'), png([255, 0, 0]));
    const state = () =>
      page.evaluate(async () => {
        const outcome = await window.noiseloom?.engineState();
        return outcome?.ok ? outcome.value : undefined;
      });
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
    const located = { document: graphOf('pictures'), location: join(project, 'colours.json') };
    const finished = await page.evaluate(async ({ document, location }) => {
      const port = await new Promise<MessagePort>((resolve) => {
        window.addEventListener('message', ({ data, ports: [port] }) => {
          if (data === 'noiseloom-engine' && port) resolve(port);
        });
        window.noiseloom?.connectEngine();
      });
      return new Promise<unknown>((resolve) => {
        // the page itself uses the port as well, with small numbers
        port.addEventListener('message', ({ data }) => data.id === 1e6 && data.outcome && resolve(data.outcome));
        port.start();
        port.postMessage({ id: 1e6, call: 'run', args: [document, { run: 'gpu', location }] });
      });
    }, located);
    expect(finished).toMatchObject({ ok: true, value: { status: 'done', ran: 4 } satisfies Partial<RunFinished> });
    const [folder] = await readdir(runs);
    const record = JSON.parse(await readFile(join(runs, folder as string, 'run.json'), 'utf8')) as RunRecord;
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
});
