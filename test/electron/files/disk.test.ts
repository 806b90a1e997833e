import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { renameFlushed, writeAtomic } from '../../../electron/files/disk.ts';

/** What was asked of the disk, in order, with paths relative to `folder`. */
const asked = vi.hoisted(() => [] as { readonly what: string; readonly path: string }[]);
vi.mock('node:fs/promises', async (original) => {
  const disk = await original<typeof import('node:fs/promises')>();
  const open: typeof disk.open = async (path, ...rest) => {
    const file = await disk.open(path, ...rest);
    const { sync, close } = file;
    const noting = (what: string, ask: () => Promise<void>) => () => {
      asked.push({ what, path: String(path) });
      return ask.call(file);
    };
    return Object.assign(file, { sync: noting('flush', sync), close: noting('close', close) });
  };
  const rename: typeof disk.rename = (from, to) => {
    asked.push({ what: 'rename', path: String(to) });
    return disk.rename(from, to);
  };
  return { ...disk, open, rename };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-disk-'));
  asked.length = 0;
});
afterEach(() => rm(folder, { recursive: true }));

const steps = () =>
  asked.map(({ what, path }) => {
    const name = relative(folder, path);
    return `${what} ${name === '' ? 'the folder' : name.replace(/^\..*\.part$/, 'what was written')}`;
  });

it('a file that is written has reached the disk before it has its name, and its name after that', async () => {
  await writeAtomic(join(folder, 'a'), 'text');
  expect(steps()).toEqual([
    'flush what was written',
    'close what was written',
    'rename a',
    'flush the folder',
    'close the folder',
  ]);
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('text');
});

it('the name of a file that is renamed has reached the disk', async () => {
  await writeFile(join(folder, 'a.part'), 'text');
  await renameFlushed(join(folder, 'a.part'), join(folder, 'a'));
  expect(steps()).toEqual(['rename a', 'flush the folder', 'close the folder']);
});
