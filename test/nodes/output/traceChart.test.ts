import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { drawTrace, ticksBetween } from '../../../nodes/ml/optimise/drawTrace.ts';
import { traceChart } from '../../../nodes/output/traceChart.ts';
import type { Trace } from '../../../nodes/ports.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const trace: Trace = {
  columns: [
    { name: 'total', role: 'total' },
    { name: 'HPS <v2>', role: 'reward' },
    { name: 'CLIP', role: 'watched' },
    { name: 'length of the noise', role: 'measure' },
  ],
  values: [
    [
      [1, 0.25, 30, 16],
      [2, 0.5, 31, 16.5],
      [3, 0.75, 29, 17],
    ],
    [
      [3, 0.75, 25, 16],
      [1, 0.25, 20, 15],
    ],
  ],
  labels: [{ prompt: 'a "b", c', seed: 4 }, { seed: 5 }],
  kept: [2, 0],
  remarks: ['The image stopped & was kept.'],
};

const pointsOf = (svg: string) =>
  [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );

describe('a trace chart', () => {
  it('draws every image and their mean in a panel for each column, higher values higher up', async () => {
    const svg = drawTrace(trace, 'ReNO & more');
    const curves = pointsOf(svg);
    expect(curves).toHaveLength(4 * 3);
    const [first, second, mean] = curves as [number[][], number[][], number[][]];
    expect(first).toHaveLength(3);
    expect(second).toHaveLength(2);
    const heights = first.map(([, y]) => y!);
    expect(heights[0]! - heights[1]!).toBeCloseTo(heights[1]! - heights[2]!); // 1, 2, 3: a straight line up
    expect(heights[0]!).toBeGreaterThan(heights[2]!);
    expect(second[0]![1]).toBe(heights[2]); // the same value at the same height
    expect(mean.map(([, y]) => y)).toEqual([
      heights[1],
      expect.closeTo((heights[0]! + heights[1]!) / 2, 1),
      heights[2],
    ]);
    expect([first[0]![0], first[2]![0]]).toEqual([72, 696]);
    expect(svg).toContain('HPS &lt;v2&gt;');
    expect(svg).toContain('CLIP (watched)');
    expect(svg).toContain('stopped &amp; was kept');
    const { width, height } = await sharp(new TextEncoder().encode(svg)).metadata();
    expect([width, height]).toEqual([720, Number(/viewBox="0 0 720 (\d+)"/.exec(svg)![1])]);
  });

  it('has round ticks that span any range', () => {
    const size = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const ticks = ticksBetween(low, high);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(6);
        const slack = 1e-4 * Math.max(Math.abs(low), Math.abs(high));
        expect(ticks[0]).toBeLessThanOrEqual(low + slack);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(high - slack);
        expect(ticks.every((tick, i) => i === 0 || tick > ticks[i - 1]!)).toBe(true);
      }),
      { seed: 11, numRuns: 500 },
    );
    expect(ticksBetween(0.21, 0.34)).toEqual([0.2, 0.25, 0.3, 0.35]);
    expect(ticksBetween(7, 7)).toContain(7);
  });

  it('is written with a table of every number, once a trace', async () => {
    const { context, saved } = nodeContext();
    await traceChart.run({ traces: [trace, trace] }, { name: 'climb', heading: 'x' }, context);
    expect(saved.map(({ name, mime }) => [name, mime])).toEqual([
      ['climb.svg', 'image/svg+xml'],
      ['climb.csv', 'text/csv'],
      ['climb.svg', 'image/svg+xml'],
      ['climb.csv', 'text/csv'],
    ]);
    const lines = new TextDecoder().decode(saved[1]!.bytes).trim().split('\r\n');
    expect(lines).toEqual([
      'prompt,seed,evaluation,total,HPS <v2>,CLIP (watched),length of the noise,kept',
      '"a ""b"", c",4,1,1,0.25,30,16,0',
      '"a ""b"", c",4,2,2,0.5,31,16.5,0',
      '"a ""b"", c",4,3,3,0.75,29,17,1',
      ',5,1,3,0.75,25,16,1',
      ',5,2,1,0.25,20,15,0',
    ]);
  });
});
