import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';
import { storedNode as node } from '../../support/storedNode.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-pipe-'));
});
afterAll(() => rm(folder, { recursive: true }));

const program = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'electron/cli/cli.ts')];

/** The exit code of the command line when its reader goes after the first piece of what it prints. */
async function readFirst(args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [...program, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'exit');
  return code;
}

it('a run whose reader goes is interrupted, and does not exit as one that is done', async () => {
  const nodes = {
    generator: node('model/load-generator', { model: 'builtin:world' }),
    numbers: node('input/number-range', { first: 1, step: 1, count: 10_000 }),
    noise: node('input/noise', {}, { generator: [['generator', 'generator']], seed: [['numbers', 'numbers']] }),
  };
  const graph = { format: 'noiseloom-graph', version: 2, title: 'Long', nodes };
  await writeFile(join(folder, 'graph.json'), JSON.stringify(graph));
  expect(await readFirst(['run', 'graph.json', '--device', 'cpu', '--json', '--out', 'runs'])).toBe(130);
  const [run] = await readdir(join(folder, 'runs'));
  const record = JSON.parse(await readFile(join(folder, 'runs', run as string, 'run.json'), 'utf8'));
  expect(record.state).toBe('interrupted');
});

it.skipIf(process.platform === 'win32')('too few files at once are a sentence', async () => {
  const limited = `ulimit -n 30; exec "$@"`;
  const args = ['-c', limited, 'sh', process.execPath, ...program, 'run', 'template:first-image', '--device', 'cpu'];
  const child = spawn('sh', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  expect(said).toMatch(/[Tt]oo many (files are open|open files)/);
  expect(said).toContain('ulimit -n');
  expect(said).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
});
