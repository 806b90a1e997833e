import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../graphs/run/events.ts';
import {
  addRun,
  breakRun,
  changeRun,
  createRunStore,
  foldRun,
  isOver,
  type NodeRunState,
  type Run,
  runInside,
  shownRun,
  timeLeft,
  waitingRun,
} from '../../../renderer/state/run.ts';
import { exampleEngine, graph, node } from '../../graphs/example.ts';

const started: RunEvent = {
  type: 'run-started',
  run: 'r',
  device: { name: 'cpu', description: 'plain' },
  nodes: ['a', 'b'],
  folder: 'folder',
};

function fold(events: readonly RunEvent[], run: Run = waitingRun('r', 'title')): Run {
  return events.reduce((folded, event, i) => foldRun(folded, event, i * 100), run);
}

describe('foldRun', () => {
  it('follows a real run of the engine to its end', async () => {
    const engine = exampleEngine();
    const document = graph({ n: node('number', { value: 2 }), a: node('sum', {}, { a: 'n.number' }) });
    const run = async () => {
      const events: RunEvent[] = [];
      await engine.run(document, { run: 'r' }, (event) => events.push(event));
      return fold(events);
    };
    const first = await run();
    expect(first.state).toBe('done');
    expect(first.order).toEqual(['n', 'a']);
    expect(Object.values(first.nodes).map(({ state }) => state)).toEqual(['done', 'done']);
    expect(first.nodes.a?.ms).toBeGreaterThanOrEqual(0);
    expect((await run()).nodes.a?.state).toBe('cached');
  });

  it('shows where a run failed, and stops what had not run', async () => {
    const events: RunEvent[] = [];
    const document = graph({ n: node('number', { value: 2 }), a: node('sum') });
    await exampleEngine().run(document, { run: 'r' }, (event) => events.push(event));
    expect(fold(events)).toMatchObject({ state: 'invalid', nodes: {}, problems: [] });
    const failed = fold([
      started,
      { type: 'node-started', run: 'r', node: 'a' },
      { type: 'problem', run: 'r', problem: { code: 'X', message: 'No.', at: { node: 'a' } } },
      { type: 'run-finished', run: 'r', status: 'failed', ms: 5, ran: 1, cached: 0, freed: 0 },
    ]);
    expect(failed.nodes.a).toMatchObject({ state: 'failed', problem: { message: 'No.' } });
    expect(failed.nodes.b?.state).toBe('stopped');
  });

  it('gathers progress, curves, files and scores of a node', () => {
    const bytes = new Uint8Array([1]);
    const points = Array.from({ length: 600 }, (_, i): RunEvent => {
      return { type: 'node-progress', run: 'r', node: 'a', fraction: i / 600, figures: { reward: i } };
    });
    const run = fold([
      started,
      { type: 'node-started', run: 'r', node: 'a' },
      ...points,
      { type: 'preview', run: 'r', node: 'a', preview: { width: 1, height: 1, rgb: bytes } },
      { type: 'image', run: 'r', node: 'a', name: 'a.png', mime: 'image/png', bytes },
      { type: 'scores', run: 'r', node: 'a', output: 's', scores: { names: ['x'], values: [[1]], labels: [{}] } },
    ]);
    expect(run.nodes.a).toMatchObject({ state: 'running', fraction: 599 / 600, preview: { width: 1 } });
    const curve = run.nodes.a?.curves?.reward ?? [];
    expect(curve.length).toBeLessThanOrEqual(512);
    expect(curve.at(-1)).toEqual([599 / 600, 599]);
    expect(run.nodes.a?.files).toMatchObject([{ node: 'a', name: 'a.png' }]);
    expect(run.nodes.a?.scores).toHaveLength(1);
  });

  it('draws the mean of a trace, over the images that were still optimised', () => {
    const columns = [
      { name: 'total', role: 'total' },
      { name: 'length', role: 'measure' },
    ] as const;
    const values = [
      [
        [1, 9],
        [3, 9],
      ],
      [[2, 9]],
    ];
    const trace = { columns, values, labels: [{}, {}], kept: [1, 0], remarks: ['Look.'] };
    const run = fold([started, { type: 'trace', run: 'r', node: 'a', output: 'trace', trace }]);
    expect(run.nodes.a?.curves).toEqual({
      total: [
        [0.5, 1.5],
        [1, 3],
      ],
    });
    expect(run.nodes.a?.remarks).toEqual(['Look.']);
  });

  it('passes over events that it does not know', () => {
    const run = waitingRun('r', 'title');
    expect(foldRun(run, { type: 'of-tomorrow' } as unknown as RunEvent, 0)).toBe(run);
  });
});

