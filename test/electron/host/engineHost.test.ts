import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FromEngine } from '../../../electron/engine/engineMessages.ts';
import { packageFolder } from '../../../electron/files/folders.ts';
import { isRunning } from '../../../electron/files/processes.ts';
import { listRunFolders } from '../../../electron/files/recordedRuns.ts';
import type { RunRecord } from '../../../electron/files/runFolder.ts';
import { type EngineChild, EngineHost, listDevices } from '../../../electron/host/engineHost.ts';
import { forkEngine } from '../../../electron/host/forkEngine.ts';
import type { EngineState } from '../../../electron/host/ipc.ts';
import type { Port } from '../../../graphs/engine/port.ts';
import { connectEngine } from '../../../graphs/engine/remoteEngine.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { loadGenerator } from '../../../nodes/model/loadGenerator.ts';
import { graphOf, pngOf } from '../../support/gatedLibrary.ts';

/*
 * The engine's real process, started, killed and stopped as its owner sees it.
 */

/** Ten thousand quick steps: time enough to do something in the middle of. */
const long = graphOf('Long', {
  generator: { type: 'model/load-generator', version: loadGenerator.version, params: { model: 'builtin:world' } },
  numbers: { type: 'input/number-range', params: { first: 1, step: 1, count: 10_000 } },
  noise: {
    type: 'input/noise',
    inputs: { generator: [['generator', 'generator']], seed: [['numbers', 'numbers']] },
  },
});

let folder: string;
let hosts: EngineHost[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-host-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  for (const host of hosts) host.stop();
  hosts = [];
});

function startHost(device: 'cpu' | 'webgpu' = 'cpu', times?: ConstructorParameters<typeof EngineHost>[2]) {
  const host = new EngineHost(forkEngine, { device, runsFolder: join(folder, 'runs'), workingFolder: folder }, times);
  hosts.push(host);
  const states: EngineState[] = [];
  host.onState((state) => states.push(state));
  const until = (state: EngineState['state']) =>
    new Promise<EngineState>((resolve) => {
      if (host.state.state === state) resolve(host.state);
      const end = host.onState((told) => {
        if (told.state !== state) return;
        end();
        resolve(told);
      });
    });
  host.start();
  return { host, states, until };
}

const engineOf = (host: EngineHost) => connectEngine(host.connect() as Port);

