import { rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { makeFolder, readJsonFile, renameFlushed, writeAtomic } from '../files/disk.ts';
import { withLock } from '../files/lock.ts';
import { downloadFile, hasContent, partPath, sizeOnDisk } from './downloadFile.ts';
import { type Hub, type HubFile, type HubModel, sumSizes } from './hub.ts';

/** What is written beside a pulled model, last: its presence says that the model is whole. */
interface PullRecord {
  readonly name: string;
  readonly commit: string;
  readonly endpoint: string;
  readonly files: readonly HubFile[];
}
const PULL_RECORD = '.pulled.json';

export interface PullProgress {
  readonly file: string;
  /** Bytes that are there, of all files together, and how many there will be. */
  readonly done: number;
  readonly total: number;
}

interface PullOptions {
  readonly signal: AbortSignal;
  readonly emit: (progress: PullProgress) => void;
}

/**
 * Downloads files of a model into `<modelsFolder>/<name>`. Bytes that an earlier, interrupted pull left are kept; every
 * file is checked against the hub's hash before it takes its place; the record is written last.
 * `@huggingface/hub` lists, but its own download starts anew after an interruption, so the bytes are fetched here by
 * HTTP ranges. Throws UserError `DISK_FULL`, `HASH_MISMATCH`, `HUB_...`, and `PULL_RUNNING` where another process pulls the
 * same model. Returns the model's folder.
 */
export async function pullModel(
  hub: Hub,
  model: HubModel,
  files: readonly HubFile[],
  modelsFolder: string,
  options: PullOptions,
): Promise<string> {
  const folder = join(modelsFolder, model.name);
  const staging = join(dirname(folder), `.${model.name.split('/').at(-1)}.pulling`);
  await makeFolder(dirname(folder));
  const busy = (pid: number) => {
    const sentence = `"${model.name}" is being pulled into "${folder}" by process ${pid} already: wait for it, or stop it.`;
    return new UserError('PULL_RUNNING', `${sentence} If that process is none of Noiseloom, delete "${staging}.lock".`);
  };
  await withLock(`${staging}.lock`, busy, () => pullInto(folder, staging, hub, model, files, options));
  return folder;
}

async function pullInto(
  folder: string,
  staging: string,
  hub: Hub,
  model: HubModel,
  files: readonly HubFile[],
  options: PullOptions,
): Promise<void> {
  const missing: HubFile[] = [];
  for (const file of files) if (!(await hasContent(join(folder, file.path), file))) missing.push(file);
  const total = sumSizes(files);
  let done = total - sumSizes(missing);
  await makeFolder(staging);
  await checkDisk(staging, missing);
  for (const file of missing) {
    options.signal.throwIfAborted();
    const emit = (bytes: number) => {
      done += bytes;
      options.emit({ file: file.path, done, total });
    };
    emit(0);
    await downloadFile(hub, model, file, join(staging, file.path), emit, options.signal);
  }
  for (const { path } of missing) {
    await makeFolder(dirname(join(folder, path)));
    await renameFlushed(join(staging, path), join(folder, path));
  }
  const kept =
    (await readPullRecord(folder))?.files.filter((old) => !files.some(({ path }) => path === old.path)) ?? [];
  const record: PullRecord = {
    name: model.name,
    commit: model.commit,
    endpoint: hub.endpoint,
    files: [...files, ...kept],
  };
  await writeAtomic(join(folder, PULL_RECORD), `${JSON.stringify(record, null, 2)}\n`);
  await rm(staging, { recursive: true });
}

/** The record of a pulled model, or undefined where a folder holds none that can be read. */
export async function readPullRecord(folder: string): Promise<PullRecord | undefined> {
  try {
    const record = (await readJsonFile(join(folder, PULL_RECORD), 2 ** 24)) as PullRecord;
    const { name, commit, files } = record;
    const isRecord =
      [name, commit, ...files.map(({ path }) => path)].every((text) => typeof text === 'string') &&
      files.every(({ size }) => Number.isSafeInteger(size));
    return isRecord ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes free for this user on the disk that holds a folder, or would hold it. */
export async function freeDisk(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (folder === dirname(folder)) throw error;
    return freeDisk(dirname(folder));
  }
}

async function checkDisk(staging: string, missing: readonly HubFile[]): Promise<void> {
  let needed = sumSizes(missing);
  for (const file of missing) {
    needed -= (await sizeOnDisk(partPath(join(staging, file.path), file))) ?? 0;
  }
  const free = await freeDisk(staging);
  if (needed > free) {
    throw new UserError(
      'DISK_FULL',
      `${needed} bytes are still to be downloaded, but only ${free} are free in "${staging}". Free some space, or set NOISELOOM_MODELS to a folder on another disk.`,
    );
  }
}
