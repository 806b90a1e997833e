import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../../graphs/engine/engine.ts';
import { defineNode, libraryOf } from '../../../nodes/defineNode.ts';
import { integer, number } from '../../../nodes/params.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { graph } from '../example.ts';

/** Milliseconds of a clock that only the node below moves. */
let now = 0;

const slowPreviews = defineNode({
  type: 'test/slow-previews',
  version: 1,
  title: 'Slow previews',
  summary: 'Takes steps of one length and makes previews of another.',
  inputs: {},
  params: {
    steps: integer({ initial: 200, min: 1, max: 1000, help: 'How many.' }),
    preview: number({ initial: 10, min: 0, max: 100, unit: 'ms', help: 'The length of a preview.' }),
  },
  outputs: { number: 'number' },
  async run(_inputs, { steps, preview }, { progress }) {
    for (let step = 1; step <= steps; step++) {
      now += 5;
      await progress(step / steps, undefined, async () => {
        now += preview;
        return { width: 1, height: 1, rgb: new Uint8Array(3) };
      });
    }
    return { number: 0 };
  },
});

describe('previews', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    [10, 12],
    [0, 200],
  ])('of %i ms are made %i times in a second of work: they take a tenth of the time', async (preview, wanted) => {
    now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const engine = createEngine({
      library: libraryOf([slowPreviews]),
      device: { name: 'cpu', description: 'The test device', memory: {} } as never,
      files: memoryFiles({}),
      cacheBudget: 0,
    });
    let made = 0;
    const node = {
      type: 'test/slow-previews',
      version: 1,
      params: { preview },
      inputs: {},
      position: [0, 0] as [number, number],
    };
    const { status } = await engine.run(graph({ node }), { previews: true }, ({ type }) => {
      if (type === 'preview') made++;
    });
    expect(status).toBe('done');
    expect(made).toBe(wanted);
  });
});
