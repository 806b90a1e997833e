import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { gridAxes } from '../../../nodes/input/gridAxes.ts';
import { readPngText } from '../../../nodes/ml/image/pngText.ts';
import { fill } from '../../../nodes/ml/tf.ts';
import { contactSheet } from '../../../nodes/output/contactSheet.ts';
import type { Images } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const [SIDE, GAP] = [64, 4];
const grey = (value: number): Images => ({ pixels: fill([1, SIDE, SIDE, 3], value / 255), labels: [{}] });
const params = { name: 'sheet', columnTitle: 'steps', rowTitle: '', sheetTitle: '', gap: GAP, enlarge: 1 };

describe('contact sheet', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('lays a table with its labels, one file for each sheet', async () => {
    const { context, saved } = nodeContext();
    const axes = gridAxes.run({}, { columns: '4\n8', rows: 'Euler\nDDIM', sheets: 'x\ny' }, context);
    const images = Array.from({ length: 8 }, (_, i) => grey(20 * (i + 1)));
    await contactSheet.run({ images, ...(await axes) }, params, context);
    expect(saved.map(({ name, label }) => [name, label])).toEqual([
      ['sheet-1.png', { name: 'x' }],
      ['sheet-2.png', { name: 'y' }],
    ]);
    expect(Object.fromEntries(readPngText(saved[1]!.bytes))).toMatchObject({
      Sheet: 'y',
      Rows: 'Euler\nDDIM',
      Columns: 'steps: 4\nsteps: 8',
    });
    const { width, height, data } = decode(saved[1]!.bytes);
    const [left, top] = [6 * 6, 2 * 13]; // "Euler" and a space; the title and one line of columns
    expect([width, height]).toEqual([left + 2 * SIDE + 3 * GAP, top + 2 * SIDE + 3 * GAP]);
    const at = (x: number, y: number) => data[(y * width + x) * 3];
    const cell = (i: number) => GAP + i * (SIDE + GAP) + SIDE / 2;
    expect([0, 1].map((row) => [0, 1].map((column) => at(left + cell(column), top + cell(row))))).toEqual([
      [100, 120],
      [140, 160],
    ]);
    const inkIn = (x0: number, y0: number, x1: number, y1: number) => {
      let ink = 0;
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) if (at(x, y) === 0) ink++;
      return ink;
    };
    expect(inkIn(0, 0, width, 13)).toBeGreaterThan(5); // the sheet's name
    expect(inkIn(left, 13, left + SIDE, top)).toBeGreaterThan(20); // "steps: 4"
    expect(inkIn(0, top, left, top + SIDE)).toBeGreaterThan(20); // "Euler"
    for (const { pixels } of images) pixels.dispose();
  });

  it('is a plain table without axes, and refuses axes of another length', async () => {
    const { context, saved } = nodeContext();
    const images = [grey(0), grey(255)];
    const none = { columns: [], rows: [], sheets: [] };
    await contactSheet.run({ images, ...none }, params, context);
    expect(saved[0]!.name).toBe('sheet.png');
    expect(decode(saved[0]!.bytes)).toMatchObject({ width: 2 * SIDE + 2 * GAP, height: SIDE + 2 * GAP });
    await expect(contactSheet.run({ images, ...none, rows: ['a', 'b', 'c'] }, params, context)).rejects.toMatchObject({
      code: 'LIST_LENGTHS',
      message: expect.stringMatching(/^2 batches of images arrive, but 3 rows\./),
    });
    for (const { pixels } of images) pixels.dispose();
  });
});
