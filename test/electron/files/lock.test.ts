import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from '../../../electron/files/lock.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

const busy = (pid: number) => new Error(`held by ${pid}`);

it('lets one do the work, and the next when it is over, however it ended', async () => {
  await withLock(path, busy, async () => {
    await expect(withLock(path, busy, async () => {})).rejects.toThrow(`held by ${process.pid}`);
    expect(await readdir(folder)).toEqual(['lock']);
  });
  await expect(withLock(path, busy, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await withLock(path, busy, async () => 5)).toBe(5);
  expect(await readdir(folder)).toEqual([]);
});

it('is not kept by a process that was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  await writeFile(path, JSON.stringify({ pid: child.pid, since: new Date().toISOString() }));
  await expect(withLock(path, busy, async () => {})).rejects.toThrow(`held by ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await withLock(path, busy, async () => 5)).toBe(5);
});

it.each(['', '{"pid"', '{"pid": -1, "since": "2026-01-01T00:00:00Z"}', 'null'])(
  'is not kept by the file %j that no process has',
  async (text) => {
    await writeFile(path, text);
    expect(await withLock(path, busy, () => readFile(path, 'utf8'))).toContain(`"pid":${process.pid}`);
    expect(await readdir(folder)).toEqual([]);
  },
);

it('says what is in the way where a lock that was left cannot be removed', async () => {
  const long = join(folder, 'x'.repeat(250)); // no room for the name of a lock beside it
  await writeFile(long, JSON.stringify({ pid: -1, since: '2026-01-01T00:00:00Z' }));
  await expect(withLock(long, busy, async () => {})).rejects.toMatchObject({ code: 'WRITE_FAILED' });
});

it('goes to one of many that find it left, each time', async () => {
  for (let round = 0; round < 25; round++) {
    await writeFile(path, JSON.stringify({ pid: -1, since: '2026-01-01T00:00:00Z' }));
    let inside = 0;
    const tries = Array.from({ length: 8 }, () =>
      withLock(path, busy, async () => {
        expect(++inside).toBe(1);
        await new Promise((done) => setTimeout(done, 5)); // so that another may come in
        inside--;
      }),
    );
    const ended = await Promise.allSettled(tries);
    expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const end of ended) if (end.status === 'rejected') expect(end.reason).toEqual(busy(process.pid));
    expect(await readdir(folder)).toEqual([]);
  }
});

it('goes on where a process died while it removed a lock that was left', async () => {
  const left = JSON.stringify({ pid: -1, since: '2026-01-01T00:00:00Z' });
  await writeFile(path, left);
  await writeFile(`${path}.removal`, left);
  expect(await withLock(path, busy, async () => 5)).toBe(5);
  expect(await readdir(folder)).toEqual([]);
});
