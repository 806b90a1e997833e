import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepQueue } from '../../../electron/engine/keepQueue.ts';
import { createEngine } from '../../../graphs/engine/engine.ts';
import { queueRuns } from '../../../graphs/engine/queue.ts';
import { gatedLibrary, graphOf } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

const device = { name: 'cpu', description: 'of a test', memory: {} } as const;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-queue-'));
});
afterEach(() => rm(folder, { recursive: true, maxRetries: 5 })); // the last state of the queue may be on its way

/** An engine on that folder whose runs wait at gates; `start` begins one. */
async function open() {
  const nodes = gatedLibrary();
  const inner = createEngine({ library: nodes.library, device, files: memoryFiles({}), cacheBudget: 0 });
  const engine = await keepQueue(queueRuns(inner), file());
  const start = (name: string) =>
    engine.run(graphOf(name, { gate: { params: { name } } }), { run: name, overrides: {} }, () => {});
  return { nodes, engine, start, order: async () => (await engine.listRuns()).map(({ run }) => run) };
}
const file = () => join(folder, 'queues', 'queue.json');
const kept = async () =>
  (JSON.parse(await readFile(file(), 'utf8')) as { runs: { options: { run: string } }[] }).runs.map(
    ({ options }) => options.run,
  );

/** The file as a process left it that is gone. */
async function leaveBehind(): Promise<void> {
  const content = JSON.parse(await readFile(file(), 'utf8')) as object;
  await writeFile(file(), JSON.stringify({ ...content, pid: 2 ** 22 + 1, processStart: 'before' }));
}

describe('the runs that wait', () => {
  it('are kept in their order until they start or are cancelled, and not the one that goes on', async () => {
    const { nodes, engine, start } = await open();
    const runs = [start('a')];
    await nodes.arrival('a');
    runs.push(start('b'), start('c'), start('d'));
    await expect.poll(kept).toEqual(['b', 'c', 'd']);
    await engine.moveRun('d', 'b');
    await expect.poll(kept).toEqual(['d', 'b', 'c']);
    await engine.cancelRun('b');
    expect(await kept()).toEqual(['d', 'c']);
    for (const name of ['a', 'c', 'd']) nodes.open(name);
    await Promise.all(runs);
    await expect.poll(kept).toEqual([]);
  });

  it('wait again in the next engine, in their order, and run', async () => {
    const first = await open();
    void first.start('a');
    await first.nodes.arrival('a');
    void first.start('b');
    void first.start('c');
    await expect.poll(kept).toEqual(['b', 'c']);
    await first.engine.cancelRun('none'); // waits until all is written
    await leaveBehind();
    const next = await open();
    await next.nodes.arrival('b');
    expect(await next.engine.listRuns()).toMatchObject([
      { run: 'b', title: 'b', state: 'running' },
      { run: 'c', state: 'waiting' },
    ]);
    await expect.poll(kept).toEqual(['c']); // what goes on is not tried again
    next.nodes.open('b');
    next.nodes.open('c');
    await expect.poll(next.order).toEqual([]);
    await expect.poll(kept).toEqual([]);
    for (const name of ['a', 'b', 'c']) first.nodes.open(name);
    await expect.poll(first.order).toEqual([]);
  });

  it('of an engine that still lives stay with it; a file that is none is passed over', async () => {
    const first = await open();
    const runs = [first.start('a')];
    await first.nodes.arrival('a');
    runs.push(first.start('b'));
    await expect.poll(kept).toEqual(['b']);
    expect(await (await open()).order()).toEqual([]);
    for (const name of ['a', 'b']) first.nodes.open(name);
    await Promise.all(runs);
    await expect.poll(kept).toEqual([]);
    await writeFile(file(), '{"runs": 5}'); // jsonFile keeps it aside
    expect(await (await open()).order()).toEqual([]);
  });
});
