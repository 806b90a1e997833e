import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-effects-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The smallest of all: one prompt and one scene a task, one evaluation for each optimiser. */
const smallest = ['--quick', '--budget', '1', '--steps', '1', '--more-steps', '2', '--out', folder];
const run = () => runCli(['bench', 'effects', ...smallest], { cwd: folder });
const file = (name: string) => readFileSync(join(folder, name), 'utf8');
const linesOf = (name: string) => file(name).trim().split('\n');
const methodsIn = (lines: readonly string[]) =>
  new Set(lines.map((line) => (JSON.parse(line) as { method: string }).method));

describe('noiseloom bench effects', () => {
  it('judges every method on every trial, writes tables, charts and images, and goes on where it was stopped', async () => {
    const first = await run();
    expect(first.code, first.stderr).toBe(0);
    const [lines, conditionLines] = [linesOf('results.jsonl'), linesOf('consistency.jsonl')];
    const [methods, conditionMethods] = [methodsIn(lines), methodsIn(conditionLines)];
    expect([...methods]).toEqual(
      expect.arrayContaining(['ReNO, weighted sum', 'ReNO, WCO', 'ReNO, UWO', 'Pareto noise']),
    );
    expect(lines).toHaveLength(6 * methods.size);
    expect([...conditionMethods]).toEqual([
      'no ControlNet',
      'no ControlNet + consistency reward',
      'no ControlNet + guidance',
    ]);
    expect(conditionLines).toHaveLength(3 * 6 * conditionMethods.size);
    expect(first.stdout).toContain('Rows with a ControlNet are left out: there is none');
    for (const method of [...methods, ...conditionMethods]) expect(file('effects.md')).toContain(`| ${method} | `);
    for (const method of methods) expect(file('effects.svg')).toContain(method);
    expect(readdirSync(join(folder, 'images'))).toHaveLength(lines.length + conditionLines.length);
    expect(readdirSync(folder).sort()).toEqual([
      'calibrations.jsonl',
      'consistency.csv',
      'consistency.jsonl',
      'consistency.png',
      'curves.svg',
      'effects.csv',
      'effects.md',
      'effects.png',
      'effects.svg',
      'images',
      'results.jsonl',
      'volume.svg',
    ]);

    const cut = lines.slice(0, -2).join('\n').concat('\n', lines.at(-2)!.slice(0, 20));
    writeFileSync(join(folder, 'results.jsonl'), cut);
    const second = await run();
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout.match(/ left, about /g)).toHaveLength(2); // the cut line and the one after it
    expect(linesOf('results.jsonl')).toHaveLength(lines.length);
  }, 900_000);
});
