import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-effects-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The smallest of all: one prompt a task, one evaluation for each optimiser. */
const smallest = ['--quick', '--budget', '1', '--steps', '1', '--more-steps', '2', '--out', folder];
const run = () => runCli(['bench', 'effects', ...smallest], { cwd: folder });
const file = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('noiseloom bench effects', () => {
  it('judges every method on every trial, writes table, chart and pictures, and goes on where it was stopped', async () => {
    const first = await run();
    expect(first.code, first.stderr).toBe(0);
    const lines = file('results.jsonl').trim().split('\n');
    const methods = new Set(lines.map((line) => (JSON.parse(line) as { method: string }).method));
    expect(methods.size).toBeGreaterThanOrEqual(6);
    expect(lines).toHaveLength(6 * methods.size);
    expect(
      file('effects.md')
        .split('\n')
        .filter((line) => line.startsWith('| ')),
    ).toHaveLength(2 + methods.size);
    for (const method of methods) expect(file('effects.svg')).toContain(method);
    expect(readdirSync(join(folder, 'pictures'))).toHaveLength(lines.length);
    expect(readdirSync(folder).sort()).toEqual([
      'effects.csv',
      'effects.md',
      'effects.png',
      'effects.svg',
      'pictures',
      'results.jsonl',
    ]);

    writeFileSync(
      join(folder, 'results.jsonl'),
      lines.slice(0, -2).join('\n').concat('\n', lines.at(-2)!.slice(0, 20)),
    );
    const second = await run();
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout.match(/^6\/6 /gm)).toHaveLength(2); // the cut line and the one after it
    expect(second.stdout).not.toMatch(/^1\/6 /m);
  }, 900_000);
});
