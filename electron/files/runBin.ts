import { readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { printable } from '../../nodes/quote.ts';
import { explainDiskError, makeFolder, readStats, writeAtomic } from './disk.ts';
import { readRecord, runPath } from './recordedRuns.ts';
import type { RunRecord } from './runFolder.ts';

/*
 * What was deleted of recorded runs lies in a bin inside their folder until that is emptied: whole runs under `runs/`,
 * images of runs that stay under `images/`. A run that stays says in its record which of its files were removed.
 */

/** A run, or files of it. */
export interface RunPart {
  readonly folder: string;
  /** Names in its record; without them the whole run. */
  readonly names?: readonly string[];
}

const BIN = '.bin';

/**
 * Moves runs, or files of runs, into the bin. Throws UserError `NO_RUN`, `NOT_FOUND` where a run has no such file,
 * `RUN_GOES_ON`, and `WRITE_FAILED`; what comes before that in the list is in the bin then.
 */
export async function moveToBin(runsFolder: string, parts: readonly RunPart[]): Promise<void> {
  for (const { folder, names } of parts) {
    const record = await readRecord(runsFolder, folder);
    if (record.state === 'running')
      throw new UserError('RUN_GOES_ON', `The run "${record.graph.document.title}" goes on: stop it first.`);
    const path = await runPath(runsFolder, folder);
    if (!names) {
      await move(path, join(runsFolder, BIN, 'runs', folder));
      continue;
    }
    const removed = withSameImages(record, folder, names);
    await writeRecord(path, { ...record, removed: [...new Set([...(record.removed ?? []), ...removed])] });
    for (const name of removed) await moveWithin(path, join(runsFolder, BIN, 'images', folder), name);
  }
}

/** Moves runs, or files of runs, out of the bin again. Throws UserError `NO_RUN` where the bin does not hold them any more. */
export async function restoreFromBin(runsFolder: string, parts: readonly RunPart[]): Promise<void> {
  for (const { folder, names } of parts) {
    if (!names) {
      if (!isPlainName(folder) || folder.includes('/') || !(await readStats(join(runsFolder, BIN, 'runs', folder))))
        throw new UserError('NO_RUN', `The bin holds no run "${folder.slice(0, 200)}" any more.`);
      await move(join(runsFolder, BIN, 'runs', folder), join(runsFolder, folder));
      continue;
    }
    const record = await readRecord(runsFolder, folder);
    const path = await runPath(runsFolder, folder);
    const restored = new Set(withSameImages(record, folder, names));
    for (const name of restored) await moveWithin(join(runsFolder, BIN, 'images', folder), path, name);
    await writeRecord(path, { ...record, removed: (record.removed ?? []).filter((name) => !restored.has(name)) });
  }
}

/** How many files the bin holds, and their bytes. */
export async function measureBin(runsFolder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(join(runsFolder, BIN), { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Deletes for ever what the bin holds. */
export async function emptyBin(runsFolder: string): Promise<void> {
  await rm(join(runsFolder, BIN), { recursive: true, force: true });
}

/** The files of a run and all others of it that show the same images. */
function withSameImages({ outputs, copies = [] }: RunRecord, folder: string, names: readonly string[]): string[] {
  const files = [...outputs, ...copies];
  const unknown = names.find((name) => !files.some((file) => file.name === name));
  if (unknown !== undefined) throw new UserError('NOT_FOUND', `The run "${folder}" has no file "${unknown}".`);
  const ids = new Set(files.flatMap(({ name, label }) => (names.includes(name) && label?.id ? [label.id] : [])));
  const same = files.filter(({ name, label }) => names.includes(name) || (label?.id && ids.has(label.id)));
  return [...new Set(same.map(({ name }) => name))];
}

async function writeRecord(path: string, record: RunRecord): Promise<void> {
  await writeAtomic(join(path, 'run.json'), printable(`${JSON.stringify(record, null, 2)}\n`));
}

/** Moves a file that may lie in folders below, and is gone where it was moved already. Links that lead out are not followed. */
async function moveWithin(from: string, to: string, name: string): Promise<void> {
  const [file, folder] = await Promise.all([realpath(join(from, name)), realpath(from)]).catch(() => []);
  if (file === undefined || folder === undefined || !file.startsWith(folder + sep)) return;
  await move(file, join(to, name));
}

async function move(from: string, to: string): Promise<void> {
  try {
    await makeFolder(dirname(to));
    await rename(from, to);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError('WRITE_FAILED', `"${from}" cannot be moved: ${explainDiskError(cause)}.`, { cause });
  }
}
