import { execFileSync } from 'node:child_process';
import { readFileSync, utimesSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundleProgram } from '../../build/bundle.ts';
import { packageFolder } from '../../electron/files/folders.ts';

const program = join(packageFolder, 'test', 'fixtures', 'program.ts');
const run = (...args: string[]) =>
  JSON.parse(
    execFileSync(process.execPath, [join(packageFolder, 'build', 'run.mjs'), program, ...args], { encoding: 'utf8' }),
  );
const latest = () =>
  JSON.parse(readFileSync(join(packageFolder, 'out', 'test', 'fixtures', 'program', 'latest.json'), 'utf8'));

it('runs a TypeScript program with its arguments, and bundles it again only when a source changed', () => {
  const first = run('a', '--b');
  expect(first.arguments).toEqual(['a', '--b']);
  const { name, stamp } = latest();
  expect(Object.keys(stamp)).toEqual(
    expect.arrayContaining(['test/fixtures/program.ts', 'electron/files/folders.ts', 'package-lock.json']),
  );
  expect(run()).toEqual({ arguments: [], version: first.version });
  expect(latest().name).toBe(name);
  utimesSync(program, new Date(), new Date());
  run();
  expect(latest().name).not.toBe(name);
});

it('loads no TensorFlow before a command needs it', async () => {
  const folder = await mkdtemp(join(packageFolder, 'out', 'test-bundle-'));
  try {
    const { name } = await bundleProgram(packageFolder, 'electron/cli/cli.ts', folder);
    const texts = await staticParts(join(folder, name), 'main.mjs');
    expect(texts.some((text) => text.includes('noiseloom'))).toBe(true);
    expect(texts.filter((text) => text.includes('class KernelBackend'))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** The text of a module and of all that it imports at once, not lazily. */
async function staticParts(folder: string, file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = await readFile(join(folder, file), 'utf8');
  const imports = [
    ...text.matchAll(/^(?:import|export)\b[^'"(]*?["']\.\/([^"']+)["'];$/gm),
    ...text.matchAll(/^\} from ["']\.\/([^"']+)["'];$/gm),
  ];
  const parts = imports.map(([, part = '']) => (file.startsWith('parts/') ? `parts/${part}` : part));
  return [text, ...(await Promise.all(parts.map((part) => staticParts(folder, part, seen)))).flat()];
}
