import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../../graphs/engine/engine.ts';
import type { QueuedEngine } from '../../../graphs/engine/queue.ts';
import type { RunEvent, RunFinished } from '../../../graphs/run/events.ts';
import { describeNode } from '../../../nodes/card.ts';
import { gatedLibrary, graphOf, pngOf, previewBytes } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { type ShellOfEngine, shells } from '../../support/shells.ts';

/*
 * The contract of the engine, the same through every shell: in this process, over a port, and over HTTP with the window's
 * own client.
 */

describe.each(Object.entries(shells))('an engine %s', (_name, start) => {
  let nodes: ReturnType<typeof gatedLibrary>;
  let shell: ShellOfEngine;
  let engine: QueuedEngine;
  beforeEach(async () => {
    nodes = gatedLibrary();
    const device = { name: 'cpu', description: 'of a test', memory: {} } as const;
    shell = await start(createEngine({ library: nodes.library, device, files: memoryFiles({}), cacheBudget: 2 ** 20 }));
    engine = await shell.connect();
  });
  afterEach(() => shell.close());

  /** Starts a run whose node waits at the gate of its name. */
  const startRun = (name: string, by: QueuedEngine = engine, signal?: AbortSignal) => {
    const events: RunEvent[] = [];
    const finished = by.run(
      graphOf(`Graph ${name}`, { gate: { params: { name } } }),
      { run: name, previews: true },
      (event) => events.push(event),
      signal,
    );
    return { events, finished };
  };
  const typesOf = (events: readonly RunEvent[]) => events.map(({ type }) => type);

  it('describes its nodes as cards', async () => {
    expect(await engine.describeNodes()).toEqual([...nodes.library.values()].map(describeNode));
  });

  it('opens a graph with its problems, and rejects what is none by code', async () => {
    const document = graphOf('Opened', { lost: { type: 'test/unknown' } });
    const opened = await engine.openGraph(JSON.stringify(document));
    expect(opened.document).toEqual(document);
    expect(opened.problems.map(({ code, at }) => [code, at])).toEqual([['UNKNOWN_TYPE', { node: 'lost' }]]);
    await expect(engine.openGraph('{')).rejects.toMatchObject({ name: 'UserError', code: 'NOT_JSON' });
    await expect(engine.openGraph('{}')).rejects.toMatchObject({ code: 'NOT_A_GRAPH', at: {} });
  });

  it('tells a run in order, with the bytes of images and previews whole', async () => {
    nodes.open('a');
    const events: RunEvent[] = [];
    const document = graphOf('Both', { gate: {}, image: { type: 'test/image', params: { shade: 9 } } });
    const finished = await engine.run(document, { run: 'both', previews: true }, (event) => events.push(event));
    expect(finished).toMatchObject({ type: 'run-finished', run: 'both', status: 'done', ran: 2, cached: 0 });
    expect(events.at(-1)).toEqual(finished);
    expect(events[0]).toMatchObject({ type: 'run-started', device: { name: 'cpu' }, nodes: ['gate', 'image'] });
    expect(events.find(({ type }) => type === 'preview')).toEqual({
      type: 'preview',
      run: 'both',
      node: 'gate',
      preview: { width: 2, height: 1, rgb: new Uint8Array(previewBytes) },
    });
    const image = events.find(({ type }) => type === 'image');
    expect(image).toMatchObject({ node: 'image', name: 'image.png', mime: 'image/png', label: { seed: 3 } });
    expect((image as { bytes: Uint8Array }).bytes).toEqual(pngOf(9));
    const again = await engine.run(document, {}, () => {});
    expect(again).toMatchObject({ status: 'done', ran: 0, cached: 2 });
    await engine.clearCache();
    expect(await engine.run(document, {}, () => {})).toMatchObject({ ran: 2, cached: 0 });
  });

  it('tells what went wrong by code and place', async () => {
    const events: RunEvent[] = [];
    const emit = (event: RunEvent) => events.push(event);
    const failed = await engine.run(graphOf('Fails', { sea: { type: 'test/failing' } }), {}, emit);
    expect(failed.status).toBe('failed');
    const found = events.flatMap((event) => (event.type === 'problem' ? [event.problem] : []));
    expect(found).toMatchObject([{ code: 'TOO_BLUE', at: { node: 'sea', param: 'sea' } }]);
    const invalid = await engine.run(graphOf('Wrong', { gate: { params: { name: 5 } } }), {}, emit);
    expect(invalid.status).toBe('invalid');
  });

  it('lets runs wait for each other, tells them their place, and lists them', async () => {
    const first = startRun('a');
    await nodes.arrival('a');
    const second = startRun('b');
    const third = startRun('c');
    await expect.poll(() => third.events).toContainEqual({ type: 'run-waiting', run: 'c', ahead: 2 });
    expect(await engine.listRuns()).toEqual([
      { run: 'a', title: 'Graph a', state: 'running' },
      { run: 'b', title: 'Graph b', state: 'waiting' },
      { run: 'c', title: 'Graph c', state: 'waiting' },
    ]);
    nodes.open('a');
    await first.finished;
    await nodes.arrival('b');
    await expect.poll(() => third.events).toContainEqual({ type: 'run-waiting', run: 'c', ahead: 1 });
    nodes.open('b');
    nodes.open('c');
    const statuses = (await Promise.all([second.finished, third.finished])).map(({ status }) => status);
    expect(statuses).toEqual(['done', 'done']);
    expect(typesOf(first.events)).not.toContain('run-waiting');
    expect(await engine.listRuns()).toEqual([]);
  });

  it('moves a waiting run before another or behind all, and no other run', async () => {
    const first = startRun('a');
    await nodes.arrival('a');
    const others = ['b', 'c', 'd'].map((name) => startRun(name));
    await expect.poll(() => others[2]!.events).toContainEqual({ type: 'run-waiting', run: 'd', ahead: 3 });
    const order = async () => (await engine.listRuns()).map(({ run }) => run);
    expect(await engine.moveRun('d', 'b')).toBe(true);
    expect(await order()).toEqual(['a', 'd', 'b', 'c']);
    await expect.poll(() => others[2]!.events).toContainEqual({ type: 'run-waiting', run: 'd', ahead: 1 });
    expect(await engine.moveRun('d')).toBe(true);
    expect(await order()).toEqual(['a', 'b', 'c', 'd']);
    for (const [run, before] of [
      ['a', 'b'],
      ['b', 'a'],
      ['x', 'b'],
      ['b', 'x'],
      ['b', 'b'],
    ])
      expect(await engine.moveRun(run!, before)).toBe(false);
    expect(await engine.moveRun('c', 'b')).toBe(true);
    for (const name of ['a', 'b', 'c', 'd']) nodes.open(name);
    await Promise.all([first, ...others].map(({ finished }) => finished));
    const startOf = ({ events }: { events: readonly RunEvent[] }) => events.find(({ type }) => type === 'run-started');
    expect([first, ...others].every((one) => startOf(one))).toBe(true);
    expect(await engine.listRuns()).toEqual([]);
  });

  it('cancels the run that is meant, waiting or running, and no other', async () => {
    const controller = new AbortController();
    const first = startRun('a');
    await nodes.arrival('a');
    const second = startRun('b', engine, controller.signal);
    const third = startRun('c');
    await expect.poll(() => third.events).toContainEqual({ type: 'run-waiting', run: 'c', ahead: 2 });
    controller.abort();
    expect(await second.finished).toMatchObject({ status: 'cancelled', ran: 0 });
    expect(typesOf(second.events)).toEqual(['run-waiting', 'run-finished']);
    expect(await engine.cancelRun('a')).toBe(true);
    expect((await first.finished).status).toBe('cancelled');
    expect(await engine.cancelRun('a')).toBe(false);
    nodes.open('c');
    expect((await third.finished).status).toBe('done');
  });

  it('holds a run that is paused before its next step, until it goes on or is cancelled', async () => {
    const first = startRun('a');
    await nodes.arrival('a');
    const second = startRun('b');
    await expect.poll(() => second.events).toHaveLength(1);
    expect(await engine.pauseRun('b')).toBe(false); // it only waits
    expect(await engine.resumeRun('a')).toBe(false);
    expect(await engine.pauseRun('a')).toBe(true);
    expect(await engine.pauseRun('a')).toBe(false);
    expect((await engine.listRuns()).map(({ state }) => state)).toEqual(['paused', 'waiting']);
    nodes.open('a');
    await new Promise((resolve) => setTimeout(resolve, 200)); // a run that goes on is over by then
    expect(typesOf(first.events)).not.toContain('run-finished');
    expect(await engine.resumeRun('a')).toBe(true);
    expect((await first.finished).status).toBe('done');
    expect(typesOf(first.events).filter((type) => /paused|resumed/.test(type))).toEqual(['run-paused', 'run-resumed']);
    await nodes.arrival('b');
    expect(await engine.pauseRun('b')).toBe(true);
    nodes.open('b');
    expect(await engine.cancelRun('b')).toBe(true);
    expect((await second.finished).status).toBe('cancelled');
  });

  it('refuses a second run of the same name, by code', async () => {
    const first = startRun('a');
    await nodes.arrival('a');
    await expect(startRun('a').finished).rejects.toMatchObject({ code: 'RUN_EXISTS' });
    nodes.open('a');
    expect((await first.finished).status).toBe('done');
  });

  it('lets another client follow a run from its beginning', async () => {
    const first = startRun('a');
    await nodes.arrival('a');
    const other = await shell.connect();
    const followed: RunEvent[] = [];
    const following = other.followRun('a', (event) => followed.push(event));
    await expect.poll(() => typesOf(followed)).toContain('preview');
    nodes.open('a');
    const finished = await first.finished;
    expect(await following).toEqual(finished);
    expect(followed).toEqual(first.events);
    await expect(other.followRun('a', () => {})).rejects.toMatchObject({ code: 'NO_RUN' });
  });

  it('goes on with a run whose client is gone, and tells that client so', async () => {
    const first = startRun('a');
    const outcome = first.finished.catch((error: { code: string }) => error.code);
    await nodes.arrival('a');
    const other = await shell.connect();
    await shell.disconnect?.();
    if (shell.disconnect) expect(await outcome).toBe('ENGINE_LOST');
    expect(await other.listRuns()).toMatchObject([{ run: 'a', state: 'running' }]);
    const followed: RunEvent[] = [];
    const following = other.followRun('a', (event) => followed.push(event));
    await expect.poll(() => typesOf(followed)).toContain('run-started');
    nodes.open('a');
    expect(((await following) satisfies RunFinished).status).toBe('done');
  });
});
