import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { keepResult, resultInside } from '../../../renderer/state/results.ts';
import { addRun, changeRun, createRunStore, foldRun, waitingRun } from '../../../renderer/state/run.ts';
import { graph, node } from '../../graphs/example.ts';

const before = graph({ a: node('noise', { seed: 1 }) });
const after = graph({ a: node('noise', { seed: 2 }) });
const device = { name: 'cpu', description: '' };
const copy = (run: string, byte: number): RunEvent => ({
  type: 'copy',
  run,
  node: 'a',
  output: 'noise',
  count: 1,
  name: `copies/${byte}.png`,
  mime: 'image/png',
  bytes: new Uint8Array([byte]),
});
const started = (run: string): RunEvent => ({ type: 'run-started', run, device, nodes: ['a'], folder: `of ${run}` });
const finished = (run: string, status: 'done' | 'cancelled' = 'done'): RunEvent => ({
  type: 'run-finished',
  run,
  status,
  ms: 1,
  ran: 1,
  cached: 0,
  freed: 0,
});

function follow() {
  const store = createRunStore();
  return {
    result: () => store.getState().results.a,
    tell(run: string, document: typeof before, events: readonly RunEvent[]) {
      addRun(store, waitingRun(run, 't', document));
      for (const event of events) {
        changeRun(store, run, (old) => foldRun(old, event, 0));
        keepResult(store, store.getState().runs.find(({ id }) => id === run)!, event);
      }
    },
  };
}

describe('what a node gave', () => {
  it('stays until another run gives something else', () => {
    const { result, tell } = follow();
    tell('r1', before, [started('r1'), copy('r1', 1), finished('r1')]);
    expect(result()).toMatchObject({ folder: 'of r1', document: before, node: { copies: [{ name: 'copies/1.png' }] } });
    tell('r2', after, [started('r2'), { type: 'node-started', run: 'r2', node: 'a' }]);
    expect(result()).toMatchObject({ folder: 'of r1', document: before });
    tell('r3', after, [started('r3'), copy('r3', 2)]);
    expect(result()).toMatchObject({ folder: 'of r3', document: after, node: { copies: [{ name: 'copies/2.png' }] } });
    expect(result()?.node.copies).toHaveLength(1);
  });

  it('holds again for the graph that found it in the cache', () => {
    const { result, tell } = follow();
    tell('r1', before, [started('r1'), copy('r1', 1)]);
    tell('r2', after, [started('r2'), { type: 'node-cached', run: 'r2', node: 'a' }]);
    expect(result()).toMatchObject({ folder: 'of r1', document: after, node: { copies: [{}] } });
  });

  it('is its last preview and its curves where it was stopped before it gave anything', () => {
    const { result, tell } = follow();
    const preview = { width: 1, height: 1, rgb: new Uint8Array(3) };
    tell('r1', before, [
      started('r1'),
      { type: 'node-started', run: 'r1', node: 'a' },
      { type: 'preview', run: 'r1', node: 'a', preview },
      { type: 'node-progress', run: 'r1', node: 'a', fraction: 0.5, figures: { total: 2 } },
      finished('r1', 'cancelled'),
    ]);
    expect(result()?.node).toMatchObject({ state: 'stopped', preview, curves: { total: [[0.5, 2]] } });
  });
});

it('of a subgraph is what the last node inside shows', () => {
  const result = (name: string) => ({
    node: {
      state: 'done' as const,
      copies: [{ node: 'x', output: 'o', count: 1, name, mime: 'image/png', bytes: new Uint8Array(1) }],
    },
  });
  const results = {
    's/a': result('1'),
    's/b': result('2'),
    's/c': { node: { state: 'done' as const } },
    t: result('3'),
  };
  expect(resultInside(results, 's/')).toBe(results['s/b']);
  expect(resultInside(results, 'u/')).toBeUndefined();
});
