import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Recording, recordRuns } from '../../../electron/engine/recordRuns.ts';
import type { RunFolder } from '../../../electron/files/runFolder.ts';
import { createEngine, type Engine, prepareRun, type RunOptions } from '../../../graphs/engine/engine.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { gatedLibrary, graphOf } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

const { library } = gatedLibrary();
const device = { name: 'cpu', description: 'of a test', memory: {} } as const;
const files = memoryFiles({});
const document = graphOf('Recorded', { image: { type: 'test/image' } });

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'noiseloom-record-'));
});
afterEach(() => rm(parent, { recursive: true }));

/** An engine that records its runs, and with which options the engine inside was called. */
function recorded(changes: Partial<Recording> = {}) {
  const asked: RunOptions[] = [];
  const inner = createEngine({ library, device, files, cacheBudget: 2 ** 20 });
  const spied: Engine = {
    ...inner,
    run(document, options, emit, signal) {
      asked.push(options);
      return inner.run(document, options, emit, signal);
    },
  };
  const recording = { library, device, versions: {}, runsFolder: parent, folderOf: () => parent, filesOf: () => files };
  return { asked, engine: recordRuns(spied, { ...recording, ...changes }) };
}

describe('a run that is recorded', () => {
  it('has a folder whose name and paths its events carry, and whose record is whole when it is over', async () => {
    let folder: RunFolder | undefined;
    const { engine } = recorded({
      onFolder: (made) => {
        folder = made;
      },
    });
    const events: RunEvent[] = [];
    let whole = '';
    const finished = await engine.run(document, { run: 'a', location: 'a.json' }, (event) => {
      events.push(event);
      if (event.type === 'run-finished') whole = readFileSync(join(folder?.path ?? '', 'run.json'), 'utf8');
    });
    expect(finished.status).toBe('done');
    expect(events[0]).toMatchObject({ type: 'run-started', folder: basename(folder?.path ?? '') });
    expect(events.find(({ type }) => type === 'image')).toMatchObject({ path: 'image.png' });
    expect(events.at(-1)).toEqual(finished);
    expect(JSON.parse(whole)).toEqual(JSON.parse(JSON.stringify(folder?.record)));
    expect(JSON.parse(whole)).toMatchObject({ state: 'done', graph: { location: 'a.json' } });
  });

  it('is planned once: by the caller, or else by the recorder', async () => {
    const { asked, engine } = recorded();
    const prepared = prepareRun(document, {}, library);
    await engine.run(document, { prepared }, () => {});
    expect(asked[0]?.prepared).toBe(prepared);
    await engine.run(document, {}, () => {});
    expect(asked[1]?.prepared?.plan.steps.map(({ id }) => id)).toEqual(['image']);
  });

  it('has no folder where the graph has problems', async () => {
    const wrong = graphOf('Wrong', { lost: { type: 'test/unknown' } });
    expect(await recorded().engine.run(wrong, {}, () => {})).toMatchObject({ status: 'invalid' });
    expect(await readdir(parent)).toEqual([]);
  });

  it('fails where its folder cannot be made, and nothing runs', async () => {
    const taken = join(parent, 'taken');
    await writeFile(taken, '');
    const { asked, engine } = recorded({ runsFolder: taken });
    const events: RunEvent[] = [];
    const finished = await engine.run(document, { run: 'a' }, (event) => events.push(event));
    expect(finished).toMatchObject({ status: 'failed', ran: 0 });
    expect(events.map(({ type }) => type)).toEqual(['run-started', 'problem', 'run-finished']);
    expect(events[1]).toMatchObject({ problem: { code: 'WRITE_FAILED' } });
    expect(asked).toEqual([]);
  });
});
