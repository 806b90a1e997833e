import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../nodes/errors.ts';
import { readTextIfThere, writeFailed } from './disk.ts';
import { isRunning, markProcess, type ProcessMark } from './processes.ts';

interface Lock extends ProcessMark {
  /** ISO 8601: since when it is held. */
  readonly since: string;
}

/** Milliseconds in which a process that made its lock has written into it. */
const WRITING = 2000;

/**
 * Does work that only one process may do at a time: who does it stands in a file, which is removed at the end. The file of a
 * process that is gone counts for nothing. Throws what `busy` makes of the process that does it now.
 */
export async function withLock<Result>(
  path: string,
  busy: (pid: number) => Error,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = await take(path, { ...markProcess(), since: new Date().toISOString() });
  if (holder) throw busy(holder.pid);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Makes the lock, in place of one that was left; returns the lock of a process that holds it instead. */
async function take(path: string, lock: Lock): Promise<Lock | undefined> {
  while (!(await make(path, lock))) {
    const text = await readLock(path);
    const holder = parseLock(text);
    if (holder && isRunning(holder, Date.parse(holder.since))) return holder;
    if (text !== undefined) await removeLeft(path, text, lock);
  }
  return undefined;
}

async function make(path: string, lock: Lock): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(lock), { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'ENOSPC') throw writeFailed(path, error);
    await rm(path, { force: true }); // it was made and could not be written
    throw new UserError(
      'DISK_FULL',
      `No bytes are free for "${path}". Free some space, or use a folder on another disk.`,
    );
  }
}

/** What stands in a lock, once it is written; undefined where it is gone. */
async function readLock(path: string): Promise<string | undefined> {
  for (const end = performance.now() + WRITING; ; await sleep(50)) {
    const text = await readTextIfThere(path);
    if (text === undefined || parseLock(text) || performance.now() > end) return text;
  }
}

function parseLock(text: string | undefined): Lock | undefined {
  try {
    const found = JSON.parse(text ?? 'null');
    return typeof found?.pid === 'number' && typeof found.since === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes a lock that was left, unless that has been done. To look and to remove are two steps, so one process at a time
 * takes them: a lock of its own, which a process may leave as well, guards them.
 */
async function removeLeft(path: string, text: string, lock: Lock): Promise<void> {
  const removal = `${path}.removal`;
  if (await take(removal, lock)) {
    await sleep(50); // another removes it now
    return;
  }
  try {
    if ((await readTextIfThere(path)) === text) await rm(path, { force: true });
  } catch (error) {
    throw writeFailed(path, error);
  } finally {
    await rm(removal, { force: true });
  }
}
