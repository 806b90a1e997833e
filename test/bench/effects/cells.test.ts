import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cellOf, findOnce, linesOf } from './cells.ts';
import { openLines } from './openLines.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-cells-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('cells of results', () => {
  it('are the same for the same settings, and others for any other', () => {
    const cell = cellOf({ steps: 1 }, 'ReNO', 'a star');
    expect(cellOf({ steps: 1 }, 'ReNO', 'a star')).toBe(cell);
    for (const other of [
      cellOf({ steps: 2 }, 'ReNO', 'a star'),
      cellOf({ steps: 1 }, 'FIND', 'a star'),
      cellOf({ steps: 1 }, 'ReNO', 'a ring'),
    ])
      expect(other).not.toBe(cell);
  });

  it('are picked from a file that holds others, each once, and new ones go to the file', async () => {
    const path = join(folder, 'results.jsonl');
    const file = await openLines<{ cell: string; value: number }>(path);
    for (const [cell, value] of [
      ['a', 1],
      ['b', 2],
      ['a', 5],
    ] as const)
      await file.add({ cell, value });
    const lines = linesOf(file, new Set(['a', 'c']));
    expect(lines.all).toEqual([{ cell: 'a', value: 1 }]);
    await lines.add({ cell: 'c', value: 3 });
    expect(lines.all).toHaveLength(2);
    expect((await openLines(path)).all).toHaveLength(4);
  });

  it('are found once', async () => {
    const path = join(folder, 'found.jsonl');
    expect(await findOnce(await openLines(path), 'a', async () => 7)).toBe(7);
    expect(await findOnce(await openLines(path), 'a', async () => 8)).toBe(7);
    expect(await findOnce(await openLines(path), 'b', async () => 8)).toBe(8);
  });
});

describe('lines of results', () => {
  it('grow, and lose what was cut off', async () => {
    const path = join(folder, 'lines.jsonl');
    const lines = await openLines<{ value: number }>(path);
    await lines.add({ value: 1 });
    await lines.add({ value: 2 });
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -4));
    const again = await openLines<{ value: number }>(path);
    expect(again.all).toEqual([{ value: 1 }]);
    await again.add({ value: 3 });
    expect(readFileSync(path, 'utf8')).toBe('{"value":1}\n{"value":3}\n');
  });
});