describe('the owner of the engine’s process', () => {
  it('tells the device when it is ready, and connects to it', async () => {
    const { host, until } = startHost();
    expect(host.connect()).toBeUndefined();
    expect(await until('ready')).toMatchObject({ device: { name: 'cpu' } });
    expect(await engineOf(host).describeNodes()).toContainEqual(expect.objectContaining({ type: 'input/text' }));
  });

  it('starts another when it is killed in a run, which its folder tells', async () => {
    const { host, states, until } = startHost('cpu', { ping: 500, silence: 10_000, answer: 8_000, restart: 50 });
    await until('ready');
    const first = host.pid as number;
    const engine = engineOf(host);
    const events: RunEvent[] = [];
    let begun = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const run = engine.run(long, { run: 'killed' }, (event) => {
      events.push(event);
      if (event.type === 'node-started' && event.node === 'noise') begun();
    });
    const lost = run.catch((error: { code: string }) => error.code);
    await running;
    states.length = 0;
    process.kill(first, 'SIGKILL');
    expect(await lost).toBe('ENGINE_LOST');
    await until('ready');
    expect(states.map(({ state }) => state)).toEqual(['stopped', 'starting', 'ready']);
    expect(states[0]).toMatchObject({ again: true, problem: { code: 'ENGINE_LOST' } });
    expect(host.pid).not.toBe(first);
    await expect(engine.describeNodes()).rejects.toMatchObject({ code: 'ENGINE_LOST' });
    expect((await engineOf(host).describeNodes()).length).toBeGreaterThan(0);
    const started = events.find(({ type }) => type === 'run-started') as { folder: string };
    const record = await readFile(join(folder, 'runs', started.folder, 'run.json'), 'utf8');
    expect((JSON.parse(record) as RunRecord).state).toBe('running'); // nobody was there to write otherwise
    expect(await listRunFolders(join(folder, 'runs'))).toMatchObject([
      { folder: started.folder, state: 'interrupted' },
    ]);
  });

  it('tells silence when the process hangs, and that it answers again', async () => {
    const { host, until } = startHost('cpu', { ping: 50, silence: 400, answer: 8_000, restart: 50 });
    await until('ready');
    process.kill(host.pid as number, 'SIGSTOP');
    expect(await until('silent')).toHaveProperty('seconds');
    process.kill(host.pid as number, 'SIGCONT');
    await until('ready');
    process.kill(host.pid as number, 'SIGSTOP');
    await until('silent');
    host.start(); // what the button does: a stopped process hears no other signal
    await until('ready');
    expect((await engineOf(host).describeNodes()).length).toBeGreaterThan(0);
  });

  it('ends an engine that hangs when it is to hear a cancel, tells the runs in it, and starts another', async () => {
    const times = { ping: 100, silence: 60_000, answer: 1000, restart: 50 };
    const start = { device: 'cpu', runsFolder: join(folder, 'runs'), workingFolder: folder } as const;
    const host = new EngineHost(() => forkEngine('test/support/hangingEngine.ts'), start, times);
    hosts.push(host);
    const told: EngineState[] = [];
    host.onState((state) => told.push(state));
    const ready = () => expect.poll(() => told.at(-1)?.state, { timeout: 60_000 }).toBe('ready');
    host.start();
    await ready();
    const first = host.pid as number;
    const engine = engineOf(host);
    const graph = (forever: boolean) => graphOf('Hangs', { hang: { type: 'test/hang', params: { forever } } });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const codeOf = (error: { code: string }) => error.code;
    const hanging = engine.run(graph(true), { run: 'hanging' }, ({ type }) => {
      if (type === 'node-started') begin();
    });
    const waiting = engine.run(graph(false), { run: 'waiting' }, () => {});
    const ends = Promise.all([hanging.catch(codeOf), waiting.catch(codeOf)]);
    await begun;
    const unheard = engine.cancelRun('hanging').catch(codeOf);
    host.requireAnswer();
    expect(await ends).toEqual(['ENGINE_LOST', 'ENGINE_LOST']);
    expect(await unheard).toBe('ENGINE_LOST');
    await ready();
    const stopped = told.find(({ state }) => state === 'stopped');
    expect(stopped).toMatchObject({ again: true, problem: { message: expect.stringContaining('did not answer for') } });
    expect(isRunning({ pid: first }, Date.now())).toBe(false);
    expect(await engineOf(host).run(graph(false), {}, () => {})).toMatchObject({ status: 'done' });
  }, 120_000);

  it.each([
    ['leaves an engine alone that answers after a cancel', true],
    ['ends an engine that does not answer after a cancel within 10 s, and starts another', false],
  ])('%s', async (_, answers) => {
    vi.useFakeTimers();
    try {
      let kills = 0;
      const spawn = (): EngineChild => {
        let receive = (_: FromEngine) => {};
        let exited = (_: string) => {};
        return {
          pid: 1,
          post({ type }) {
            if (type === 'start') receive({ type: 'ready', device: { name: 'cpu', description: '' } });
            else if (type === 'ping' && answers) receive({ type: 'pong' });
          },
          onMessage: (listener) => {
            receive = listener;
          },
          onExit: (listener) => {
            exited = listener;
          },
          kill() {
            kills++;
            exited('SIGKILL');
          },
        };
      };
      const host = new EngineHost(spawn, { device: 'cpu', runsFolder: folder, workingFolder: folder });
      hosts.push(host);
      host.start();
      const told: EngineState['state'][] = [];
      host.onState(({ state }) => told.push(state));
      await vi.advanceTimersByTimeAsync(1);
      host.requireAnswer();
      await vi.advanceTimersByTimeAsync(10_000);
      expect([kills, told]).toEqual(answers ? [0, []] : [1, ['stopped', 'starting', 'ready']]);
      host.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes a busy engine along when it is killed itself', async () => {
    const script = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/busyOrphan.ts'), 'parent'];
    const parent = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise<string>((resolve) => parent.stdout.once('data', resolve));
    const pid = Number(said);
    expect(isRunning({ pid }, Date.now())).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isRunning({ pid }, Date.now()), { timeout: 60_000 }).toBe(false);
  }, 120_000);

  it('starts nothing again where the device cannot be had, and says why', async () => {
    process.env.VK_ICD_FILENAMES = '/nowhere.json';
    const { host, until } = startHost('webgpu');
    expect(await until('stopped')).toMatchObject({ again: false, problem: { code: 'NO_DEVICE' } });
    host.start({ device: 'cpu' });
    await until('ready');
  });

  it('gives up after many deaths in a row, until it is told to start', async () => {
    const { host, states, until } = startHost('cpu', { ping: 500, silence: 10_000, answer: 8_000, restart: 1 });
    for (let death = 1; death <= 6; death++) {
      await expect.poll(() => host.pid, { timeout: 60_000 }).toBeDefined();
      const pid = host.pid as number;
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => host.pid, { timeout: 60_000 }).not.toBe(pid);
    }
    expect(states.at(-1)).toMatchObject({ state: 'stopped', again: false });
    host.start();
    await until('ready');
  });

  it('lists the devices of this machine', async () => {
    const rows = await listDevices(forkEngine);
    expect(rows.map(({ name }) => name)).toEqual(['cuda', 'native', 'webgpu', 'wasm', 'cpu']);
    expect(rows.find(({ name }) => name === 'cpu')).toMatchObject({ available: true });
  });
});