describe('timeLeft', () => {
  it('follows from the part that is done', () => {
    expect(timeLeft({ state: 'running', started: 1000, fraction: 0.25 }, 2000)).toBe(3000);
    expect(timeLeft({ state: 'running', started: 1000, fraction: 0 }, 2000)).toBeUndefined();
  });
});

describe('a pause', () => {
  it('holds the run, and its time does not count for what is left', () => {
    const run = fold([started, { type: 'node-started', run: 'r', node: 'a' }]); // at 100
    const paused = foldRun(run, { type: 'run-paused', run: 'r' }, 500);
    expect(paused).toMatchObject({ state: 'paused', paused: 500 });
    expect(isOver(paused)).toBe(false);
    const resumed = foldRun(paused, { type: 'run-resumed', run: 'r' }, 2500);
    expect(resumed.state).toBe('running');
    expect(resumed.paused).toBeUndefined();
    expect(resumed.nodes.a?.started).toBe(2100);
    expect(resumed.nodes.b?.started).toBeUndefined();
  });
});

describe('the runs of a session', () => {
  it('show the newest, and forget the oldest that are over', () => {
    const store = createRunStore();
    for (let i = 0; i < 20; i++) {
      addRun(store, waitingRun(`r${i}`, 'title'));
      if (i !== 3) changeRun(store, `r${i}`, (run) => breakRun(run, { code: 'ENGINE_LOST', message: 'Gone.', at: {} }));
    }
    const { runs } = store.getState();
    expect(shownRun(store.getState())?.id).toBe('r19');
    expect(runs.filter(isOver)).toHaveLength(8);
    expect(runs[0]?.id).toBe('r3');
  });

  it('show the one that goes on while others wait', () => {
    const store = createRunStore();
    addRun(store, waitingRun('r', 'title'));
    changeRun(store, 'r', (run) => foldRun(run, started, 0));
    addRun(store, waitingRun('next', 'title'));
    expect(shownRun(store.getState())?.id).toBe('r');
    changeRun(store, 'r', (run) => breakRun(run, { code: 'ENGINE_LOST', message: 'Gone.', at: {} }));
    addRun(store, waitingRun('last', 'title'));
    expect(shownRun(store.getState())?.id).toBe('last');
  });
});

describe('runInside', () => {
  it('folds what all nodes inside one did', () => {
    const states = (a: NodeRunState, b: NodeRunState) =>
      runInside({ 's/a': { state: a, ms: 2 }, 's/b': { state: b, fraction: 0.5 }, 'sb/c': { state: 'failed' } }, 's/');
    expect(states('waiting', 'waiting')?.state).toBe('waiting');
    expect(states('done', 'running')).toEqual({ state: 'running', fraction: 0.75 });
    expect(states('done', 'waiting')).toMatchObject({ state: 'running', fraction: 0.5 });
    expect(states('done', 'cached')).toEqual({ state: 'done', ms: 2 });
    expect(states('cached', 'cached')?.state).toBe('cached');
    expect(states('done', 'failed')?.state).toBe('failed');
    expect(states('stopped', 'done')?.state).toBe('stopped');
    expect(runInside({}, 's/')).toBeUndefined();
  });
});
