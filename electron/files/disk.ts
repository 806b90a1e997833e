import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import type { OpenFile } from '../../nodes/files.ts';
import { parseJson } from '../../nodes/parseJson.ts';
import { tooLarge } from '../../nodes/readWhole.ts';

/** The stats of a path; undefined where there is nothing. Throws UserError `READ_FAILED`. */
export async function readStats(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw readFailed(path, error);
  }
}

/** The text of a small file; undefined where there is nothing. Throws UserError `READ_FAILED`. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw readFailed(path, error);
  }
}

/** As `Files.read`. */
export async function readRange(path: string, start?: number, end?: number, scratch?: Uint8Array): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    return await file.read(start, end, scratch);
  } finally {
    await file.close();
  }
}

/**
 * The JSON of a file that is small by its nature, as records are. Throws UserError `TOO_LARGE` before anything is read, and
 * SyntaxError where it is too deep or no JSON.
 */
export async function readJsonFile(path: string, most: number): Promise<unknown> {
  const size = (await readStats(path))?.size ?? 0;
  if (size > most) throw tooLarge(path, size, most);
  return parseJson(new TextDecoder().decode(await readRange(path)), { depth: 100, values: most / 4 });
}

/** As `Files.open`. */
export async function openFile(path: string): Promise<OpenFile> {
  const { file, size } = await openHandle(path);
  return {
    close: () => file.close(),
    async read(start = 0, end = size, scratch) {
      if (start < 0 || end > size || end < start)
        throw new UserError('READ_FAILED', `"${path}" has ${size} bytes, not the bytes ${start} to ${end}.`);
      const length = end - start;
      const bytes = scratch && scratch.length >= length ? scratch.subarray(0, length) : new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const wanted = Math.min(length - done, 1 << 30);
        const { bytesRead } = await file.read(bytes, done, wanted, start + done).catch((error: unknown) => {
          throw readFailed(path, error);
        });
        if (bytesRead === 0) throw new UserError('READ_FAILED', `"${path}" became shorter while it was read.`);
        done += bytesRead;
      }
      return bytes;
    },
  };
}

async function openHandle(path: string): Promise<{ file: FileHandle; size: number }> {
  try {
    const found = await stat(path);
    if (found.isFile()) return { file: await open(path, 'r'), size: found.size }; // to open a pipe waits for ever
  } catch (error) {
    throw readFailed(path, error);
  }
  throw new UserError('READ_FAILED', `"${path}" is no file.`);
}

/** As `Files.list`. */
export async function listFolder(path: string): Promise<string[] | undefined> {
  try {
    if (!(await readStats(path))?.isDirectory()) return undefined;
    const names = await readdir(path);
    const folders = await Promise.all(names.map(async (name) => (await readStats(join(path, name)))?.isDirectory()));
    return names.map((name, i) => (folders[i] ? `${name}/` : name)).sort();
  } catch (error) {
    throw error instanceof UserError ? error : readFailed(path, error);
  }
}

/** Whether an error of the disk says that nothing is there. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** What the disk said while a file was read, as UserError `NOT_FOUND` or `READ_FAILED`. */
export function readFailed(path: string, cause: unknown): UserError {
  if (isAbsent(cause)) return new UserError('NOT_FOUND', `There is no file "${path}".`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError('READ_FAILED', `"${path}" could not be read: ${reason}.`, { cause });
}

/**
 * Writes a whole file or nothing: a temporary file in the same folder, flushed to the disk, then renamed over `path`, and
 * the folder flushed as well. The folder must exist. Throws UserError `WRITE_FAILED`, and then what was there is unchanged.
 */
export async function writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameFlushed(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // a disk that went read-only keeps it
    throw writeFailed(path, error);
  }
}

/** Renames a file, and flushes the folder that it is in then: until that, a power cut may undo the name. */
export async function renameFlushed(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), 'r').catch(() => undefined); // Windows opens no folder
  try {
    await folder?.sync();
  } catch {
    // Some network disks cannot: the file is there all the same.
  } finally {
    await folder?.close();
  }
}

/** Makes a folder and its parents where they are missing. Throws UserError `WRITE_FAILED`. */
export async function makeFolder(path: string): Promise<void> {
  const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
  try {
    await mkdir(path); // Node's own recursive way never ends where the system answers as /proc does
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await readStats(path))?.isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw writeFailed(path, error);
    await makeFolder(dirname(path));
    await mkdir(path).catch((again) => {
      if (codeOf(again) !== 'EEXIST') throw writeFailed(path, again);
    });
  }
}

/** What a disk refuses to do, in words. */
const refusals: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk has no more room for this user',
  EROFS: 'the disk is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENOENT: 'the folder is not there',
  ENOTDIR: 'what should be a folder is a file',
  EISDIR: 'there is a folder of that name',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'the file would be larger than the disk or this user may have',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open (raise the limit, e.g. with: ulimit -n 1024)',
  ENFILE: 'too many files are open on this machine',
};

/** A disk error as a UserError; any other error is returned as it is. */
export function writeFailed(path: string, cause: unknown): unknown {
  if (!isDiskError(cause)) return cause;
  const message = `"${path}" cannot be written: ${explainDiskError(cause)}. What was there is unchanged.`;
  return new UserError('WRITE_FAILED', message, { cause });
}

/** Whether an error is a disk that refuses to be written. */
export function isDiskError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && Object.hasOwn(refusals, String(error.code));
}

/** Why something could not be written, in words without a full stop; `error` is the disk's, or a `WRITE_FAILED` made of it. */
export function explainDiskError(error: unknown): string {
  const cause = error instanceof UserError && error.code === 'WRITE_FAILED' ? error.cause : error;
  if (isDiskError(cause)) return refusals[String(cause.code)]!;
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause);
}
