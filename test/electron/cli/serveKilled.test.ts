import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';
import { isRunning } from '../../../electron/files/processes.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import type { QueuedEngine } from '../../../graphs/engine/queue.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { library } from '../../../nodes/index.ts';
import { connectAsPage } from '../../support/shells.ts';

let folder: string;
let server: ChildProcess;
const abort = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-serve-'));
});
afterEach(async () => {
  abort.abort();
  server.kill('SIGKILL');
  await rm(folder, { recursive: true, maxRetries: 5 });
});

it.skipIf(process.platform !== 'linux')(
  'noiseloom serve that is killed leaves no engine behind, however busy it is',
  async () => {
    const script = [join(packageFolder, 'build/noiseloom.mjs'), 'serve', folder, '--port', '0', '--json'];
    server = spawn(process.execPath, [...script, '--device', 'cpu'], {
      cwd: folder,
      env: { ...process.env, NOISELOOM_DATA: join(folder, 'data') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) => server.stdout?.once('data', (said) => resolve(String(said))));
    const { origin, searchParams } = new URL((JSON.parse(line) as { url: string }).url);
    const shell = connectAsPage(origin, searchParams.get('token') as string, abort.signal);
    const engine = await new Promise<QueuedEngine>((resolve) => shell.onEngine(resolve));
    const children = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
    const pids = children.trim().split(' ').map(Number);
    expect(pids).toHaveLength(1);
    // each step of so many images takes minutes on the plain processor, and hears nothing
    const template = await readFile(join(packageFolder, 'graphs/templates/first-image.json'), 'utf8');
    const overrides = { 'noise.count': 256, 'sample.batch': 256 };
    await new Promise<void>((begun, failed) => {
      const listen = (event: RunEvent) => {
        if (event.type === 'node-started' && event.node === 'sample') begun();
        else if (event.type === 'problem') failed(new Error(event.problem.message));
      };
      engine.run(readGraph(template, library).document, { overrides }, listen).catch(failed);
    });
    const hears = () => Promise.race([engine.listRuns().then(() => 'hears'), wait(3000, 'is busy')]);
    await expect.poll(hears, { timeout: 120_000 }).toBe('is busy');
    expect(pids.map((pid) => isRunning({ pid }, Date.now()))).toEqual([true]);
    server.kill('SIGKILL');
    await expect.poll(() => pids.map((pid) => isRunning({ pid }, Date.now())), { timeout: 60_000 }).toEqual([false]);
  },
  300_000,
);
