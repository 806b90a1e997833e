import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../graphs/engine/engine.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { openTestDevice } from '../../support/devices.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { graph, library, node, runOnce } from '../example.ts';

beforeAll(async () => void (await openTestDevice()));

const device = { name: 'cpu', description: 'The test device', memory: {} } as const;

/** An engine that copies each noise as one byte, and how often it was asked to. */
function copyingEngine() {
  let asked = 0;
  const engine = createEngine({
    library,
    device,
    files: memoryFiles({}),
    cacheBudget: 2 ** 20,
    copyImages: async (type, values) => {
      asked++;
      const copy = { name: `copies/${asked}.png`, mime: 'image/png', bytes: new Uint8Array([asked]) };
      return type === 'noise' ? { copies: [copy], count: values.length } : { copies: [], count: 0 };
    },
  });
  return { engine, asked: () => asked };
}

const document = graph({ n: node('noise', { seed: 3 }), m: node('mix', {}, { a: 'n.noise' }) });
const copiesIn = (events: readonly RunEvent[]) => events.filter(({ type }) => type === 'copy');

describe('small copies of what nodes gave', () => {
  it('are emitted after the end of their node, and again where it is cached, also where nothing needs it', async () => {
    const { engine, asked } = copyingEngine();
    const first = await runOnce(engine, document, { previews: true });
    expect(first.problems).toEqual([]);
    expect(copiesIn(first.events)).toMatchObject([
      { node: 'n', output: 'noise', count: 1, bytes: new Uint8Array([1]) },
      { node: 'm', bytes: new Uint8Array([2]) },
    ]);
    const types = first.events.filter((event) => 'node' in event && event.node === 'n').map(({ type }) => type);
    expect(types.slice(-2)).toEqual(['node-finished', 'copy']);
    const again = await runOnce(engine, document, { previews: true });
    expect(again.cached).toEqual(['m', 'n']);
    expect(copiesIn(again.events)).toEqual(copiesIn(first.events).map((event) => ({ ...event, run: 'run-2' })));
    expect(asked()).toBe(2); // not again
  });

  it('are neither made nor emitted without previews', async () => {
    const { engine, asked } = copyingEngine();
    expect(copiesIn((await runOnce(engine, document)).events)).toEqual([]);
    expect(asked()).toBe(0);
  });
});