describe('a run in the engine’s process', () => {
  it('reads what the user chose in the window or allowed, and nothing else', async () => {
    const data = join(folder, 'data');
    process.env.NOISELOOM_DATA = data;
    const places = ['graphs', 'chosen', 'recent', 'allowed', 'other'];
    for (const place of places) {
      await mkdir(join(folder, place), { recursive: true });
      await writeFile(join(folder, place, 'a.png'), pngOf(1));
    }
    await mkdir(data, { recursive: true });
    const start = { device: 'cpu', runsFolder: join(folder, 'runs'), workingFolder: join(folder, 'graphs') } as const;
    const host = new EngineHost(forkEngine, { ...start, allowed: [join(folder, 'allowed')] });
    hosts.push(host);
    const ready = new Promise<void>((resolve) => host.onState(({ state }) => state === 'ready' && resolve()));
    host.start();
    await ready;
    const run = async (place: string) => {
      const params = { path: join(folder, place, 'a.png') };
      const document = graphOf('Reads', { load: { type: 'input/load-images', params } });
      const codes: string[] = [];
      const { status } = await engineOf(host).run(document, {}, (event) => {
        if (event.type === 'problem') codes.push(event.problem.code);
      });
      return [place, status, ...codes];
    };
    const refused = (place: string) => [place, 'failed', 'NOT_ALLOWED'];
    for (const place of ['chosen', 'recent', 'other']) expect(await run(place)).toEqual(refused(place));
    await writeFile(join(data, 'chosen.json'), JSON.stringify([join(folder, 'chosen', 'a.png')]));
    await writeFile(
      join(data, 'recent.json'),
      JSON.stringify([{ location: join(folder, 'recent', 'g.json'), used: '' }]),
    );
    for (const place of ['graphs', 'allowed', 'chosen', 'recent']) expect(await run(place)).toEqual([place, 'done']);
    expect(await run('other')).toEqual(refused('other'));
    delete process.env.NOISELOOM_DATA;
  });

  it('is written into a folder whose name and paths it tells', async () => {
    const { host, until } = startHost();
    await until('ready');
    const engine = engineOf(host);
    const events: RunEvent[] = [];
    const controller = new AbortController();
    const document = { ...long, title: 'Cancelled' };
    const finished = await engine.run(
      document,
      { run: 'c' },
      (event) => {
        events.push(event);
        if (event.type === 'node-started' && event.node === 'noise') controller.abort();
      },
      controller.signal,
    );
    expect(finished.status).toBe('cancelled');
    const { folder: name } = events[0] as { folder: string };
    expect(await readdir(join(folder, 'runs', name))).toEqual(['run.json']);
    const record = JSON.parse(await readFile(join(folder, 'runs', name, 'run.json'), 'utf8')) as RunRecord;
    expect(record).toMatchObject({ state: 'interrupted', graph: { document: { title: 'Cancelled' } } });
    expect(record.versions).toHaveProperty('noiseloom');
  });
});
