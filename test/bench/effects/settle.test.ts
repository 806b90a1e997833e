import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLines } from './openLines.ts';
import { settle } from './settle.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-settle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('settings of a folder of results', () => {
  it('are found once, kept, and refused where they are others', async () => {
    const path = join(folder, 'settings.json');
    expect(await settle(path, { steps: 1 }, async () => 7)).toBe(7);
    expect(await settle(path, { steps: 1 }, async () => 8)).toBe(7);
    await expect(settle(path, { steps: 2 }, async () => 8)).rejects.toThrow(/of other settings: {"steps":1}/);
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
