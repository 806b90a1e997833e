import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { RunRecord } from '../../electron/runFolder.ts';
import type { RunFinished } from '../../graphs/events.ts';
import type {} from '../../renderer/shell.ts'; // declares window.noiseloom
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';

/*
 * The engine in a hidden window, where Chromium's WebGPU computes (here in software), with files from the engine's
 * process.
 */

const graph = {
  format: 'noiseloom-graph',
  version: 1,
  title: 'One picture',
  nodes: {
    generator: node('model/load-generator', { model: 'builtin:world' }),
    prompt: node('input/text', { text: 'a red circle' }),
    noise: node('input/noise', { count: 1, seed: 1 }, { generator: [['generator', 'generator']] }),
    sample: node(
      'generate/sample',
      { steps: 2 },
      { generator: [['generator', 'generator']], noise: [['noise', 'noise']], prompt: [['prompt', 'text']] },
    ),
    save: node('output/save-images', {}, { images: [['sample', 'images']] }),
  },
};

function node(type: string, params: object, inputs: object = {}) {
  return { type, version: 1, params, inputs, position: [0, 0] };
}

describeInWindows('an engine on WebGPU', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it.skipIf(kind !== 'electron')('draws in a hidden window, and comes back when that dies', async () => {
    opened = await open({ preferences: { device: 'webgpu' } });
    const { page, app, runs } = opened;
    const state = () =>
      page.evaluate(async () => {
        const outcome = await window.noiseloom?.engineState();
        return outcome?.ok ? outcome.value : undefined;
      });
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
    const finished = await page.evaluate(async (document) => {
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
        port.postMessage({ id: 1e6, call: 'run', args: [document, { run: 'gpu' }] });
      });
    }, graph);
    expect(finished).toMatchObject({ ok: true, value: { status: 'done', ran: 5 } satisfies Partial<RunFinished> });
    const [folder] = await readdir(runs);
    const record = JSON.parse(await readFile(join(runs, folder as string, 'run.json'), 'utf8')) as RunRecord;
    expect(record).toMatchObject({ state: 'done', device: { name: 'webgpu' }, outputs: [{ mime: 'image/png' }] });
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
